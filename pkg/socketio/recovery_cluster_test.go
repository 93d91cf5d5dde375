package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// slowHistory counts what is saved, and holds it back while asked to.
type slowHistory struct {
	HistoryAdapter
	ClusterAdapter
	mu     sync.Mutex
	saves  int
	reads  int
	hold   chan struct{}
	broken error
}

func (h *slowHistory) Join(ctx context.Context, ns, room string) error {
	return h.ClusterAdapter.Join(ctx, ns, room)
}

func (h *slowHistory) Leave(ctx context.Context, ns, room string) error {
	return h.ClusterAdapter.Leave(ctx, ns, room)
}

func (h *slowHistory) Run(ctx context.Context, n Node) error { return h.ClusterAdapter.Run(ctx, n) }

func (h *slowHistory) Broadcast(ctx context.Context, b *Broadcast, deliver func()) error {
	return h.ClusterAdapter.Broadcast(ctx, b, deliver)
}

// wait returns what the call must fail with.
func (h *slowHistory) wait(ctx context.Context, count *int) error {
	h.mu.Lock()
	*count++
	hold, err := h.hold, h.broken
	h.mu.Unlock()
	if hold == nil {
		return err
	}
	select {
	case <-hold:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (h *slowHistory) Save(ctx context.Context, s *SavedSession) (Offset, error) {
	if err := h.wait(ctx, &h.saves); err != nil {
		return Offset{}, err
	}
	return h.HistoryAdapter.Save(ctx, s)
}

func (h *slowHistory) Read(ctx context.Context, ns string, after Offset, f func(*Broadcast, Offset) bool) (Offset, error) {
	if err := h.wait(ctx, &h.reads); err != nil {
		return Offset{}, err
	}
	return h.HistoryAdapter.Read(ctx, ns, after, f)
}

func (h *slowHistory) set(hold chan struct{}, broken error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold, h.broken, h.saves, h.reads = hold, broken, 0, 0
}

func (h *slowHistory) counts() (saves, reads int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.saves, h.reads
}

// withSlowHistory runs a test with one server and its history.
func withSlowHistory(t *testing.T, test func(t *testing.T, s *Server, h *slowHistory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := NewBus().Adapter()
		h := &slowHistory{HistoryAdapter: a.(HistoryAdapter), ClusterAdapter: a}
		s := newTestServer(t, Config{Adapter: h, Recovery: func(string) Recovery { return twoMinutesLong }}, "node", new(strings.Builder))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		test(t, s, h)
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestChangesOfOneSocketAreSavedTogether(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		hold := make(chan struct{})
		h.set(hold, nil)
		var joining sync.WaitGroup
		for i := range 50 {
			joining.Go(func() {
				if err := a.socket().Join(t.Context(), fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
			a.socket().SetData(i)
		}
		synctest.Wait()
		close(hold)
		joining.Wait()
		synctest.Wait()
		if saves, _ := h.counts(); saves != 2 { // the one under way, and all behind it
			t.Errorf("%d saves", saves)
		}
		for i := range 50 {
			_ = s.To(fmt.Sprint(i)).Emit(fmt.Sprint(i))
		}
		synctest.Wait()
		a.cut()
		a.back(t)
		if data, _ := a.socket().Data().(json.RawMessage); string(data) != "49" || len(a.got) != 50 {
			t.Errorf("data is %s, and %d events have come", data, len(a.got))
		}
		a.cut()
	})
}

func TestJoinIsNotAcknowledgedUnlessItIsSaved(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		h.set(nil, errors.New("away"))
		if err := a.socket().Join(t.Context(), "red"); err == nil {
			t.Error("joined")
		}
		_ = s.To("red").Emit("not for it")
		h.set(nil, nil)
		a.hear(t)
		if err := a.socket().Join(t.Context(), "red"); err != nil {
			t.Error(err)
		}
		_ = s.To("red").Emit("1")
		a.hear(t, "1")
		a.cut()
		a.back(t)
		a.cut()
	})
}

func TestLeaveIsNotAcknowledgedUnlessItIsSaved(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		_ = a.socket().Join(t.Context(), "red")
		h.set(nil, errors.New("away"))
		if err := a.socket().Leave(t.Context(), "red"); err == nil {
			t.Error("left, as if who comes back would know")
		}
		_ = s.To("red").Emit("not for it")
		a.hear(t)
		h.set(nil, nil)
		_ = a.socket().Join(t.Context(), "blue") // which saves
		a.cut()
		_ = s.To("red").Emit("nor this")
		a.back(t)
		a.hear(t)
		a.cut()
	})
}

func TestClientIsServedWithoutItsSessionBeingSaved(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		h.set(make(chan struct{}), nil)
		s.Use(func(s *Socket) error { return s.Join(t.Context(), "red") })
		before := time.Now()
		c := open(t, s)
		c.say("0")
		var got []string
		for got = c.take(); len(got) == 0; got = c.take() {
			time.Sleep(time.Second)
		}
		if d := time.Since(before); d > saveTimeout+time.Second {
			t.Errorf("connected after %v", d)
		}
		if len(got) != 1 || strings.Contains(got[0], "pid") {
			t.Errorf("got %q", got)
		}
		h.set(nil, nil)
		_ = s.To("red").Emit("1")
		socket := c.receiver.(*conn).socket("/")
		_ = socket.Join(t.Context(), "blue")
		_ = s.To("blue").Emit("2")
		synctest.Wait()
		if got := c.take(); len(got) != 2 {
			t.Errorf("got %q", got)
		}
		if st := s.Stats(); st.WithoutSession != 1 || st.SavedSessions != 0 {
			t.Errorf("%d without session, %d saved", st.WithoutSession, st.SavedSessions)
		}
		c.Close("transport close")
	})
}

