package socketio

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/internal/rate"
	"github.com/causeway-rt/causeway/pkg/engineio"
)

// Server serves Socket.IO to any number of clients. It is an http.Handler to be
// mounted under the path that clients use, by default /socket.io/. All methods
// may be called from any goroutine.
type Server struct {
	// Immutable.
	cfg     Config
	limits  limits
	events  rate.Limit // of each connection
	epoch   time.Time  // when the time of its buckets begins
	engine  *engineio.Server
	cluster ClusterAdapter // Config.Adapter, if it answers questions as well
	// privateRooms: Config.Adapter is told of the rooms of single sockets.
	privateRooms bool
	tag          string
	main         *Namespace
	history      History         // nil without Config.Recovery
	keeping      sync.Once       // begins keepSessions
	keepNow      chan struct{}   // holds a token when it must look again
	resave       atomic.Bool     // it must look at all sessions
	ctx          context.Context // ends when Close has ended
	cancel       context.CancelFunc
	opening      context.Context // of ctx, ends when Close begins
	refuse       context.CancelFunc
	added        chan struct{} // holds a token when Run has a namespace to open

	counters counters

	mu sync.RWMutex
	// Guarded by mu.
	namespaces map[string]*Namespace
	dynamic    []*DynamicNamespace
	live       int // connections and background goroutines
	closed     bool
	idle       chan struct{} // closed when closed, and nothing is live
}

// NewServer returns a server that serves the namespace "/". It says which value
// of cfg is impossible.
func NewServer(cfg Config) (*Server, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	s.cfg.Engine.OnSession = func(es *engineio.Session) engineio.Receiver { return s.accept(es) }
	if s.engine, err = engineio.NewServer(s.cfg.Engine); err != nil {
		s.cancel()
		return nil, err
	}
	s.tag = s.engine.NodeTag()
	return s, nil
}

// newServer is a server without sessions.
func newServer(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:        cfg,
		limits:     limits{attachments: cfg.MaxAttachments, nameBytes: cfg.MaxNameBytes, args: cfg.MaxArgs, depth: cfg.MaxDepth},
		events:     rate.Limit{PerSecond: cfg.MaxEventsPerSecond, Burst: cfg.EventBurst},
		epoch:      time.Now(),
		tag:        cfg.Engine.NodeTag,
		added:      make(chan struct{}, 1),
		keepNow:    make(chan struct{}, 1),
		namespaces: make(map[string]*Namespace),
		idle:       make(chan struct{}),
	}
	s.counters.init()
	s.limits.intern = s.knownName
	if cfg.Recovery != nil {
		s.history = historyOf(s)
	}
	s.cluster, _ = cfg.Adapter.(ClusterAdapter)
	if told, ok := cfg.Adapter.(PrivateRoomsAdapter); ok {
		s.privateRooms = told.PrivateRooms()
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.opening, s.refuse = context.WithCancel(s.ctx)
	s.main = s.Of("/")
	return s, nil
}

// ServeHTTP answers polling requests and WebSocket handshakes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Tag returns the first four characters of the ids of this node's sockets.
func (s *Server) Tag() string { return s.tag }

// Of returns the namespace of that name, and opens it on first use. The leading
// slash may be left out.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n == nil {
		n = newNamespace(s, name, s.dynamicFor(name))
		s.namespaces[name] = n
	}
	n.permanent = true
	select {
	case s.added <- struct{}{}:
	default:
	}
	return n
}

// OfPattern opens a namespace for each name that a client asks for and re
// matches, unless it is open already. Patterns and functions are tried in the
// order of their registration. Anchor the pattern: it need not match the whole.
func (s *Server) OfPattern(re *regexp.Regexp) *DynamicNamespace {
	return s.addDynamic(&DynamicNamespace{server: s, label: re.String(), pattern: re})
}

// OfFunc opens a namespace for each name for which match returns true. auth is
// the auth object of the client that asks, or nil. match runs in a goroutine of
// that client, and may block.
func (s *Server) OfFunc(match func(name string, auth json.RawMessage) bool) *DynamicNamespace {
	return s.addDynamic(&DynamicNamespace{server: s, match: match})
}

// accept begins the life of a connection. It is called for each new session.
func (s *Server) accept(es session) *conn {
	c := &conn{server: s, session: es}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // the engine is about to close the session
		c.closing, c.finished = true, true
		return c
	}
	s.live++
	c.armConnectTimer(s.cfg.ConnectTimeout)
	return c
}

// release is the end of a connection: its session is closed, its handlers have
// returned and its goroutines have ended.
func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
	s.checkIdle()
}

// checkIdle needs mu.
func (s *Server) checkIdle() {
	if s.closed && s.live == 0 {
		close(s.idle)
	}
}
