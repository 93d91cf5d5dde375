package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// answerLimit is how long a test waits for a program of testdata/node.
const answerLimit = 30 * time.Second

// program is a script that carries out commands: see commands.cjs.
type program struct {
	*script
	last int
}

func runProgram(t *testing.T, args ...string) (p *program, first string) {
	t.Helper()
	p = &program{script: runNode(t, args...)}
	p.answer(0, &first)
	return p, first
}

// do runs code and reads what it returns into value, unless that is nil.
func (p *program) do(value any, code string, args ...any) {
	p.t.Helper()
	p.last++
	p.tell(map[string]any{"id": p.last, "code": fmt.Sprintf(code, args...)})
	p.answer(p.last, value)
}

func (p *program) answer(id int, value any) {
	p.t.Helper()
	var line struct {
		ID    int
		Value json.RawMessage
		Error string
	}
	select {
	case text, ok := <-p.lines:
		if !ok {
			p.t.Fatal("node ended")
		}
		if err := json.Unmarshal(text, &line); err != nil {
			p.t.Fatalf("%s: %v", text, err)
		}
	case <-time.After(answerLimit):
		p.t.Fatalf("node did not answer command %d", id)
	}
	if line.ID != id || line.Error != "" {
		p.t.Fatalf("command %d was answered for %d: %s", id, line.ID, line.Error)
	}
	if value != nil {
		if err := json.Unmarshal(line.Value, value); err != nil {
			p.t.Fatalf("%s: %v", line.Value, err)
		}
	}
}

// testedAdapter is what both adapters have.
type testedAdapter interface {
	socketio.ClusterAdapter
	Stats() Stats
	Healthy() bool
	Close() error
}

// newTested makes a sharded adapter if cfg has a subscription mode, else a classic one.
func newTested(cfg Config) (testedAdapter, error) {
	if cfg.SubscriptionMode != "" {
		return NewSharded(cfg)
	}
	return New(cfg)
}

// goServer is a server of ours, with the same handlers as server.cjs.
type goServer struct {
	io      *socketio.Server
	adapter testedAdapter
	url     string

	mu    sync.Mutex
	heard []string // guarded by mu: what other servers have emitted
}

