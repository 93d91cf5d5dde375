package redis

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestEmitReachesOtherNodes(t *testing.T) {
	members, _ := cluster(t, 3)
	for _, m := range members {
		m.join("/", "room1", "room2")
		m.join("/chat", "room1")
	}
	for _, b := range []*socketio.Broadcast{
		event("/", `["all"]`),
		event("/", `["one room",{"a":[1,2.5,null,"é"]}]`, "room1"),
		event("/", `["two rooms"]`, "room1", "room2"),
		event("/chat", `["other namespace"]`, "room1"),
		{Namespace: "/", Rooms: []string{"room1"}, Except: []string{"x", "y"}, Data: []byte(`["flags"]`), Volatile: true, NoCompress: true},
		{Namespace: "/", Data: []byte(`["bytes",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]`), Attachments: [][]byte{{0, 255}, {}}},
	} {
		delivered := 0
		if err := members[0].Broadcast(context.Background(), b, func() { delivered++ }); err != nil || delivered != 1 {
			t.Fatalf("%s: delivered here %d times, %v", b.Data, delivered, err)
		}
		for _, m := range members[1:] {
			if got := m.next(); !reflect.DeepEqual(got, b) {
				t.Errorf("%s got %+v, want %+v", m.node.tag, got, b)
			}
		}
	}
	if got := members[0].until(members[1], "/"); len(got) != 0 {
		t.Errorf("the sender heard itself: %q", got)
	}
}

func TestEmitsArriveInOrder(t *testing.T) {
	members, _ := cluster(t, 2)
	members[1].join("/", "room")
	const n = 5000
	for i := range n {
		rooms := []string{"room"}
		if i%3 == 0 {
			rooms = nil // by another channel
		}
		members[0].emit(event("/", `["n",`+strconv.Itoa(i)+`]`, rooms...))
	}
	for i := range n {
		if got, want := string(members[1].next().Data), `["n",`+strconv.Itoa(i)+`]`; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	eventually(t, "all counted", func() bool { return members[0].Stats().Published == n })
}

func TestOnlyWantedRoomsArrive(t *testing.T) {
	members, _ := cluster(t, 2)
	members[1].node.sockets["/ tag1-room"] = true // that there is one does not matter
	members[1].join("/", "wanted", "a#b", "g*[l]?b\\", "new\nline", "42", "tag1-room")
	for _, room := range []string{"unwanted", "a", "b", "gxxb", "g*", "wanted#", "tag1", "4"} {
		members[0].emit(event("/", `["no"]`, room))
	}
	var want []string
	for _, room := range []string{"wanted", "a#b", "g*[l]?b\\", "new\nline", "42", "tag1-room"} {
		data := fmt.Sprintf("[%q]", room)
		members[0].emit(event("/", data, room))
		want = append(want, data)
	}
	if got := members[1].until(members[0], "/"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := members[1].Stats().Dropped[DropNoSocket]; n != 2 {
		t.Errorf("%d came by the pattern in vain, want those for tag1 and tag1-room", n)
	}
}

func TestPrivateRoomsAreHeard(t *testing.T) {
	members, _ := cluster(t, 2)
	const id = "tag1abcdefghijklmnop"
	members[1].node.sockets["/x[1]* "+id] = true
	members[1].join("/x[1]*")
	members[1].join("/x1y")
	members[0].emit(event("/x[1]*", `["hi"]`, id))
	members[0].emit(event("/x[1]*", `["no"]`, "tag1-another"))
	members[0].emit(event("/x1y", `["no"]`, id))
	if got := members[1].until(members[0], "/x[1]*"); !reflect.DeepEqual(got, []string{`["hi"]`}) {
		t.Errorf("got %q", got)
	}
}

func TestPeersCountEachNodeOnce(t *testing.T) {
	members, prefix := cluster(t, 2)
	c := direct(t)
	for i, m := range members {
		m.join("/")
		m.join("/") // again
		if n := subscribers(t, c, prefix+"-request#/#"); n != int64(i+1) {
			t.Errorf("%d subscriptions with %d nodes", n, i+1)
		}
	}
	publish(t, c, prefix+"-request#/#", `{"type":1,"requestId":"x"}`)
	eventually(t, "request counted", func() bool { return members[0].Stats().Requests == 1 })
	if err := members[0].Leave(context.Background(), "/", ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "namespace left", func() bool { return subscribers(t, c, prefix+"-request#/#") == 1 })
}

func TestLeftRoomIsUnsubscribedUnlessJoinedAgain(t *testing.T) {
	members, prefix := cluster(t, 1)
	m, c, ctx := members[0], direct(t), context.Background()
	m.join("/", "left", "again")
	for _, room := range []string{"left", "again"} {
		if err := m.Leave(ctx, "/", room); err != nil {
			t.Fatal(err)
		}
	}
	m.join("/", "again")
	eventually(t, "room left", func() bool { return subscribers(t, c, prefix+"#/#left#") == 0 })
	if n := subscribers(t, c, prefix+"#/#again#"); n != 1 {
		t.Errorf("%d subscriptions to the room that was joined again", n)
	}
	m.join("/", "left")
	if n := subscribers(t, c, prefix+"#/#left#"); n != 1 {
		t.Errorf("%d subscriptions after coming back", n)
	}
}

func TestManyJoinsAtOnceAreConfirmed(t *testing.T) {
	members, prefix := cluster(t, 1)
	m, c := members[0], direct(t)
	m.join("/")
	const n = 10000
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	var wg sync.WaitGroup
	start := time.Now()
	for w := range 100 {
		wg.Go(func() {
			for i := w; i < n; i += 100 {
				if err := m.Join(ctx, "/", "room"+strconv.Itoa(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d rooms in %v", n, time.Since(start))
	for _, i := range []int{0, n / 2, n - 1} {
		if got := subscribers(t, c, prefix+"#/#room"+strconv.Itoa(i)+"#"); got != 1 {
			t.Errorf("room %d: %d subscriptions", i, got)
		}
	}
	if s := m.Stats(); s.Subscriptions != n+5 || s.Pending != 0 {
		t.Errorf("%d subscriptions, %d pending", s.Subscriptions, s.Pending)
	}
}

func TestJoinThatIsGivenUpIsNotLeftBehind(t *testing.T) {
	a, err := New(Config{URL: "redis://127.0.0.1:1", Linger: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Join(ctx, "/", "room"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if s := a.Stats(); s.Subscriptions != 0 {
		t.Errorf("%d subscriptions", s.Subscriptions)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestEndOfRunPublishesWhatIsQueued(t *testing.T) {
	members, _ := cluster(t, 2)
	members[1].join("/")
	members[0].join("/")
	for i := range 1000 {
		members[0].emit(event("/", `[`+strconv.Itoa(i)+`]`))
	}
	members[0].stop()
	for range 1000 {
		members[1].next()
	}
	if err := members[0].Broadcast(context.Background(), event("/", "[]"), func() {}); !errors.Is(err, ErrClosed) {
		t.Errorf("broadcast after the end: %v", err)
	}
	if err := members[0].Join(context.Background(), "/", "late"); !errors.Is(err, ErrClosed) {
		t.Errorf("join after the end: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no URL": {}, "bad URL": {URL: "http://x"}, "negative": {URL: "redis://x", MaxQueue: -1},
		"unknown way": {URL: "redis://x", PrivateRooms: "some"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := New(Config{URL: "redis://user:secret%zz@host"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an error that shows the password: %v", err)
	}
}
