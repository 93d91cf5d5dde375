package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// inCluster runs a test with several servers on a bus.
func inCluster(t *testing.T, nodes int, test func(t *testing.T, servers []*Server)) {
	t.Helper()
	inClusterOf(t, nodes, nil, func(t *testing.T, servers []*Server, _ *Bus) { test(t, servers) })
}

func inClusterOf(t *testing.T, nodes int, set func(string) Recovery, test func(t *testing.T, servers []*Server, bus *Bus)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, nodes)
		var servers []*Server
		for i := range nodes {
			s := newTestServer(t, Config{Adapter: bus.Adapter(), Recovery: set}, fmt.Sprintf("nod%d", i), new(strings.Builder))
			servers = append(servers, s)
			go func() { ended <- s.Run(ctx) }()
		}
		synctest.Wait()
		test(t, servers, bus)
		for _, s := range servers {
			if err := s.Close(ctx); err != nil {
				t.Error(err)
			}
			for ns, n := range s.Stats().Sockets {
				if n != 0 {
					t.Errorf("%d sockets are left in %s", n, ns)
				}
			}
		}
		cancel()
		for range servers {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

// citizen is a client of one of the servers.
type citizen struct {
	*client
	socket *Socket
}

func settle(t *testing.T, s *Server, rooms ...string) citizen {
	t.Helper()
	c := open(t, s)
	c.join("/")
	socket := c.receiver.(*conn).socket("/")
	if err := socket.Join(t.Context(), rooms...); err != nil {
		t.Fatal(err)
	}
	return citizen{c, socket}
}

func end(citizens ...citizen) {
	for _, c := range citizens {
		c.Close(engineio.ReasonTransportClose)
	}
	synctest.Wait()
}

func TestEmitsReachEveryNodeOnce(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, servers []*Server) {
		a, b, c := settle(t, servers[0], "red"), settle(t, servers[1], "red", "blue"), settle(t, servers[2])
		defer end(a, b, c)
		_ = servers[0].To("red").Emit("1")
		_ = servers[2].To("red", "blue").Emit("2")
		_ = servers[1].Emit("3", Binary("x"))
		_ = servers[2].Except("blue").Emit("4")
		_ = servers[0].Local().Emit("5")
		_ = servers[0].To(c.socket.ID()).Emit("6")
		_ = a.socket.Broadcast().Emit("7")
		three := []string{`51-["3",{"_placeholder":true,"num":0}]`, "<x>"}
		a.hears(slices.Concat([]string{`2["1"]`, `2["2"]`}, three, []string{`2["4"]`, `2["5"]`})...)
		b.hears(slices.Concat([]string{`2["1"]`, `2["2"]`}, three, []string{`2["7"]`})...)
		c.hears(slices.Concat(three, []string{`2["4"]`, `2["6"]`, `2["7"]`})...)
		_ = b.socket.Leave(t.Context(), "red")
		_ = servers[0].To("red").Emit("8")
		b.hears()
	})
}

func TestQuestionsReachEveryNode(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		a, b := settle(t, servers[0], "red"), settle(t, servers[1], "red")
		defer end(a, b)
		found, err := servers[0].FetchSockets(t.Context())
		if err != nil || len(found) != 2 || found[1].ID() != b.socket.ID() {
			t.Fatalf("found %v, %v", found, err)
		}
		_ = found[1].Emit("hi")
		b.hears(`2["hi"]`)
		if err := servers[0].To("red").SocketsJoin(t.Context(), "green"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if !slices.Contains(b.socket.Rooms(), "green") || !slices.Contains(a.socket.Rooms(), "green") {
			t.Errorf("rooms are %q and %q", a.socket.Rooms(), b.socket.Rooms())
		}
		_ = servers[0].SocketsLeave(t.Context(), "green")
		synctest.Wait()
		if slices.Contains(b.socket.Rooms(), "green") {
			t.Error("the socket of the other node is still in the room")
		}
		_ = servers[0].To(b.socket.ID()).DisconnectSockets(t.Context(), false)
		b.hears("1")
	})
}

func TestBroadcastAcksOfEveryNode(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, servers []*Server) {
		a, b := settle(t, servers[0]), settle(t, servers[1])
		defer end(a, b)
		type result struct {
			replies []Reply
			err     error
		}
		ask := func(from *Server) chan result {
			done := make(chan result, 1)
			go func() {
				replies, err := from.Timeout(time.Second).EmitWithAck(t.Context(), "ask")
				done <- result{replies, err}
			}()
			synctest.Wait()
			return done
		}
		done := ask(servers[0])
		a.hears(`20["ask"]`)
		b.hears(`20["ask"]`)
		b.say(`30[1]`)
		a.say(`30[2]`)
		if r := <-done; len(r.replies) != 2 || r.err != nil {
			t.Errorf("replies are %v, %v", r.replies, r.err)
		}
		done = ask(servers[2])
		a.take()
		b.say(`31[1]`)
		if r := <-done; len(r.replies) != 1 || !errors.Is(r.err, ErrAckTimeout) {
			t.Errorf("replies are %v, %v, want one and ErrAckTimeout", r.replies, r.err)
		}
		a.say(`31[1]`)
		b.take()
	})
}

