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

// slowHistory counts what is saved, and holds it back while asked to.
type slowHistory struct {
	HistoryAdapter
	ClusterAdapter
	mu     sync.Mutex
	saves  int
	reads  int
	hold   chan struct{}
	broken error
	rival  bool // somebody else takes the next session a moment before
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

func (h *slowHistory) Look(ctx context.Context, ns, pid string) (*SavedSession, error) {
	h.mu.Lock()
	err := h.broken
	h.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return h.HistoryAdapter.Look(ctx, ns, pid)
}

func (h *slowHistory) Take(ctx context.Context, s *SavedSession) error {
	h.mu.Lock()
	rival := h.rival
	h.rival = false
	h.mu.Unlock()
	if rival {
		other := *s
		if err := h.HistoryAdapter.Take(ctx, &other); err != nil {
			return err
		}
	}
	return h.HistoryAdapter.Take(ctx, s)
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

// A client that an answer would make start afresh tries again, for as long as the history is
// away for a moment only; then it is served without.
func TestClientTriesAgainWhileTheHistoryDoesNotAnswer(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		_ = a.socket().Join(t.Context(), "red")
		a.cut()
		_ = s.To("red").Emit("1")
		h.set(nil, errors.New("away"))
		for range 3 {
			a.putOff(t)
			time.Sleep(putOffFor / 4)
		}
		h.set(nil, nil)
		a.back(t)
		a.hear(t, "1")
		a.cut()

		time.Sleep(2 * putOffFor) // another outage
		h.set(nil, errors.New("away"))
		for range 4 {
			a.putOff(t)
			time.Sleep(putOffFor / 4)
		}
		a.connect(t, "")
		if a.pid != "" || s.Stats().RecoveryRefused["unavailable"] != 1 || s.Stats().PutOff != 7 {
			t.Errorf("pid %q, refused %v, put off %d", a.pid, s.Stats().RecoveryRefused, s.Stats().PutOff)
		}
		h.set(nil, nil)
		a.cut()
	})
}

// The client was cut off on its way back, and meets its own earlier attempt.
func TestSessionTakenAMomentAgoIsTakenAgain(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		a.cut()
		h.mu.Lock()
		h.rival = true
		h.mu.Unlock()
		a.back(t)
		if n := s.Stats().RecoveryRefused["taken"]; n != 0 {
			t.Errorf("%d refused", n)
		}
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

func TestSessionOutlivesNodeThatClosesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		set := func(string) Recovery { return twoMinutesLong }
		closing := bus.Adapter()
		h := &slowHistory{HistoryAdapter: closing.(HistoryAdapter), ClusterAdapter: closing}
		first := newTestServer(t, Config{Adapter: h, Recovery: set}, "nod0", new(strings.Builder))
		second := newTestServer(t, Config{Adapter: bus.Adapter(), Recovery: set}, "nod1", new(strings.Builder))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for _, s := range []*Server{first, second} {
			running.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		a := newcomer(t, first)
		a.cut()
		_ = second.Emit("1")
		h.set(make(chan struct{}), nil) // its history does not answer the read
		c := open(t, first)
		c.say(`0{"pid":"` + a.pid + `"}`)
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- first.Close(ctx) }()
		c.Close("transport close")
		if err := <-closed; err != nil {
			t.Error(err)
		}
		c.hears()
		a.to(second).back(t)
		a.hear(t, "1")
		a.cut()
		if err := second.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		running.Wait()
	})
}

func TestConnectingTwiceIsRefusedWhileTheFirstComesBack(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		a.cut()
		hold := make(chan struct{})
		h.set(hold, nil)
		c := open(t, s)
		c.say(`0{"pid":"`+a.pid+`"}`, `0{"pid":"`+a.pid+`"}`)
		c.isOpen(false)
		close(hold)
		synctest.Wait()
		h.set(nil, nil)
		a.back(t) // the session has come to no harm
		a.cut()
	})
}

func TestMalformedHistoryHarmsNobody(t *testing.T) {
	recoveringCluster(t, 2, func(t *testing.T, servers []*Server, bus *Bus) {
		a, b := newcomer(t, servers[0]), newcomer(t, servers[1])
		a.cut()
		_ = servers[0].Emit("1")
		for _, data := range []string{"", "x", "[", `[1`, "[]", `{}`, `["connect"`, "[\"\xff\"]"} {
			_ = servers[0].cfg.Adapter.(HistoryAdapter).Record(&Broadcast{Namespace: "/", Data: []byte(data)})
		}
		_ = servers[0].Emit("2")
		b.hear(t, "1", "2")
		a.to(servers[1]).back(t)
		a.hear(t, "1", "2")
		a.cut()
		for _, spoil := range []func(s *SavedSession){
			func(s *SavedSession) { s.Rooms = make([]SavedRoom, maxTargets+1) },
			func(s *SavedSession) { s.SocketID = `"},"x":{"y":"01234567` },
			func(s *SavedSession) { s.PID = newPID() },
		} {
			c := newcomer(t, servers[0])
			c.cut()
			bus.memory.mu.Lock()
			spoil(&bus.memory.sessions[sessionKey{"/", c.pid}].saved)
			bus.memory.mu.Unlock()
			c.afresh(t, "unknown")
			c.cut()
		}
		c := newcomer(t, servers[0])
		c.cut()
		bus.memory.mu.Lock()
		saved := &bus.memory.sessions[sessionKey{"/", c.pid}].saved
		saved.Rooms = []SavedRoom{{Name: ""}, {Name: strings.Repeat("x", 1000)}, {Name: "red"}, {Name: "red"}, {Name: c.sid}}
		saved.Data = json.RawMessage(`{"`)
		bus.memory.mu.Unlock()
		c.back(t)
		if rooms := c.socket().Rooms(); !slices.Equal(rooms, []string{c.sid, "red"}) {
			t.Errorf("rooms are %q", rooms)
		}
		c.cut()
		b.cut()
	})
}
