package socketio

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recoveringCluster runs a test with servers whose clients can recover on each of them.
func recoveringCluster(t *testing.T, nodes int, test func(t *testing.T, servers []*Server, bus *Bus)) {
	t.Helper()
	inClusterOf(t, nodes, func(string) Recovery { return twoMinutesLong }, test)
}

// to has the client use another node from now on.
func (r *returner) to(s *Server) *returner {
	r.server = s
	return r
}

func deafen(s *Server) (hear func()) { return s.cfg.Adapter.(*busAdapter).Deafen() }

func TestClientComesBackToAnotherNode(t *testing.T) {
	recoveringCluster(t, 3, func(t *testing.T, servers []*Server, _ *Bus) {
		a := newcomer(t, servers[0])
		_ = a.socket().Join(t.Context(), "red")
		a.socket().SetData("data")
		_ = servers[1].To("red").Emit("1")
		a.hear(t, "1")
		a.cut()
		_ = servers[0].To("red").Emit("2")
		_ = servers[2].To(a.sid).Emit("3")
		a.to(servers[1]).back(t)
		_ = servers[2].To("red").Emit("4")
		_ = servers[2].To(a.sid).Emit("5") // an id with the first node's tag
		_ = servers[0].To(a.sid).Emit("6")
		_ = servers[1].Except(a.sid).Emit("not for it")
		_ = servers[1].Emit("7")
		a.hear(t, "2", "3", "4", "5", "6", "7")
		if rooms := a.socket().Rooms(); !slices.Equal(rooms, []string{a.sid, "red"}) {
			t.Errorf("rooms are %q", rooms)
		}
		if st := servers[1].Stats(); st.Rooms["/"] != 1 {
			t.Errorf("%d rooms", st.Rooms["/"])
		}
		found, err := servers[2].To(a.sid).FetchSockets(t.Context())
		if err != nil || len(found) != 1 || string(found[0].Data()) != `"data"` {
			t.Errorf("found %v, %v", found, err)
		}
		a.cut()
		a.to(servers[0]).back(t)
		a.hear(t)
		_ = servers[1].To(a.sid).Emit("8")
		a.hear(t, "8")
		a.cut()
	})
}

func TestEveryClientSeesOneOrder(t *testing.T) {
	recoveringCluster(t, 3, func(t *testing.T, servers []*Server, _ *Bus) {
		var clients []*returner
		for _, s := range servers {
			clients = append(clients, newcomer(t, s))
		}
		var publishing sync.WaitGroup
		for i, s := range servers {
			publishing.Go(func() {
				for k := range 100 {
					_ = s.Emit(fmt.Sprintf("%d-%d", i, k))
				}
			})
		}
		publishing.Wait()
		for _, c := range clients {
			c.got, _ = c.read(t)
			if len(c.got) != 300 || !slices.Equal(c.got, clients[0].got) {
				t.Errorf("client got %d events, or in another order", len(c.got))
			}
			c.cut()
		}
	})
}

func TestTakeoverSilencesTheOldNode(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, _ *Bus) {
		a := newcomer(t, servers[0])
		_ = a.socket().Join(t.Context(), "red")
		old, oldSocket := a.client, a.socket()
		a.to(servers[1]).back(t)
		old.isOpen(false)
		_ = servers[0].To("red").Emit("1")
		_ = servers[0].To(a.sid).Emit("2")
		_ = servers[0].Emit("3")
		a.hear(t, "1", "2", "3")
		old.hears()
		if err := oldSocket.Emit("4"); !errors.Is(err, ErrDisconnected) {
			t.Errorf("the old socket emits: %v", err)
		}
		if st := servers[0].Stats(); st.TakenOver != 1 || st.Disconnects[ReasonTakenOver] != 1 || st.SavedSessions != 0 {
			t.Errorf("taken over %d, ended %v, %d sessions", st.TakenOver, st.Disconnects, st.SavedSessions)
		}
		a.cut()
		a.to(servers[0]).back(t)
		a.cut()
	})
}

func TestNodeThatHeardNothingCatchesUp(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, _ *Bus) {
		a, b := newcomer(t, servers[0]), newcomer(t, servers[1])
		_ = a.socket().Join(t.Context(), "red")
		hear := deafen(servers[0])
		_ = servers[1].To("red").Emit("1")
		_ = servers[1].To("blue").Emit("not heard")
		_ = servers[0].To("red").Emit("2") // its own too
		_ = servers[1].Emit("3")
		b.hear(t, "3")
		a.hear(t)
		hear()
		a.hear(t, "1", "2", "3")
		_ = servers[1].To("red").Emit("4")
		a.hear(t, "4")
		a.cut()
		b.cut()
	})
}

