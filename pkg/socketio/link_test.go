package socketio

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// scriptedAdapter notes what it is told, and answers when the test lets it.
type scriptedAdapter struct {
	journal
	gate func() error // what Join returns, once it returns; nil: nothing, at once
	away error        // what Broadcast returns
}

func (a *scriptedAdapter) Join(ctx context.Context, namespace, room string) error {
	a.add("join %s %s", namespace, room)
	a.mu.Lock()
	gate := a.gate
	a.mu.Unlock()
	if gate == nil || room == "" {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- gate() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *scriptedAdapter) Leave(_ context.Context, namespace, room string) error {
	a.add("leave %s %s", namespace, room)
	a.mu.Lock()
	gate := a.gate
	a.mu.Unlock()
	if gate != nil && room != "" {
		_ = gate()
	}
	return nil
}

func (a *scriptedAdapter) Broadcast(_ context.Context, b *Broadcast, deliver func()) error {
	a.add("broadcast %s", b.Data)
	deliver()
	return a.away
}

func (a *scriptedAdapter) Run(ctx context.Context, _ Node) error {
	<-ctx.Done()
	return nil
}

func (a *scriptedAdapter) open(gate func() error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gate = gate
}

// inScriptedWorld is inWorld with a scripted adapter whose first call, for the
// namespace, is over.
func inScriptedWorld(t *testing.T, test func(w *world, a *scriptedAdapter)) {
	t.Helper()
	a := new(scriptedAdapter)
	inWorld(t, Config{Adapter: a}, func(w *world) {
		w.joined().Close(engineio.ReasonTransportClose)
		a.is(w.T, "join / ")
		test(w, a)
	})
}

// join begins a Join in a goroutine.
func join(ctx context.Context, s *Socket, room string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Join(ctx, room) }()
	synctest.Wait()
	return done
}

func pending(t testing.TB, calls ...<-chan error) {
	t.Helper()
	synctest.Wait()
	for i, c := range calls {
		select {
		case err := <-c:
			t.Errorf("call %d has returned %v", i, err)
		default:
		}
	}
}

func TestJoinReturnsWhenTheRoomIsHeard(t *testing.T) {
	inScriptedWorld(t, func(w *world, a *scriptedAdapter) {
		_, s1 := w.member()
		c2, s2 := w.member()
		gate := make(chan struct{})
		a.open(func() error { <-gate; return nil })
		first, second := join(w.Context(), s1, "red"), join(w.Context(), s2, "red")
		pending(t, first, second)
		_ = w.server.Local().To("red").Emit("x")
		c2.hears(`2["x"]`) // a member is a member at once
		close(gate)
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		_, s3 := w.member()
		if err := s3.Join(w.Context(), "red"); err != nil {
			t.Error(err)
		}
		a.is(t, "join / red") // one call for all
	})
}

func TestFailedJoinLeavesNothing(t *testing.T) {
	inScriptedWorld(t, func(w *world, a *scriptedAdapter) {
		_, s1 := w.member()
		_, s2 := w.member()
		broken := errors.New("broken")
		gate := make(chan struct{})
		a.open(func() error { <-gate; return broken })
		first, second := join(w.Context(), s1, "red"), join(w.Context(), s2, "red")
		close(gate)
		for _, c := range []<-chan error{first, second} {
			if err := <-c; !errors.Is(err, broken) {
				t.Errorf("Join: %v, want %v", err, broken)
			}
		}
		if got := w.server.Stats().Rooms["/"]; got != 0 {
			t.Errorf("%d rooms are left", got)
		}
		a.open(nil)
		if err := s1.Join(w.Context(), "red"); err != nil {
			t.Error(err)
		}
		a.is(t, "join / red", "join / red")
	})
}

func TestJoinThatIsGivenUpFailsNobodyElse(t *testing.T) {
	inScriptedWorld(t, func(w *world, a *scriptedAdapter) {
		_, s1 := w.member()
		_, s2 := w.member()
		gate := make(chan struct{})
		a.open(func() error { <-gate; return nil })
		ctx, cancel := context.WithCancel(w.Context())
		first, second := join(ctx, s1, "red"), join(w.Context(), s2, "red")
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("Join: %v, want context.Canceled", err)
		}
		pending(t, second)
		close(gate)
		if err := <-second; err != nil {
			t.Error(err)
		}
		a.is(t, "join / red", "join / red")
	})
}

func TestLastLeaveIsToldToTheAdapter(t *testing.T) {
	inScriptedWorld(t, func(w *world, a *scriptedAdapter) {
		_, s1 := w.member("red")
		c2, _ := w.member("red")
		_ = s1.Leave(w.Context(), "red")
		_ = s1.Leave(w.Context(), "red")
		a.is(t, "join / red")
		c2.Close(engineio.ReasonTransportClose)
		a.is(t, "leave / red")
	})
}

func TestJoinDuringALeaveComesAfterIt(t *testing.T) {
	inScriptedWorld(t, func(w *world, a *scriptedAdapter) {
		_, s1 := w.member("red")
		_, s2 := w.member()
		gate := make(chan struct{})
		a.open(func() error { <-gate; return nil })
		left := make(chan error, 1)
		go func() { left <- s1.Leave(w.Context(), "red") }()
		synctest.Wait()
		joined := join(w.Context(), s2, "red")
		a.is(t, "join / red", "leave / red")
		pending(t, left, joined)
		close(gate)
		if err := errors.Join(<-left, <-joined); err != nil {
			t.Error(err)
		}
		a.is(t, "join / red")
	})
}

