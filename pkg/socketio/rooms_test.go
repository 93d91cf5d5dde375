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

// members is a world's cast: sockets by name, each in the rooms it is given.
func (w *world) member(rooms ...string) (*client, *Socket) {
	w.Helper()
	c := w.client()
	id := c.join("/")
	w.server.main.rooms.mu.RLock()
	s := w.server.main.rooms.byID[id]
	w.server.main.rooms.mu.RUnlock()
	if err := s.Join(w.Context(), rooms...); err != nil {
		w.Fatal(err)
	}
	return c, s
}

func TestBroadcastReachesItsTarget(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, sa := w.member("red")
		b, sb := w.member("red", "blue")
		c, sc := w.member("blue")
		d, _ := w.member()
		s := w.server
		for _, test := range []struct {
			name string
			from Emitter
			want string
		}{
			{"everybody", s.To(), "abcd"},
			{"one room", s.To("red"), "ab"},
			{"in is to", s.In("red"), "ab"},
			{"two rooms, once each", s.To("red", "blue"), "abc"},
			{"two rooms, one after the other", s.To("red").To("blue"), "abc"},
			{"the same room twice", s.To("red", "red"), "ab"},
			{"no such room", s.To("green"), ""},
			{"a socket", s.To(sc.ID()), "c"},
			{"a socket twice", s.To(sc.ID(), sc.ID()), "c"},
			{"a room and a socket in it", s.To("blue", sc.ID()), "bc"},
			{"a socket and a room it is in", s.To(sc.ID(), "blue"), "bc"},
			{"except a room", s.Except("blue"), "ad"},
			{"a room except a room", s.To("red").Except("blue"), "a"},
			{"a room except a socket", s.To("red").Except(sa.ID()), "b"},
			{"a socket except itself", s.To(sa.ID()).Except(sa.ID()), ""},
			{"a socket except its room", s.To(sa.ID()).Except("red"), ""},
			{"everybody else", sa.Broadcast(), "bcd"},
			{"others in a room", sb.To("red"), "a"},
			{"others but a room", sb.Except("red"), "cd"},
			{"locally", s.Local().To("red"), "ab"},
		} {
			if err := test.from.Emit("hi"); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			var got strings.Builder
			for i, c := range []*client{a, b, c, d} {
				got.WriteString(strings.Repeat(string(rune('a'+i)), len(c.take())))
			}
			if got.String() != test.want {
				t.Errorf("%s: reached %q, want %q", test.name, got.String(), test.want)
			}
		}
	})
}

func TestEmitterIsAValue(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		base := w.server.To("a", "b")
		x, y := base.To("x"), base.To("y")
		if !slices.Equal(x.rooms, []string{"a", "b", "x"}) || !slices.Equal(y.rooms, []string{"a", "b", "y"}) || len(base.rooms) != 2 {
			t.Errorf("emitters share rooms: %q, %q, %q", base.rooms, x.rooms, y.rooms)
		}
	})
}

func TestVolatileIsDroppedForWhoIsBusy(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		busy, _ := w.member("red")
		free, s := w.member("red")
		busy.blocked = true
		_ = w.server.Volatile().To("red").Emit("a")
		_ = w.server.To("red").Emit("b")
		_ = s.Volatile().Emit("c")
		busy.hears(`2["b"]`)
		free.hears(`2["a"]`, `2["b"]`, `2["c"]`)
		free.blocked = true
		if err := s.Volatile().Emit("d"); err != nil {
			t.Error(err)
		}
		free.hears()
		if n := w.server.Stats().Delivered; n != 4 {
			t.Errorf("%d counted as delivered, want 4: what was dropped is not", n)
		}
	})
}

func TestCompressionCanBeSwitchedOff(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c, s := w.member("red")
		_ = w.server.To("red").Compress(false).Emit("a", Binary("x"))
		_ = s.Compress(false).Emit("b")
		_ = s.Emit("c")
		var flags []bool
		for _, m := range c.raw {
			flags = append(flags, m.NoCompress)
		}
		if !slices.Equal(flags, []bool{true, true, true, false}) {
			t.Errorf("NoCompress is %v", flags)
		}
	})
}

