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

// goServer is a server of ours, with the same handlers as server.cjs.
type goServer struct {
	io      *socketio.Server
	adapter *Adapter
	url     string

	mu    sync.Mutex
	heard []string // guarded by mu: what other servers have emitted
}

func startGo(t *testing.T, cfg Config, name string) *goServer {
	t.Helper()
	a, err := New(cfg)
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
	ids     map[string]string // of sockets, by the client's name
	markers int
	checked int // comparisons
	url     string
	prefix  string
}

// startMixed starts a cluster with a server for each letter of layout: n for Node.js, s
// for Node.js that answers on the specific channel, g for ours.
func startMixed(t *testing.T, layout string) *mixed {
	t.Helper()
	w := &mixed{T: t, ids: map[string]string{}, url: redistest.Start(t), prefix: redistest.Prefix(t)}
	urls := make([]string, len(layout))
	for i, kind := range layout {
		p := &peer{name: fmt.Sprintf("%c%d", kind, i)}
		switch kind {
		case 'g':
			p.ours = startGo(t, Config{URL: w.url, Prefix: w.prefix, SharedResponses: i%2 == 1}, p.name)
			urls[i] = p.ours.url
		case 's':
			p.node, urls[i] = runProgram(t, "server.cjs", w.url, w.prefix, p.name, "specific")
		default:
			p.node, urls[i] = runProgram(t, "server.cjs", w.url, w.prefix, p.name)
		}
		w.peers = append(w.peers, p)
	}
	for _, namespace := range []string{"/", "/chat"} {
		channel := newChannels(w.prefix).requests(namespace)
		eventually(t, "all serve "+namespace, func() bool { return subscribers(t, direct(t), channel) == int64(len(layout)) })
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
}

// names replaces ID(x) by the id of the socket of client x.
func (w *mixed) withIDs(s string) string {
	for name, id := range w.ids {
		s = strings.ReplaceAll(s, "ID("+name+")", id)
	}
	return s
}

// mark ends a turn: each client's events up to a marker that from sends to everybody.
func (w *mixed) mark(from func(namespace, marker string)) map[string][]any {
	w.Helper()
	w.markers++
	marker := fmt.Sprint("m", w.markers)
	from("/", marker)
	from("/chat", marker)
	var got map[string][]any
	w.clients.do(&got, `return all(%q)`, marker)
	return got
}

func (p *peer) marker(t *testing.T) func(namespace, marker string) {
	return func(namespace, marker string) {
		if p.node != nil {
			p.node.do(nil, `io.of(%q).emit("marker", %q)`, namespace, marker)
		} else if err := p.ours.io.Of(namespace).Emit("marker", marker); err != nil {
			t.Error(err)
		}
	}
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

// layouts are the clusters that the tests below run on.
var layouts = map[string]string{"one Node.js, two Causeway": "ngg", "two Node.js, one Causeway": "nsg"}

func onEachLayout(t *testing.T, test func(w *mixed)) {
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			w := startMixed(t, layout)
			test(w)
			for _, p := range w.peers {
				if p.ours == nil {
					continue
				}
				for reason, n := range p.ours.adapter.Stats().Dropped {
					if n > 0 && reason != DropNoSocket && reason != DropUnknownChannel {
						t.Errorf("%s has dropped %d messages: %s", p.name, n, reason)
					}
				}
			}
			t.Logf("%d comparisons, %d markers", w.checked, w.markers)
		})
	}
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
