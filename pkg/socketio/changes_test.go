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