func TestSlowClientDoesNotDelayRoom(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		slow, s := w.member("red")
		fast, _ := w.member("red")
		slow.overflow = true
		_ = w.server.To("red").Emit("a") // ends the slow one's session within Send
		fast.hears(`2["a"]`)
		slow.isOpen(false)
		if s.Connected() {
			t.Error("the slow socket is still connected")
		}
		if n := w.server.Stats().Disconnects[ReasonSlow]; n != 1 {
			t.Errorf("%d ended as slow, want 1", n)
		}
	})
}

func TestRoomNamesAndNumbersAreBounded(t *testing.T) {
	inWorld(t, Config{MaxRoomsPerSocket: 2}, func(w *world) {
		_, s := w.member()
		for _, name := range []string{"", strings.Repeat("x", 257), "\xff"} {
			if err := s.Join(w.Context(), name); !errors.Is(err, ErrBadRoom) {
				t.Errorf("Join(%q): %v, want ErrBadRoom", name, err)
			}
		}
		if err := s.Join(w.Context(), "a", "b", "c"); !errors.Is(err, ErrTooManyRooms) {
			t.Errorf("Join of three: %v, want ErrTooManyRooms", err)
		}
		if n := w.server.Stats().JoinsRefused; n != 1 {
			t.Errorf("%d joins counted as refused, want 1", n)
		}
		if got := s.Rooms(); len(got) != 1 {
			t.Errorf("a refused Join has left %q", got)
		}
		if err := s.Join(w.Context(), "a", "a", "b", s.ID()); err != nil {
			t.Error(err)
		}
		if got := s.Rooms(); !slices.Equal(got, []string{s.ID(), "a", "b"}) {
			t.Errorf("rooms are %q", got)
		}
		if n := w.server.Stats().Rooms["/"]; n != 2 {
			t.Errorf("%d rooms counted, want 2", n)
		}
	})
}

func TestRoomNamedByAnotherSocketHasBoth(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, sa := w.member()
		b, _ := w.member(sa.ID())
		_ = w.server.To(sa.ID()).Emit("x")
		a.hears(`2["x"]`)
		b.hears(`2["x"]`)
	})
}

// TestNothingComesByARoomThatWasLeft emits all the time while sockets leave: once
// Leave has returned, nothing may be enqueued.
func TestNothingComesByARoomThatWasLeft(t *testing.T) {
	s := newTestServer(t, Config{}, "node", new(strings.Builder))
	defer func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	stop := make(chan struct{})
	var emitting sync.WaitGroup
	for range 2 {
		emitting.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = s.To("red").Emit("x")
				}
			}
		})
	}
	for range 50 {
		clients := make([]*client, 20)
		for i := range clients {
			clients[i] = open(t, s)
			clients[i].say("0")
		}
		sockets := s.main.local(Target{})
		for _, socket := range sockets {
			if err := socket.Join(t.Context(), "red"); err != nil {
				t.Error(err)
			}
		}
		for _, socket := range sockets {
			if err := socket.Leave(t.Context(), "red"); err != nil {
				t.Error(err)
			}
			f := socket.conn.session.(*fakeSession)
			f.take()
			for range 3 {
				if late := f.take(); len(late) > 0 {
					t.Fatalf("%q came after Leave", late)
				}
			}
		}
		for _, c := range clients {
			c.Close(engineio.ReasonTransportClose)
		}
		for len(s.main.local(Target{})) > 0 {
			t.Fatal("a socket is connected after its session's end")
		}
	}
	close(stop)
	emitting.Wait()
}