func TestClientComesBackToNodeThatLagsBehind(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, _ *Bus) {
		a, b := newcomer(t, servers[0]), newcomer(t, servers[1])
		_ = a.socket().Join(t.Context(), "red")
		a.cut()
		hear := deafen(servers[1])
		_ = servers[0].To("red").Emit("1")
		_ = servers[0].Emit("2")
		a.to(servers[1]).back(t) // to where it gets ahead of its node
		a.hear(t, "1", "2")
		b.hear(t)
		_ = servers[1].Volatile().Emit("volatile")
		_ = servers[1].Local().Emit("local")
		b.hears(`2["volatile","0-0"]`, `2["local","0-0"]`)
		a.hears(`2["local","` + a.offset + `"]`)
		if n := servers[1].Stats().VolatileSkipped; n != 1 {
			t.Errorf("%d volatile events skipped", n)
		}
		_ = servers[0].To("red").Emit("3")
		hear()
		a.hear(t, "3")
		b.hear(t, "2")
		a.cut()
		b.cut()
	})
}

func TestJoinBeginsWhereItWasSaved(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, _ *Bus) {
		a, b := newcomer(t, servers[0]), newcomer(t, servers[0])
		_ = b.socket().Join(t.Context(), "red", "blue", "muted")
		hear := deafen(servers[0])
		_ = servers[1].To("red").Emit("before")
		_ = servers[1].To("red", "blue").Emit("before too")
		_ = servers[1].Except("red").Emit("1")
		_ = a.socket().Join(t.Context(), "red")
		_ = servers[1].To("red").Emit("2")
		_ = servers[1].Except("red").Emit("not for it")
		hear()
		a.hear(t, "1", "2")
		b.hear(t, "before", "before too", "2")
		if x := &servers[0].main.rooms; x.fresh != nil || servers[0].main.recovery.settling != nil {
			t.Error("memberships are still looked at one by one")
		}
		_ = a.socket().Join(t.Context(), "blue")
		hear = deafen(servers[0])
		_ = servers[1].To("yellow", "blue").Emit("3")
		_ = a.socket().Join(t.Context(), "yellow")
		_ = servers[1].To("yellow", "blue").Emit("4")
		many := make([]string, fewRooms+1)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		_ = a.socket().Join(t.Context(), "0")
		_ = servers[1].To(many...).Emit("5")
		_ = a.socket().Leave(t.Context(), "0") // it has not been sent yet
		hear()
		a.hear(t, "3", "4")
		a.cut()
		b.cut()
	})
}

func TestForgottenEventsAreAnnounced(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, bus *Bus) {
		bus.memory.chronicle("/").maximum.events = 10
		a, away := newcomer(t, servers[0]), newcomer(t, servers[0])
		away.cut()
		var ends journal
		servers[0].OnDisconnect(func(_ *Socket, r Reason) { ends.add("%s", r) })
		hear := deafen(servers[0])
		for i := range 20 {
			_ = servers[1].Emit(fmt.Sprint(i))
		}
		hear()
		ends.is(t, string(ReasonMissed))
		a.isOpen(false)
		a.hear(t)
		a.to(servers[1]).afresh(t, "unknown")
		away.afresh(t, "forgotten")
		_ = servers[0].Emit("1")
		a.hear(t, "1")
		away.hear(t, "1")
		if st := servers[0].Stats(); st.Announced["forgotten"] != 1 {
			t.Errorf("announced: %v", st.Announced)
		}
		a.cut()
		away.cut()
	})
}

func TestKilledNodesSessionsGoOn(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, bus *Bus) {
		a := newcomer(t, servers[0])
		_ = a.socket().Join(t.Context(), "red")
		_ = servers[0].To("red").Emit("1")
		a.hear(t, "1")
		// It is still there, but says nothing any more, as after a SIGSTOP.
		old := a.client
		hear := deafen(servers[0])
		nodes := bus.nodes
		bus.nodes = slices.DeleteFunc(slices.Clone(nodes), func(n *busAdapter) bool { return n == servers[0].cfg.Adapter })
		_ = servers[1].To("red").Emit("2")
		time.Sleep(100 * time.Second)
		a.to(servers[1]).back(t)
		_ = servers[1].To("red").Emit("3")
		a.hear(t, "2", "3")
		// It wakes up: its session is somebody else's, and stays so.
		bus.nodes = nodes
		hear()
		time.Sleep(time.Minute)
		old.isOpen(false)
		a.isOpen(true)
		_ = servers[0].To("red").Emit("4")
		a.hear(t, "4")
		a.cut()
		a.back(t)
		a.cut()
	})
}

func TestLeaveElsewhereIsNotUndone(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, _ *Bus) {
		a := newcomer(t, servers[0])
		_ = a.socket().Join(t.Context(), "red", "blue")
		if err := servers[1].To(a.sid).SocketsLeave(t.Context(), "red"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.cut()
		_ = servers[1].To("red").Emit("not for it")
		a.to(servers[1]).back(t)
		a.hear(t)
		if rooms := a.socket().Rooms(); !slices.Equal(rooms, []string{a.sid, "blue"}) {
			t.Errorf("rooms are %q", rooms)
		}
		a.cut()
	})
}