func TestJoinWithoutASessionBeginsAtTheHead(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		h.set(nil, errors.New("away"))
		c := open(t, s)
		c.say("0")
		synctest.Wait()
		if got := c.take(); len(got) != 1 || strings.Contains(got[0], "pid") {
			t.Errorf("got %q", got)
		}
		socket := c.receiver.(*conn).socket("/")
		if err := socket.Join(t.Context(), "red"); err == nil {
			t.Error("joined while nobody knows where that begins")
		}
		hear := h.HistoryAdapter.(*busAdapter).Deafen()
		h.set(nil, nil)
		_ = s.To("red").Emit("before")
		if err := socket.Join(t.Context(), "red"); err != nil {
			t.Error(err)
		}
		hear()
		_ = s.To("red").Emit("after")
		synctest.Wait()
		if got := c.take(); len(got) != 1 || !strings.Contains(got[0], "after") {
			t.Errorf("got %q", got)
		}
		c.Close("transport close")
	})
}

func TestNothingIsNotedOfAClientThatIsStillComingBack(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		_ = s.Emit("1")
		a.hear(t, "1")
		a.cut()
		_ = s.Emit("2")
		hold := make(chan struct{})
		h.set(hold, nil)
		c := open(t, s)
		c.say(`0{"pid":"` + a.pid + `","offset":"` + a.offset + `"}`)
		synctest.Wait()
		if _, reads := h.counts(); reads != 1 {
			t.Fatalf("%d readings: it is not coming back", reads)
		}
		node{server: s}.Resave()
		synctest.Wait()
		saved, err := h.HistoryAdapter.Look(t.Context(), "/", a.pid)
		if err != nil {
			t.Fatal(err)
		}
		if offset, _ := ParseOffset(a.offset); !saved.Sent.After(offset) && saved.Seen.After(offset) {
			t.Errorf("who has %s is said to have missed nothing until %s", saved.Sent, saved.Seen)
		}
		close(hold)
		synctest.Wait()
		c.Close("transport close")
		synctest.Wait()
		a.back(t)
		a.hear(t, "2")
		a.cut()
	})
}

func TestManyComeBackWithFewReadings(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		const n = 3000
		clients := make([]*returner, n)
		for i := range clients {
			clients[i] = newcomer(t, s)
			_ = clients[i].socket().Join(t.Context(), fmt.Sprint("room", i%100))
			clients[i].cut()
		}
		for i := range 200 {
			_ = s.To(fmt.Sprint("room", i%100)).Emit(fmt.Sprint(i))
		}
		_ = s.Emit("all")
		hold := make(chan struct{})
		h.set(hold, nil)
		for _, c := range clients {
			c.client = open(t, s)
			c.say(fmt.Sprintf(`0{"pid":%q}`, c.pid))
		}
		synctest.Wait()
		_ = s.Emit("meanwhile")
		close(hold)
		synctest.Wait()
		if _, reads := h.counts(); reads > 6 {
			t.Errorf("the history was read %d times", reads)
		}
		for i, c := range clients {
			sid := c.sid
			names, connected := c.read(t)
			if !connected || c.sid != sid || !slices.Equal(names, []string{fmt.Sprint(i % 100), fmt.Sprint(i%100 + 100), "all", "meanwhile"}) {
				t.Fatalf("client %d got %q", i, names)
			}
			c.Close("transport close")
		}
	})
}

func TestHistoryThatDoesNotAnswerIsNoObstacle(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		a.cut()
		h.set(nil, errors.New("away"))
		a.connect(t, "")
		if a.pid != "" || s.Stats().RecoveryRefused["unavailable"] != 1 {
			t.Errorf("pid %q, refused %v", a.pid, s.Stats().RecoveryRefused)
		}
		h.set(nil, nil)
		a.cut()
	})
}

func TestLostRecordsAreWrittenAnew(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, bus *Bus) {
		a := newcomer(t, servers[0])
		_ = a.socket().Join(t.Context(), "red")
		bus.memory.mu.Lock()
		clear(bus.memory.sessions)
		bus.memory.mu.Unlock()
		node{servers[0]}.Resave()
		synctest.Wait()
		a.cut()
		_ = servers[1].To("red").Emit("1")
		a.to(servers[1]).back(t)
		a.hear(t, "1")
		a.cut()
	})
}