// TestRoomIndexAgreesWithAModel does the same random things to the index and to
// plain maps.
func TestRoomIndexAgreesWithAModel(t *testing.T) {
	inWorld(t, Config{MaxRoomsPerSocket: 6}, func(w *world) {
		rng := rand.New(rand.NewPCG(1, 2))
		n := w.server.main
		in := map[*Socket]map[string]bool{}
		var sockets []*Socket
		for range 12 {
			_, s := w.member()
			in[s] = map[string]bool{}
			sockets = append(sockets, s)
		}
		name := func() string {
			if rng.IntN(5) == 0 {
				return sockets[rng.IntN(len(sockets))].ID()
			}
			return fmt.Sprint("room", rng.IntN(5))
		}
		names := func(most int) (list []string) {
			for range rng.IntN(most + 1) {
				list = append(list, name())
			}
			return list
		}
		has := func(s *Socket, list []string) bool {
			return slices.ContainsFunc(list, func(name string) bool { return in[s][name] || s.ID() == name })
		}
		for step := range 3000 {
			s := sockets[rng.IntN(len(sockets))]
			switch room := name(); rng.IntN(3) {
			case 0:
				if err := s.Join(w.Context(), room); err == nil && room != s.ID() {
					in[s][room] = true
				}
			case 1:
				_ = s.Leave(w.Context(), room)
				delete(in[s], room)
			}
			target := Target{Rooms: names(3), Except: names(2)}
			if rng.IntN(4) == 0 { // many names go another way
				target = Target{Rooms: names(2 * fewRooms), Except: names(2 * fewRooms)}
			}
			var want []string
			for _, s := range sockets {
				if (len(target.Rooms) == 0 || has(s, target.Rooms)) && !has(s, target.Except) {
					want = append(want, s.ID())
				}
			}
			var got []string
			for _, s := range n.local(target) {
				got = append(got, s.ID())
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: %+v has members %q, want %q", step, target, got, want)
			}
		}
	})
}

func TestChangesOfManySockets(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, _ := w.member("red")
		b, _ := w.member("red", "blue")
		ctx := context.Background()
		if err := w.server.To("red").Except("blue").SocketsJoin(ctx, "green"); err != nil {
			t.Error(err)
		}
		_ = w.server.To("green").Emit("x")
		a.hears(`2["x"]`)
		b.hears()
		if err := w.server.SocketsLeave(ctx, "red"); err != nil {
			t.Error(err)
		}
		_ = w.server.To("red").Emit("x")
		a.hears()
		if err := w.server.In("green").DisconnectSockets(ctx, true); err != nil {
			t.Error(err)
		}
		a.hears("1")
		a.isOpen(false)
		b.isOpen(true)
		synctest.Wait()
	})
}

func TestFetchSocketsShowsWhatTheyAre(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c, s := w.member("red")
		s.SetData(map[string]string{"name": "Ann"})
		found, err := w.server.To("red").FetchSockets(w.Context())
		if err != nil || len(found) != 1 {
			t.Fatalf("found %v, %v", found, err)
		}
		r := found[0]
		if r.ID() != s.ID() || string(r.Data()) != `{"name":"Ann"}` || !slices.Equal(r.Rooms(), []string{s.ID(), "red"}) {
			t.Errorf("found %q %s %q", r.ID(), r.Data(), r.Rooms())
		}
		if h := string(r.Handshake()); !strings.Contains(h, `"auth":{}`) || !strings.Contains(h, `"xdomain":false`) {
			t.Errorf("handshake is %s", h)
		}
		_ = r.Emit("hi")
		_ = r.Join(w.Context(), "green")
		_ = r.Leave(w.Context(), "red")
		c.hears(`2["hi"]`)
		if got := s.Rooms(); !slices.Equal(got, []string{s.ID(), "green"}) {
			t.Errorf("rooms are %q", got)
		}
		_ = r.Disconnect(w.Context(), false)
		c.hears("1")
		if _, err := r.EmitWithAck(w.Context(), "x"); !errors.Is(err, ErrDisconnected) {
			t.Errorf("EmitWithAck to who has gone: %v, want ErrDisconnected", err)
		}
	})
}
