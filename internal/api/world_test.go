package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test for something that must happen.
const patience = 10 * time.Second

// The keys of every world.
const (
	allKey  = "0123456789abcdef-all"
	emitKey = "0123456789abcdef-emit"
	shopKey = "0123456789abcdef-shop"
)

var keys = []Key{
	{Name: "all", Secret: allKey, Scopes: Scopes},
	{Name: "emitter", Secret: emitKey, Scopes: []Scope{ScopeEmit}},
	{Name: "shop", Secret: shopKey, Scopes: Scopes, Namespaces: []string{"/shop"}},
}

// world is two nodes on a bus, of which the first has an API.
type world struct {
	*testing.T
	*API
	url     string // of the API, without Path
	nodes   []*socketio.Server
	public  []string // URLs of the nodes
	away    atomic.Pointer[string]
	drains  atomic.Int32
	log     logged
	adapter *moody // of the first node
}

// moody is an adapter of a bus that can be told to fail.
type moody struct {
	socketio.ClusterAdapter
	err atomic.Pointer[error] // told to whoever waits for a confirmation
}

func (m *moody) Broadcast(ctx context.Context, b *socketio.Broadcast, deliver func()) error {
	if err := m.err.Load(); err != nil {
		deliver()
		if b.Confirm != nil {
			b.Confirm(*err)
		}
		return nil
	}
	return m.ClusterAdapter.Broadcast(ctx, b, deliver)
}

func (m *moody) BroadcastWithAck(ctx context.Context, b *socketio.Broadcast, deliver func(), acked func(socketio.Ack)) error {
	if err := m.err.Load(); err != nil {
		deliver()
		return *err
	}
	return m.ClusterAdapter.BroadcastWithAck(ctx, b, deliver, acked)
}

func (m *moody) FetchSockets(ctx context.Context, t socketio.Target) ([]socketio.SocketInfo, error) {
	if err := m.err.Load(); err != nil {
		return nil, *err
	}
	return m.ClusterAdapter.FetchSockets(ctx, t)
}

func (m *moody) ServerSideEmit(ctx context.Context, e *socketio.ServerEvent, acked func(socketio.Ack)) error {
	if err := m.err.Load(); err != nil {
		return *err
	}
	return m.ClusterAdapter.ServerSideEmit(ctx, e, acked)
}

func (m *moody) Change(ctx context.Context, c *socketio.Change) error {
	if err := m.err.Load(); err != nil {
		return *err
	}
	return m.ClusterAdapter.Change(ctx, c)
}

func (m *moody) fail(err error) { m.err.Store(&err) }

// start builds a world for one test. change, if not nil, changes the API's configuration.
func start(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{T: t}
	bus := socketio.NewBus()
	w.adapter = &moody{ClusterAdapter: bus.Adapter()}
	w.addNode(w.adapter)
	w.addNode(bus.Adapter())
	cfg := Config{
		Keys: keys, Sockets: w.nodes[0], Cluster: w, Drain: func() { w.drains.Add(1) },
		Logger: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	w.API = New(cfg)
	server := httptest.NewServer(w.API)
	w.url = server.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		w.API.Close()
		server.Close()
	})
	return w
}

func (w *world) addNode(a socketio.Adapter) {
	s, err := socketio.NewServer(socketio.Config{
		Engine: engineio.Config{NodeTag: fmt.Sprintf("nod%d", len(w.nodes))}, Adapter: a, CleanupEmptyNamespaces: true, MaxRoomsPerSocket: 8,
	})
	if err != nil {
		w.Fatal(err)
	}
	shop := s.OfPattern(regexp.MustCompile("^/shop"))
	Answer(s.Of("/"))
	Answer(shop)
	join := func(e *socketio.Event) {
		room, _ := e.Arg(0).String()
		_ = e.Socket().Join(context.Background(), room)
		_ = e.Ack()
	}
	s.Of("/").On("join", join)
	shop.On("join", join)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	server := httptest.NewServer(s)
	w.nodes, w.public = append(w.nodes, s), append(w.public, server.URL)
	w.Cleanup(func() {
		over, stop := context.WithCancel(context.Background())
		stop()
		_ = s.Close(over)
		cancel()
		<-ended
		server.Close()
	})
}

// Away implements Cluster.
func (w *world) Away() string {
	if why := w.away.Load(); why != nil {
		return *why
	}
	return ""
}

// Nodes implements Cluster.
func (w *world) Nodes() []Node {
	return []Node{{Tag: "nod0", Version: "v1", Self: true}, {Tag: "nod1", Address: "127.0.0.1:9", Version: "v1", Draining: true}}
}

// client is a client of one node.
type client struct {
	*wire.Client
	w      *world
	id     string
	heard  chan string // events, as name(args)
	ended  chan error
	answer string // acks events with it, unless it is empty
}

