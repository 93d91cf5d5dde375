package adaptertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

var pids = func() func() string {
	var mu sync.Mutex
	count := 0
	run := rand.Text()[:14]
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		count++
		return fmt.Sprintf("%s%010d", run, count)
	}
}()

func newSession() *socketio.SavedSession {
	return &socketio.SavedSession{Namespace: "/", PID: pids(), SocketID: "no000123456789abcdef", Since: socketio.Offset{Seq: 1}}
}

func (n *historyNode) look(s *socketio.SavedSession) (*socketio.SavedSession, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.history.Look(ctx, s.Namespace, s.PID)
}

func savedAndLooked(w *historyWorld) {
	s := newSession()
	if _, err := w.nodes[0].look(s); !errors.Is(err, socketio.ErrNoSession) {
		w.Errorf("an unknown session: %v", err)
	}
	s.User, s.Data = "ada #{}*ü", []byte(`{"a":[1,"x"],"b":"ü"}`)
	s.Sent, s.Seen = socketio.Offset{Time: 5, Seq: 6}, socketio.Offset{Time: 7, Seq: ^uint64(0)}
	s.Since = socketio.Offset{Time: 1 << 62, Seq: 1}
	for i := range 128 {
		room := socketio.SavedRoom{Name: fmt.Sprint(i, strings.Repeat("x", 250)), Since: socketio.Offset{Time: uint64(i) + 1}}
		if i%2 == 0 {
			room.Until = socketio.Offset{Time: uint64(i) + 100, Seq: 3}
		}
		s.Rooms = append(s.Rooms, room)
	}
	s.Rooms = append(s.Rooms, s.Rooms[0], socketio.SavedRoom{Name: "a,b:c\n\"#", Since: socketio.Offset{Seq: 1}})
	for _, other := range []string{"/", "/a b#{}*"} {
		s.Namespace = other
		w.nodes[0].save(s)
		found, err := w.nodes[1].look(s)
		if err != nil || !reflect.DeepEqual(found, s) {
			w.Errorf("saved %.300v, found %.300v, %v", s, found, err)
		}
	}
	s.Rooms, s.Data, s.User = nil, nil, ""
	w.nodes[0].save(s)
	found, err := w.nodes[2].look(s)
	if err != nil || len(found.Rooms) != 0 || found.Data != nil || found.User != "" {
		w.Errorf("found %v, %v", found, err)
	}
}

func saveTellsHead(w *historyWorld) {
	n := w.nodes[0]
	n.record(socketio.Broadcast{Data: event("x")})
	n.until("it", func() bool { return len(n.delivered["/"]) == 1 })
	at := n.delivered["/"][0].at
	s := newSession()
	s.Since = socketio.Offset{}
	s.Rooms = []socketio.SavedRoom{{Name: "red"}, {Name: "blue", Since: socketio.Offset{Time: 3}}}
	if head := n.save(s); head != at {
		w.Errorf("head is %v, want %v", head, at)
	}
	found, err := w.nodes[1].look(s)
	if err != nil || found.Since != at || found.Rooms[0].Since != at || found.Rooms[1].Since != (socketio.Offset{Time: 3}) {
		w.Errorf("found %v, %v; want %v", found, err, at)
	}
}

func takers(w *historyWorld) {
	s := newSession()
	w.nodes[0].save(s)
	const each = 5
	won := make(chan *socketio.SavedSession, each*len(w.nodes))
	var taking sync.WaitGroup
	start := make(chan struct{}) // when all have looked
	for _, n := range w.nodes[1:] {
		for range each {
			found, err := n.look(s)
			if err != nil {
				w.Fatal(err)
			}
			taking.Go(func() {
				<-start
				switch err := n.history.Take(context.Background(), found); {
				case err == nil:
					won <- found
				case !errors.Is(err, socketio.ErrSessionTaken):
					w.Error(err)
				}
			})
		}
	}
	close(start)
	taking.Wait()
	if len(won) != 1 {
		w.Fatalf("%d have taken the session", len(won))
	}
	if taken := <-won; taken.Epoch != s.Epoch+1 {
		w.Errorf("the epoch is %d, want %d", taken.Epoch, s.Epoch+1)
	}
	first := w.nodes[0]
	first.until("it is told", func() bool { return slices.Contains(first.taken, fmt.Sprint("/ ", s.PID, " ", s.Epoch+1)) })
	missing := newSession()
	if err := first.history.Take(context.Background(), missing); !errors.Is(err, socketio.ErrNoSession) && !errors.Is(err, socketio.ErrSessionTaken) {
		w.Errorf("taken what is not there: %v", err)
	}
}