func TestServerSideEmit(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, servers []*Server) {
		var j journal
		for i, s := range servers[:2] {
			s.Of("/").OnServerSide("hello", func(e *ServerSideEvent) {
				var n int
				_ = e.Bind(&n)
				j.add("%d got %d", i, n)
				_ = e.Ack(i)
				_ = e.Ack("again")
			})
		}
		if err := servers[0].Of("/").ServerSideEmit("hello", 5); err != nil {
			t.Error(err)
		}
		j.is(t, "1 got 5")
		replies, err := servers[2].Of("/").ServerSideEmitWithAck(t.Context(), "hello", 6)
		if err != nil || len(replies) != 2 {
			t.Errorf("replies are %v, %v", replies, err)
		}
		j.has(t, "0 got 6", "1 got 6")
		replies, err = servers[0].Of("/").ServerSideEmitWithAck(t.Context(), "nobody listens")
		if err != nil || len(replies) != 2 {
			t.Errorf("replies are %v, %v: each node must answer", replies, err)
		}
	})
}

// The names that are reserved between servers are others than those to clients
// (protocol.md 3.3): a node of the official server calls its connection listeners with
// what a server-side event of that name carries.
func TestServerSideEventsHaveReservedNamesOfTheirOwn(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		var j journal
		servers[1].Of("/").OnServerSide("disconnect", func(*ServerSideEvent) { j.add("disconnect") })
		for _, name := range []string{"connect", "connection", "new_namespace"} {
			if err := servers[0].Of("/").ServerSideEmit(name); !errors.Is(err, ErrReservedEvent) {
				t.Errorf("ServerSideEmit of %s: %v, want ErrReservedEvent", name, err)
			}
			e := &ServerEvent{Namespace: "/", Data: []byte(`["` + name + `"]`)}
			if err := (node{servers[1]}).ServerEvent(e, nil); !errors.Is(err, ErrReservedEvent) || !errors.Is(err, ErrBadBroadcast) {
				t.Errorf("%s of another node: %v, want ErrReservedEvent", name, err)
			}
		}
		if err := servers[0].Of("/").ServerSideEmit("disconnect"); err != nil {
			t.Error(err)
		}
		j.is(t, "disconnect")
	})
}

func TestEmitThatOtherNodesWouldRefuseGoesNowhere(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		a := settle(t, servers[0], "red")
		defer end(a)
		many := servers[0].To("red").To(make([]string, maxTargets)...)
		if err := many.Emit("x"); !errors.Is(err, ErrTooManyTargets) {
			t.Errorf("Emit: %v, want ErrTooManyTargets", err)
		}
		if _, err := many.EmitWithAck(t.Context(), "x"); !errors.Is(err, ErrTooManyTargets) {
			t.Errorf("EmitWithAck: %v, want ErrTooManyTargets", err)
		}
		a.hears()
		if err := many.Local().Emit("here"); err != nil {
			t.Error(err)
		}
		a.hears(`2["here"]`)
	})
}

func TestHostileBroadcastIsRefused(t *testing.T) {
	inWorld(t, Config{Adapter: new(scriptedAdapter)}, func(w *world) {
		c := w.joined()
		n := node{w.server}
		x := [][]byte{[]byte("x")}
		for _, test := range []struct {
			name string
			b    Broadcast
			want error
		}{
			{"unknown namespace", Broadcast{Namespace: "/nope", Data: []byte(`["a"]`)}, ErrUnknownNamespace},
			{"no data", Broadcast{}, ErrBadBroadcast},
			{"not JSON", Broadcast{Data: []byte(`["a`)}, ErrBadBroadcast},
			{"not an array", Broadcast{Data: []byte(`{"a":1}`)}, ErrBadBroadcast},
			{"no name", Broadcast{Data: []byte(`[]`)}, ErrBadBroadcast},
			{"object for name", Broadcast{Data: []byte(`[{}]`)}, ErrBadBroadcast},
			{"reserved name", Broadcast{Data: []byte(`["disconnect"]`)}, ErrReservedEvent},
			{"two values", Broadcast{Data: []byte(`["a"]["b"]`)}, ErrBadBroadcast},
			{"not UTF-8", Broadcast{Data: []byte("[\"a\",\"\xff\"]")}, ErrBadBroadcast},
			{"too deep", Broadcast{Data: []byte(`["a",` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `]`)}, ErrBadBroadcast},
			{"attachment without placeholder", Broadcast{Data: []byte(`["a"]`), Attachments: x}, ErrBadBroadcast},
			{"placeholder out of range", Broadcast{Data: []byte(`["a",{"_placeholder":true,"num":1}]`), Attachments: x}, ErrBadBroadcast},
			{"too many attachments", Broadcast{Data: []byte(`["a"]`), Attachments: slices.Repeat(x, 11)}, ErrTooManyAttachments},
			{"too many rooms", Broadcast{Data: []byte(`["a"]`), Rooms: make([]string, maxTargets+1)}, ErrBadBroadcast},
		} {
			if test.b.Namespace == "" {
				test.b.Namespace = "/"
			}
			if err := n.Deliver(&test.b); !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
			if _, err := n.DeliverWithAck(w.Context(), &test.b, nil); !errors.Is(err, test.want) {
				t.Errorf("%s, with acks: %v, want %v", test.name, err, test.want)
			}
		}
		c.hears()
		if got := w.server.Stats().DeliverRefused; got != 26 {
			t.Errorf("%d counted as refused, want 26: all but those for an unknown namespace", got)
		}
		if err := n.Deliver(&Broadcast{Namespace: "/", Data: []byte(`["a", 1.0]`)}); err != nil {
			t.Error(err)
		}
		c.hears(`2["a", 1.0]`)
	})
}
