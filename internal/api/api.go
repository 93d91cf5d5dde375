package api

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Path is the prefix of all paths of the API.
const Path = "/api/v1/"

// Config says what an API works with. Sockets, Cluster and Drain are required.
type Config struct {
	// Keys are those that open the API. Without any, every request is refused.
	Keys []Key
	// Sockets are this node's.
	Sockets *socketio.Server
	Cluster Cluster
	// Drain begins to stop the node. It returns at once, and may be called again.
	Drain func()
	// Recorded says which namespaces have a history: what is emitted there is in it, or
	// reaches nobody. nil means none.
	Recorded func(namespace string) bool
	// MaxBodyBytes bounds the body of a request. 0 means 1 MiB.
	MaxBodyBytes int
	// BodyTimeout is how long a body may take to come. 0 means 10 s.
	BodyTimeout time.Duration
	// WriteTimeout is how long a backend may take to read its answer. 0 means 10 s.
	WriteTimeout time.Duration
	// MaxNameBytes bounds the names of rooms, events and namespaces. 0 means 256.
	MaxNameBytes int
	// Logger takes refused keys, panics, and at debug level every request. nil means that
	// nothing is logged.
	Logger *slog.Logger
}

// Cluster is what the API wants to know of the other nodes.
type Cluster interface {
	// Away says why the other nodes can't be told anything now. It is empty when they
	// can, as far as is known, and when there are none.
	Away() string
	// Nodes lists the nodes that this one knows, itself first.
	Nodes() []Node
}

// Node is one node of the cluster.
type Node struct {
	// Tag is what the ids of its sockets begin with.
	Tag string `json:"tag"`
	// Address is where other nodes reach its internal listener. It is empty for a node
	// that is alone.
	Address string `json:"address,omitempty"`
	Version string `json:"version"`
	// Draining says that it takes no new clients.
	Draining bool      `json:"draining"`
	Started  time.Time `json:"started"`
	// Self is true for the node that answers.
	Self bool `json:"self"`
}

// API is an http.Handler for everything below Path. Close ends it.
type API struct {
	// Immutable.
	cfg     Config
	keys    []*key
	routes  map[string]*route // by path
	metrics *metrics
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	mu sync.Mutex
	// Guarded by mu.
	closed  bool
	running sync.WaitGroup // added to under mu, while not closed
}

// New returns an API that serves.
func New(cfg Config) *API {
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = 1 << 20
	}
	if cfg.BodyTimeout == 0 {
		cfg.BodyTimeout = 10 * time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 10 * time.Second
	}
	if cfg.MaxNameBytes == 0 {
		cfg.MaxNameBytes = 256
	}
	if cfg.Recorded == nil {
		cfg.Recorded = func(string) bool { return false }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{cfg: cfg, keys: newKeys(cfg.Keys), routes: newRoutes()}
	a.metrics = newMetrics(a)
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// Close refuses further requests, ends the waits of those under way, and returns when these
// have ended.
func (a *API) Close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.running.Wait()
}

// begin reports whether a request may begin.
func (a *API) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.running.Add(1)
	}
	return !a.closed
}

// call is a request under way.
type call struct {
	*API
	r     *http.Request
	w     http.ResponseWriter
	ctx   context.Context // ends with Close, and with the connection unless there is an Idempotency-Key
	key   *key            // nil until it is known
	body  []byte
	whole bool // the body was read to its end

	route *route
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.begin() {
		w.Header().Set("Connection", "close")
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	defer a.running.Done()
	began := time.Now()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.ctx, cancel)()
	c := &call{API: a, r: r, w: w, ctx: ctx, route: unrouted}
	out := c.answer()
	took := time.Since(began) // without the way back, which is the backend's affair
	a.metrics.observe(c, out.status, took)
	a.cfg.Logger.Debug("api request", "route", c.route.name, "status", out.status, "key", c.keyName(), "took", took)
	out.write(c)
}

func (c *call) answer() answer {
	if p := c.find(); p != nil {
		return p.answer()
	}
	if c.route.scope == "" {
		return c.do()
	}
	if p := c.authorize(); p != nil {
		return p.answer()
	}
	if !c.key.enter() {
		return newProblem(tooManyRequests, "this key has %d requests under way", maxUnderWay).retry(1).answer()
	}
	defer c.key.leave()
	if p := c.read(); p != nil {
		return p.answer()
	}
	return c.once()
}

// do does what is asked. A panic is a bug, and costs nobody else anything.
func (c *call) do() (out answer) {
	defer func() {
		if v := recover(); v != nil {
			c.cfg.Logger.Error("api panicked", "route", c.route.name, "panic", v, "stack", string(debug.Stack()))
			p := newProblem(internal, "a bug of the gateway, which is in its log")
			p.done = true // as far as is known
			out = p.answer()
		}
	}()
	value, p := c.route.do(c)
	if p != nil {
		return p.answer()
	}
	return jsonAnswer(c.route.status, value)
}