func formerOwner(w *historyWorld) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	old, now := w.nodes[0].history, w.nodes[1].history
	s := newSession()
	w.nodes[0].save(s)
	taken, err := w.nodes[1].look(s)
	if err == nil {
		err = now.Take(ctx, taken)
	}
	if err != nil {
		w.Fatal(err)
	}
	if _, err := old.Save(ctx, s); !errors.Is(err, socketio.ErrSessionTaken) {
		w.Errorf("saved by the former owner: %v", err)
	}
	if list, err := old.Keep(ctx, []*socketio.SavedSession{s}); err != nil || len(list) != 1 {
		w.Errorf("kept by the former owner: %v, %v", list, err)
	}
	for _, mayReturn := range []bool{true, false} {
		_ = old.Release(ctx, s, mayReturn) // it may say so, or not
	}
	found, err := w.nodes[2].look(s)
	if err != nil || found.Epoch != taken.Epoch || found.Sent != s.Sent {
		w.Errorf("the session is %v, %v", found, err)
	}
	taken.User = "ada"
	w.nodes[1].save(taken)
	if list, err := now.Keep(ctx, []*socketio.SavedSession{taken}); err != nil || len(list) != 0 {
		w.Errorf("not kept by its owner: %v, %v", list, err)
	}
	again, err := w.nodes[0].look(s) // and back
	if err == nil {
		err = old.Take(ctx, again)
	}
	if err != nil || again.Epoch != taken.Epoch+1 || again.User != "ada" {
		w.Errorf("taken back: %v, %v", again, err)
	}
}

// gone waits until a session has expired, and returns when.
func (w *historyWorld) gone(s *socketio.SavedSession) time.Time {
	w.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, err := w.nodes[2].look(s)
		if errors.Is(err, socketio.ErrNoSession) {
			return time.Now()
		}
		if err != nil {
			w.Fatal(err)
		}
		<-tick.C
	}
	w.Fatal("a session does not expire")
	return time.Time{}
}

func released(w *historyWorld) {
	ctx := context.Background()
	stays, goes := newSession(), newSession()
	for _, s := range []*socketio.SavedSession{stays, goes} {
		w.nodes[0].save(s)
		if err := w.nodes[0].history.Release(ctx, s, s == stays); err != nil {
			w.Error(err)
		}
	}
	began := time.Now()
	if _, err := w.nodes[1].look(goes); !errors.Is(err, socketio.ErrNoSession) {
		w.Errorf("a session that nobody may come back to is there: %v", err)
	}
	if age := w.gone(stays).Sub(began); age < short-50*time.Millisecond || age > short*3/2+time.Second {
		w.Errorf("a released session lived for %v, want %v", age, short)
	}
}

func keptAlive(w *historyWorld) {
	s := newSession()
	w.nodes[0].save(s)
	for began := time.Now(); time.Since(began) < 4*short; {
		s.Sent.Time++
		s.Seen.Time += 2
		if list, err := w.nodes[0].history.Keep(context.Background(), []*socketio.SavedSession{s}); err != nil || len(list) > 0 {
			w.Fatalf("after %v: %v, %v", time.Since(began), list, err)
		}
		found, err := w.nodes[1].look(s)
		if err != nil || found.Sent != s.Sent || found.Seen != s.Seen {
			w.Fatalf("after %v: %v, %v", time.Since(began), found, err)
		}
	}
	last := time.Now()
	if age := w.gone(s).Sub(last); age < short {
		w.Errorf("a session outlived its owner by %v only", age)
	}
}

func stale(w *historyWorld) {
	ctx := context.Background()
	var all []*socketio.SavedSession
	for range 10 {
		s := newSession()
		w.nodes[0].save(s)
		all = append(all, s)
	}
	for _, s := range all[:3] {
		if err := w.nodes[0].history.Release(ctx, s, false); err != nil {
			w.Error(err)
		}
	}
	list, err := w.nodes[0].history.Keep(ctx, all)
	if err != nil || !slices.Equal(list, all[:3]) {
		w.Errorf("stale are %v, %v", list, err)
	}
	w.nodes[0].save(all[0])
	if list, err := w.nodes[0].history.Keep(ctx, all[:1]); err != nil || len(list) != 0 {
		w.Errorf("stale are %v, %v", list, err)
	}
}