func TestSocketThatEndsDuringItsJoinLeavesTheRoom(t *testing.T) {
	inScriptedWorld(t, func(w *world, a *scriptedAdapter) {
		c, s := w.member()
		gate := make(chan struct{})
		a.open(func() error { <-gate; return nil })
		done := join(w.Context(), s, "red")
		c.Close(engineio.ReasonTransportClose)
		pending(t, done)
		close(gate)
		if err := <-done; !errors.Is(err, ErrDisconnected) {
			t.Errorf("Join: %v, want ErrDisconnected", err)
		}
		a.is(t, "join / red", "leave / red")
		if got := w.server.Stats().Rooms["/"]; got != 0 {
			t.Errorf("%d rooms are left", got)
		}
	})
}

func TestRoomsNamedByThisNodesIDsAreNoBusinessOfTheAdapter(t *testing.T) {
	inScriptedWorld(t, func(w *world, a *scriptedAdapter) {
		_, s1 := w.member()
		_, s2 := w.member(s1.ID())
		n := node{w.server}
		s1.Disconnect(true)
		a.is(t)
		if !n.HasSocket("/", s1.ID()) {
			t.Error("what comes for the room is not wanted, though it has a member")
		}
		_ = s2.Leave(w.Context(), s1.ID())
		if n.HasSocket("/", s1.ID()) || n.HasSocket("/nope", s2.ID()) || !n.HasSocket("/", s2.ID()) {
			t.Error("HasSocket is wrong")
		}
	})
}

func TestClientWaitsUntilTheNamespaceIsHeard(t *testing.T) {
	gate := make(chan error)
	a := &blockingAdapter{gate: gate}
	inWorld(t, Config{Adapter: a}, func(w *world) {
		a.gate = make(chan error) // of this bubble
		c := w.client()
		c.say("0")
		c.hears()
		a.gate <- errors.New("broken")
		c.hears(`4{"message":"Namespace unavailable"}`)
		c.say("0")
		synctest.Wait()
		a.gate <- nil
		synctest.Wait()
		if got := c.take(); len(got) != 1 || !strings.HasPrefix(got[0], "0{") {
			t.Errorf("client got %q", got)
		}
		w.joined() // the others don't wait
	})
}

// blockingAdapter answers Join when the test says so.
type blockingAdapter struct {
	scriptedAdapter
	gate chan error
}

func (a *blockingAdapter) Join(context.Context, string, string) error { return <-a.gate }

func TestRoomsListsWhatMustBeHeard(t *testing.T) {
	inScriptedWorld(t, func(w *world, _ *scriptedAdapter) {
		w.server.Of("/unused")
		_, s := w.member("red", "blue")
		_, _ = w.member(s.ID(), "blue")
		_ = s.Leave(w.Context(), "red")
		var got []string
		node{w.server}.Rooms(func(namespace, room string) { got = append(got, namespace+" "+room) })
		slices.Sort(got)
		if !slices.Equal(got, []string{"/ ", "/ blue"}) {
			t.Errorf("rooms are %q", got)
		}
	})
}

// auditAdapter checks that calls about one name never overlap, and that Join and
// Leave alternate.
type auditAdapter struct {
	scriptedAdapter
	t    *testing.T
	busy map[string]bool
	in   map[string]bool
}

func (a *auditAdapter) call(name string, join bool) error {
	a.mu.Lock()
	if a.busy[name] || a.in[name] == join {
		a.t.Errorf("call about %q: busy %v, joined %v, join %v", name, a.busy[name], a.in[name], join)
	}
	a.busy[name] = true
	a.mu.Unlock()
	for range rand.IntN(3) {
		synctestYield()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy[name] = false
	if join && rand.IntN(10) == 0 {
		return errors.New("unlucky")
	}
	a.in[name] = join
	return nil
}

func (a *auditAdapter) Join(_ context.Context, _, room string) error { return a.call(room, true) }
func (a *auditAdapter) Leave(_ context.Context, _, room string) error {
	return a.call(room, false)
}

func synctestYield() {
	done := make(chan struct{})
	go close(done)
	<-done
}

// TestRoomsAndAdapterAgreeAfterRaces lets sockets join, leave and end all at once.
func TestRoomsAndAdapterAgreeAfterRaces(t *testing.T) {
	a := &auditAdapter{t: t, busy: map[string]bool{}, in: map[string]bool{}}
	s := newTestServer(t, Config{Adapter: a}, "node", new(strings.Builder))
	for s.openLink(t.Context(), s.main) != nil { // unlucky
	}
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 30 {
				c := open(t, s)
				c.say("0")
				socket := c.receiver.(*conn).socket("/")
				var both sync.WaitGroup
				both.Go(func() {
					for range 10 {
						room := fmt.Sprint(rand.IntN(3))
						if rand.IntN(2) == 0 {
							_ = socket.Join(context.Background(), room)
						} else {
							_ = socket.Leave(context.Background(), room)
						}
					}
				})
				if rand.IntN(2) == 0 {
					both.Go(func() { c.Close(engineio.ReasonTransportClose) })
				}
				both.Wait()
				c.Close(engineio.ReasonTransportClose)
			}
		})
	}
	running.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for room, in := range a.in {
		if in && room != "" {
			t.Errorf("the adapter still hears %q", room)
		}
	}
	if st := s.Stats(); st.Rooms["/"] != 0 || st.Sockets["/"] != 0 {
		t.Errorf("%d rooms and %d sockets are left", st.Rooms["/"], st.Sockets["/"])
	}
}
