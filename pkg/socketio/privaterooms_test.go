package socketio

import (
	"errors"
	"slices"
	"testing"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// privateAdapter wants to be told of the rooms of single sockets.
type privateAdapter struct{ scriptedAdapter }

func (*privateAdapter) PrivateRooms() bool { return true }

func inPrivateWorld(t *testing.T, test func(w *world, a *privateAdapter)) {
	t.Helper()
	a := new(privateAdapter)
	inWorld(t, Config{Adapter: a, MaxRoomsPerSocket: 2}, func(w *world) { test(w, a) })
}

func TestAdapterIsToldOfPrivateRoomsIfItWants(t *testing.T) {
	inPrivateWorld(t, func(w *world, a *privateAdapter) {
		c1, s1 := w.member()
		a.is(t, "join / ", "join / "+s1.ID())
		_, s2 := w.member()
		a.is(t, "join / "+s2.ID())

		// A room of that name is the same for the adapter, whoever is in it.
		if err := errors.Join(s2.Join(t.Context(), s1.ID()), s1.Join(t.Context(), s1.ID(), "red", "blue"), s1.Leave(t.Context(), s1.ID())); err != nil {
			t.Error(err)
		}
		a.is(t, "join / red", "join / blue")
		if n := w.server.Stats().Rooms["/"]; n != 2 {
			t.Errorf("%d rooms are counted, with those of single sockets", n)
		}
		if got := s1.Rooms(); !slices.Equal(got, []string{s1.ID(), "red", "blue"}) {
			t.Errorf("rooms %q", got)
		}
		if err := s1.Join(t.Context(), "green"); !errors.Is(err, ErrTooManyRooms) {
			t.Errorf("its own room counts, or others do not: %v", err)
		}
		_ = w.server.Local().To(s1.ID()).Except(s2.ID()).Emit("x")
		c1.hears(`2["x"]`)
		c1.Close(engineio.ReasonTransportClose)
		a.has(t, "leave / blue", "leave / red")
		w.close()
		want := []string{"leave / " + s1.ID(), "leave / " + s2.ID()}
		slices.Sort(want)
		a.has(t, want...)
	})
}

func TestSocketWhoseOwnRoomIsNotHeardIsRefused(t *testing.T) {
	inPrivateWorld(t, func(w *world, a *privateAdapter) {
		a.open(func() error { return errors.New("broken") })
		c := w.client()
		c.say("0")
		c.hears(`4{"message":"Namespace unavailable"}`)
		if n := w.server.Stats().Rooms["/"]; n != 0 {
			t.Errorf("%d rooms are left", n)
		}
	})
}
