package socketio

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// What another node orders is carried out in its order, even while the adapter makes a
// join wait.
func TestChangesOfAnotherNodeKeepTheirOrder(t *testing.T) {
	adapter := new(scriptedAdapter)
	inWorld(t, Config{Adapter: adapter}, func(w *world) {
		c := w.joined()
		s := c.receiver.(*conn).socket("/")
		confirmed := make(chan struct{})
		adapter.open(func() error { <-confirmed; return nil })
		all := Target{Namespace: "/"}
		for _, change := range []*Change{
			{Target: all, Kind: ChangeJoin, ChangeRooms: []string{"red"}},
			{Target: Target{Namespace: "/", Rooms: []string{"red"}}, Kind: ChangeJoin, ChangeRooms: []string{"blue"}},
			{Target: all, Kind: ChangeLeave, ChangeRooms: []string{"red"}},
			{Target: Target{Namespace: "/", Rooms: []string{"red"}}, Kind: ChangeDisconnect},
		} {
			if err := (node{w.server}).Change(change); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		close(confirmed)
		synctest.Wait()
		if got, want := s.Rooms(), []string{s.ID(), "blue"}; !slices.Equal(got, want) || !s.Connected() {
			t.Errorf("rooms are %q, want %q; connected: %v", got, want, s.Connected())
		}
	})
}

func TestChangesThatPileUpAreRefused(t *testing.T) {
	adapter := new(scriptedAdapter)
	inWorld(t, Config{Adapter: adapter}, func(w *world) {
		w.joined()
		confirmed := make(chan struct{})
		adapter.open(func() error { <-confirmed; return nil })
		change := &Change{Target: Target{Namespace: "/"}, Kind: ChangeJoin, ChangeRooms: []string{"red"}}
		n := node{w.server}
		if err := n.Change(change); err != nil {
			t.Error(err)
		}
		synctest.Wait() // it is carried out, and waits
		for range maxChanges {
			if err := n.Change(change); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.Change(change); !errors.Is(err, ErrTooManyChanges) {
			t.Errorf("change beyond the limit: %v", err)
		}
		close(confirmed)
	})
}

func TestChangeThatFailsForManySocketsSaysSoOnce(t *testing.T) {
	inWorld(t, Config{MaxRoomsPerSocket: 1}, func(w *world) {
		for range 3 {
			w.member("red")
		}
		w.member()
		err := w.server.SocketsJoin(w.Context(), "blue")
		if !errors.Is(err, ErrTooManyRooms) || err.Error() != "3 of 4 sockets: "+ErrTooManyRooms.Error() {
			t.Errorf("SocketsJoin: %v, want one ErrTooManyRooms for 3 sockets", err)
		}
		if n := len(w.server.main.local(Target{Rooms: []string{"blue"}})); n != 1 {
			t.Errorf("%d sockets have joined, want the one that could", n)
		}
	})
}

func TestJoinOfAnIllegalRoomIsRefusedBeforeAnybodyIsTold(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		a, b := settle(t, servers[0]), settle(t, servers[1])
		defer end(a, b)
		if err := servers[0].SocketsJoin(t.Context(), "red", ""); !errors.Is(err, ErrBadRoom) {
			t.Errorf("SocketsJoin: %v, want ErrBadRoom", err)
		}
		order := &Change{Target: Target{Namespace: "/"}, Kind: ChangeJoin, ChangeRooms: []string{"red", ""}}
		if err := (node{servers[1]}).Change(order); !errors.Is(err, ErrBadRoom) || !errors.Is(err, ErrBadBroadcast) {
			t.Errorf("another node's order: %v, want ErrBadRoom", err)
		}
		synctest.Wait()
		for _, s := range []*Socket{a.socket, b.socket} {
			if rooms := s.Rooms(); len(rooms) != 1 {
				t.Errorf("a socket is in %q", rooms)
			}
		}
	})
}

func TestUnknownServerSideEventMayBeLeftUnanswered(t *testing.T) {
	for _, leave := range []bool{false, true} {
		inWorld(t, Config{LeaveUnknownServerEvents: leave}, func(w *world) {
			answered := false
			err := node{w.server}.ServerEvent(&ServerEvent{Namespace: "/", Data: []byte(`["hello"]`)}, func(Ack) { answered = true })
			if err != nil || answered == leave {
				t.Errorf("left: %v; answered: %v, %v", leave, answered, err)
			}
		})
	}
}