func startGo(t *testing.T, cfg Config, name string) *goServer {
	t.Helper()
	a, err := newTested(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := &goServer{adapter: a}
	if g.io, err = socketio.NewServer(socketio.Config{Adapter: a}); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []*socketio.Namespace{g.io.Of("/"), g.io.Of("/chat")} {
		ns.OnConnect(func(s *socketio.Socket) {
			var auth struct{ Data json.RawMessage }
			if s.Handshake().BindAuth(&auth) == nil && auth.Data != nil {
				s.SetData(auth.Data)
			}
			s.On("join", func(e *socketio.Event) {
				var rooms []string
				err := e.Bind(&rooms)
				if err = errors.Join(err, s.Join(context.Background(), rooms...)); err != nil {
					t.Errorf("join: %v", err)
				}
				_ = e.Ack()
			})
		})
		ns.OnServerSide("hello", func(e *socketio.ServerSideEvent) {
			g.mu.Lock()
			g.heard = append(g.heard, string(e.From(0).JSON()))
			g.mu.Unlock()
			_ = e.Ack(map[string]any{"name": name, "args": e.From(0)}, "second")
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- g.io.Run(ctx) }()
	server := httptest.NewServer(g.io)
	g.url = server.URL
	t.Cleanup(func() {
		closing, stop := context.WithTimeout(context.Background(), waitLimit)
		defer stop()
		err := g.io.Close(closing)
		server.Close()
		cancel()
		if err := errors.Join(err, <-ran, a.Close()); err != nil {
			t.Errorf("end of %s: %v", name, err)
		}
	})
	return g
}

// peer is one server of a mixed cluster: one of the two is set.
type peer struct {
	name string
	node *program
	ours *goServer
}

// mixed is a cluster of servers of both kinds, with clients.
type mixed struct {
	*testing.T
	peers   []*peer
	clients *program
	ids     map[string]string   // of sockets, by the client's name
	rooms   map[string][]string // the names of their members, in either namespace
	mode    SubscriptionMode
	perRoom bool // what is emitted to a room may overtake what is emitted to another
	markers int
	checked int // comparisons
	url     string
	prefix  string
}

// startMixed starts a cluster with a server for each letter of the layout: n for Node.js, s
// for Node.js that answers on the specific channel, o for Node.js with an old adapter, g for
// ours, x for ours with exact private rooms.
func startMixed(t *testing.T, l layout, url string) *mixed {
	t.Helper()
	w := &mixed{T: t, ids: map[string]string{}, rooms: map[string][]string{}, url: url, prefix: redistest.Prefix(t), mode: l.mode}
	urls := make([]string, len(l.kinds))
	for i, kind := range l.kinds {
		p := &peer{name: fmt.Sprintf("%c%d", kind, i)}
		switch {
		case kind == 'g', kind == 'x':
			cfg := Config{URL: w.url, Prefix: w.prefix, SharedResponses: i%2 == 1, SubscriptionMode: l.mode}
			if kind == 'x' {
				cfg.PrivateRooms = Exact
			}
			p.ours = startGo(t, cfg, p.name)
			urls[i] = p.ours.url
		case l.mode != "":
			p.node, urls[i] = runProgram(t, "server.cjs", w.url, w.prefix, p.name, string(l.mode))
		case kind == 's':
			p.node, urls[i] = runProgram(t, "server.cjs", w.url, w.prefix, p.name, "specific")
		case kind == 'o':
			p.node, urls[i] = runProgram(t, "server.cjs", w.url, w.prefix, p.name, "old")
		default:
			p.node, urls[i] = runProgram(t, "server.cjs", w.url, w.prefix, p.name)
		}
		w.peers = append(w.peers, p)
	}
	for _, namespace := range []string{"/", "/chat"} {
		names := newChannels(w.prefix)
		eventually(t, "all serve "+namespace, func() bool {
			if l.mode != "" {
				return shardSubscribers(t, url, names.all(namespace)) == int64(len(l.kinds))
			}
			return subscribers(t, direct(t), names.requests(namespace)) == int64(len(l.kinds))
		})
	}
	w.clients, _ = runProgram(t, "clients.cjs")
	for i, url := range urls {
		w.connect(fmt.Sprintf("%da", i), url, "red", "all")
		w.connect(fmt.Sprintf("%db", i), url, "blue", "all")
	}
	w.connect("chat", urls[0]+"/chat")
	w.connect("chat2", urls[1]+"/chat", "red")
	return w
}

func (w *mixed) connect(name, url string, rooms ...string) {
	w.Helper()
	list, _ := json.Marshal(notNil(rooms))
	var id string
	w.clients.do(&id, `return connect(%q, %q, %s)`, name, url, list)
	w.ids[name] = id
	w.rooms[id] = append(w.rooms[id], name)
	for _, room := range rooms {
		w.rooms[room] = append(w.rooms[room], name)
	}
}

// names replaces ID(x) by the id of the socket of client x.
func (w *mixed) withIDs(s string) string {
	for name, id := range w.ids {
		s = strings.ReplaceAll(s, "ID("+name+")", id)
	}
	return s
}

// mark ends a turn: each client's events up to a marker that from sends to everybody.
func (w *mixed) mark(from func(namespace, marker string, rooms ...string)) map[string][]any {
	w.Helper()
	if w.perRoom {
		w.markRooms(from)
	}
	w.markers++
	marker := fmt.Sprint("m", w.markers)
	from("/", marker)
	from("/chat", marker)
	var got map[string][]any
	w.clients.do(&got, `return all(%q)`, marker)
	return got
}

// markRooms waits until everything has arrived that was emitted to single rooms.
func (w *mixed) markRooms(from func(namespace, marker string, rooms ...string)) {
	w.Helper()
	for room, members := range w.rooms {
		for _, namespace := range []string{"/", "/chat"} {
			w.markers++
			marker := fmt.Sprint("r", w.markers)
			from(namespace, marker, room)
			for _, name := range members {
				if strings.HasPrefix(name, "chat") == (namespace == "/chat") {
					w.clients.do(nil, `return seen(%q, %q)`, name, marker)
				}
			}
		}
	}
}

func (p *peer) marker(t *testing.T) func(namespace, marker string, rooms ...string) {
	return func(namespace, marker string, rooms ...string) {
		if p.node != nil {
			list, _ := json.Marshal(notNil(rooms))
			p.node.do(nil, `io.of(%q).to(%s).emit("marker", %q)`, namespace, list, marker)
		} else if err := p.ours.io.Of(namespace).To(rooms...).Emit("marker", marker); err != nil {
			t.Error(err)
		}
	}
}

// shardSubscribers counts those of a shard channel, on the server or cluster at url.
func shardSubscribers(t testing.TB, url, channel string) (sum int64) {
	t.Helper()
	for address := range strings.SplitSeq(url, ",") {
		c := connection(t, address)
		n, err := c.PubSubShardNumSub(context.Background(), channel).Result()
		if err != nil {
			t.Fatal(err)
		}
		sum += n[channel]
	}
	return sum
}

// expect compares what clients have got: want on those in to, nothing on the others.
func (w *mixed) expect(what string, got map[string][]any, want string, to ...string) {
	w.Helper()
	expected := map[string]string{}
	for _, name := range to {
		expected[name] = "[" + want + "]"
	}
	for name, events := range got {
		text, err := json.Marshal(events)
		if err != nil {
			w.Fatal(err)
		}
		w.checked++
		if !sameJSON(string(text), expected[name]) {
			w.Errorf("%s: client %s got %.300s, want %.300s", what, name, text, expected[name])
		}
		delete(expected, name)
	}
	for name := range expected {
		w.Errorf("%s: there is no client %s", what, name)
	}
}

// sameJSON compares values; no text at all is an empty list.
func sameJSON(got, want string) bool {
	if want == "" {
		want = "[]"
	}
	var a, b any
	if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
		return false
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// layout is a cluster that tests run on: a server for each letter of kinds, as startMixed
// has it. A mode makes all of them sharded.
type layout struct {
	name, kinds string
	mode        SubscriptionMode
}

// layouts are those of the classic adapter, bothLayouts with those of the sharded one.
var (
	layouts     = []layout{{"one Node.js, two Causeway", "ngg", ""}, {"two Node.js, one Causeway", "nsg", ""}}
	bothLayouts = append(layouts,
		layout{"sharded, one Node.js, two Causeway", "ngg", Dynamic}, layout{"sharded, two Node.js, one Causeway", "nng", Dynamic})
)

func onEachLayout(t *testing.T, layouts []layout, test func(w *mixed)) {
	for _, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			w := startMixed(t, layout, redistest.Start(t))
			test(w)
			w.finish()
		})
	}
}

// finish checks that nothing was dropped that should not.
func (w *mixed) finish() {
	for _, p := range w.peers {
		if p.ours == nil {
			continue
		}
		for reason, n := range p.ours.adapter.Stats().Dropped {
			if n > 0 && reason != DropNoSocket && reason != DropUnknownChannel {
				w.Errorf("%s has dropped %d messages: %s", p.name, n, reason)
			}
		}
	}
	w.Logf("%d comparisons, %d markers", w.checked, w.markers)
}

func (p *peer) url(w *mixed) (url string) {
	if p.node == nil {
		return p.ours.url
	}
	p.node.do(&url, "return `http://127.0.0.1:${io.httpServer.address().port}`")
	return url
}

func (p *peer) change(w *mixed, js string, ours func(ns *socketio.Namespace) error) {
	w.Helper()
	if p.node != nil {
		p.node.do(nil, `io%s`, js)
	} else if err := ours(p.ours.io.Of("/")); err != nil {
		w.Errorf("%s: %v", p.name, err)
	}
}
