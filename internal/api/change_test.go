package api

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
)

func (w *world) roomsOf(c *client) []string {
	w.Helper()
	found, err := w.nodes[1].To(c.id).FetchSockets(w.Context())
	if err != nil || len(found) != 1 {
		w.Fatalf("%d sockets, %v", len(found), err)
	}
	rooms := slices.DeleteFunc(found[0].Rooms(), func(r string) bool { return r == c.id })
	slices.Sort(rooms)
	return rooms
}

func TestJoinAndLeaveWorkOnAllNodes(t *testing.T) {
	w := start(t, nil)
	a, b, c := w.connect(0, "/", "", "user:ann"), w.connect(1, "/", "", "user:ann"), w.connect(1, "/", "")
	w.post("join", `{"target":{"users":["ann"]},"rooms":["red","blue"]}`).is(http.StatusOK, toCluster)
	w.post("leave", `{"target":{"rooms":["red"]},"rooms":["blue"]}`).is(http.StatusOK, toCluster)
	for _, s := range []*client{a, b} {
		w.eventually(func() error {
			if got := w.roomsOf(s); !slices.Equal(got, []string{"red", "user:ann"}) {
				return errors.New("rooms are not those")
			}
			return nil
		})
	}
	if got := w.roomsOf(c); len(got) != 0 {
		t.Errorf("the third is in %q", got)
	}
}

func TestRoomsThatAreFullAreSaid(t *testing.T) {
	w := start(t, nil)
	w.connect(0, "/", "", "1", "2", "3", "4", "5", "6", "7")
	free := w.connect(0, "/", "")
	p := w.post("join", `{"target":{"all":true},"rooms":["8","9"]}`).problem(http.StatusConflict, "rooms-full", "")
	if p.Reached != reachedCluster {
		t.Errorf("%+v", p)
	}
	if got := w.roomsOf(free); !slices.Equal(got, []string{"8", "9"}) {
		t.Errorf("the other is in %q", got)
	}
}

// A19: all sockets of a user are closed on all nodes within a second.
func TestUserIsDisconnectedEverywhereWithinASecond(t *testing.T) {
	w := start(t, nil)
	var ann []*client
	for i := range 10 {
		ann = append(ann, w.connect(i%2, "/", "", "user:ann"))
	}
	bob := w.connect(1, "/", "", "user:bob")
	began := time.Now()
	w.post("disconnect", `{"target":{"users":["ann"]},"close_connections":true}`).is(http.StatusOK, toCluster)
	for _, c := range ann {
		select {
		case err := <-c.ended:
			if !errors.Is(err, wire.ErrServerDisconnect) {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(time.Until(began.Add(time.Second))):
			t.Fatal("a socket of the user is still there after a second")
		}
	}
	w.nothingElse(bob)
	if r := w.get("sockets?user=ann"); r.status != http.StatusOK || string(r.body[:14]) != `{"sockets":[],` {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestDisconnectCanSpareSockets(t *testing.T) {
	w := start(t, nil)
	old, current := w.connect(0, "/", "", "user:ann"), w.connect(0, "/", "", "user:ann")
	w.post("disconnect", `{"target":{"users":["ann"]},"except":{"sockets":["`+current.id+`"]}}`).is(http.StatusOK, toCluster)
	if err := <-old.ended; !errors.Is(err, wire.ErrServerDisconnect) {
		t.Error(err)
	}
	w.nothingElse(current)
}

func TestDrainBegins(t *testing.T) {
	w := start(t, nil)
	for _, body := range []string{"", "{}"} {
		w.post("drain", body).is(http.StatusAccepted, `{"draining":true}`)
	}
	w.post("drain", `{"now":true}`).problem(http.StatusBadRequest, "invalid", "now")
	if n := w.drains.Load(); n != 2 {
		t.Errorf("begun %d times", n)
	}
}