// Connected implements wire.Handler, and so do the following.
func (c *client) Connected(_ *wire.Client, o wire.Opened) { c.id = o.SID }

func (c *client) Event(conn *wire.Client, e *wire.Event) {
	c.heard <- fmt.Sprintf("%s(%s)", e.Name, e.Args)
	if e.WantsAck && c.answer != "" {
		_ = conn.Ack(e.AckID, []byte(c.answer))
	}
}

func (c *client) Disconnected(_ *wire.Client, err error) { c.ended <- err }
func (c *client) Failed(*wire.Client, error)             {}

// connect returns a client of a node that is in rooms, and acks what it is asked with answer.
func (w *world) connect(node int, namespace, answer string, rooms ...string) *client {
	w.Helper()
	c := &client{w: w, heard: make(chan string, 1000), ended: make(chan error, 1), answer: answer}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if c.Client, err = wire.Dial(ctx, wire.Config{URL: w.public[node], Namespace: namespace, Handler: c}); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = c.Close() })
	for _, room := range rooms {
		c.join(room)
	}
	return c
}

func (c *client) join(room string) {
	c.w.Helper()
	joined := make(chan error, 1)
	if err := c.EmitAck(fmt.Appendf(nil, `["join",%q]`, room), func(_ []byte, err error) { joined <- err }); err != nil {
		c.w.Fatal(err)
	}
	if err := <-joined; err != nil {
		c.w.Fatal(err)
	}
}

// hears waits for events, in their order.
func (c *client) hears(want ...string) {
	c.w.Helper()
	for _, event := range want {
		select {
		case got := <-c.heard:
			if got != event {
				c.w.Fatalf("heard %q, want %q", got, event)
			}
		case <-time.After(patience):
			c.w.Fatalf("did not hear %q", event)
		}
	}
}

// nothingElse checks that nothing came before an event that is sent now.
func (w *world) nothingElse(clients ...*client) {
	w.Helper()
	for _, c := range clients {
		if err := w.nodes[0].To(c.id).Emit("end"); err != nil {
			w.Fatal(err)
		}
		c.hears("end()")
	}
}

// reply is an answer of the API.
type reply struct {
	w      *world
	status int
	header http.Header
	body   []byte
}

// post sends a body to a route, with the key that may do all.
func (w *world) post(route, body string, headers ...string) reply {
	w.Helper()
	return w.send(http.MethodPost, route, body, append([]string{"Authorization", "Bearer " + allKey, "Content-Type", "application/json"}, headers...)...)
}

func (w *world) get(route string, headers ...string) reply {
	w.Helper()
	return w.send(http.MethodGet, route, "", append([]string{"Authorization", "Bearer " + allKey}, headers...)...)
}

// send sends anything, and holds what comes back to the document. headers are pairs.
func (w *world) send(method, route, body string, headers ...string) reply {
	w.Helper()
	r, err := w.try(method, route, body, headers...)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) try(method, route, body string, headers ...string) (reply, error) {
	r, err := http.NewRequest(method, w.url+Path+route, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	out := reply{w, resp.StatusCode, resp.Header, text}
	if err := theDocument().check(r, body, out); err != nil {
		return reply{}, fmt.Errorf("%s %s %.200s: %d %.200s: %w", method, route, body, out.status, text, err)
	}
	return out, nil
}

// is checks the status and the whole body.
func (r reply) is(status int, body string) {
	r.w.Helper()
	if got := strings.TrimSpace(string(r.body)); r.status != status || got != body {
		r.w.Fatalf("%d %s, want %d %s", r.status, got, status, body)
	}
}

// problem checks that it is one, with a status, a kind, and the field that is wrong.
func (r reply) problem(status int, kind, field string) *problem {
	r.w.Helper()
	var p problem
	if err := json.Unmarshal(r.body, &p); err != nil {
		r.w.Fatalf("%d %.200s: %v", r.status, r.body, err)
	}
	if r.status != status || p.Status != status || p.Type != "urn:causeway:problem:"+kind || p.Field != field || p.Title == "" || p.Detail == "" {
		r.w.Errorf("%d %s, want %d %s, about %q", r.status, r.body, status, kind, field)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		r.w.Errorf("its type is %q", got)
	}
	return &p
}

// counted returns a metric's value; labels are as Prometheus writes them.
func (w *world) counted(series string) string {
	w.Helper()
	for line := range strings.Lines(w.scrape()) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "0"
}

func (w *world) scrape() string {
	w.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(w.API)
	page := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return page.Body.String()
}

// eventually waits until check returns nil.
func (w *world) eventually(check func() error) {
	w.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// logged is what was logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

var errBroken = errors.New("the wire is broken")
