package engineio

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves Engine.IO to the requests that its ServeHTTP is given, whatever their
// path: mounting it is the caller's. Its methods may be called from any goroutine.
type Server struct {
	// Immutable.
	cfg        Config
	transports map[Transport]bool
	openTail   map[Transport]string // what follows the sid in an open packet
	clock      *clock
	parking    *parking // nil where there is none
	flushers   []*flusher
	stop       chan struct{}
	stopOnce   sync.Once
	emptied    chan struct{} // signalled when the last session has gone

	stats      counters
	departures departures
	goroutines sync.WaitGroup
	draining   atomic.Bool
	next       atomic.Uint32 // deals sessions to the flushers

	mu sync.RWMutex
	// Guarded by mu.
	sessions map[string]*Session // those that still say goodbye included
	places   int                 // taken: sessions, and handshakes that may become some
	ended    bool                // nothing begins any more
}

// NewServer returns a running server, or what is wrong with the configuration. The
// caller ends it with Close.
func NewServer(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, transports: map[Transport]bool{}, openTail: map[Transport]string{}, stop: make(chan struct{}),
		emptied: make(chan struct{}, 1), sessions: map[string]*Session{},
	}
	s.stats.init()
	for _, t := range cfg.Transports {
		s.transports[t] = true
	}
	upgrades := ""
	if s.transports[WebSocket] && !cfg.NoUpgrades {
		upgrades = `"websocket"`
	}
	tail := fmt.Sprintf(`],"pingInterval":%d,"pingTimeout":%d,"maxPayload":%d}`, cfg.PingInterval.Milliseconds(), cfg.PingTimeout.Milliseconds(), cfg.MaxPayload)
	s.openTail[Polling] = `","upgrades":[` + upgrades + tail
	s.openTail[WebSocket] = `","upgrades":[` + tail
	s.parking = newParking(s)
	s.clock = newClock(&s.cfg, s.expire)
	s.goroutines.Go(func() { s.clock.run(s.stop) })
	for range runtime.GOMAXPROCS(0) {
		f := newFlusher(s)
		s.flushers = append(s.flushers, f)
		s.goroutines.Go(func() { f.run(s.stop) })
	}
	return s, nil
}

// NodeTag is the first 4 characters of the ids of this server's sessions.
func (s *Server) NodeTag() string { return s.cfg.NodeTag }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.addCORS(w, r)
	if r.Method == http.MethodOptions && len(s.cfg.AllowedOrigins) > 0 {
		s.servePreflight(w, r)
		return
	}
	req := parseRequest(r)
	sess, why, ok := s.verify(r, &req)
	switch {
	case !ok && why == rejectSession:
		s.serveUnknown(w, r, &req)
	case !ok:
		s.reject(w, r, why)
	case sess == nil:
		s.serveHandshake(w, r, &req)
	case req.upgrade:
		sess.serveUpgrade(w, r)
	default:
		sess.servePolling(w, r)
	}
}

func (s *Server) serveHandshake(w http.ResponseWriter, r *http.Request, req *request) {
	if !s.admit(w, r) {
		return
	}
	var begun bool
	if req.transport == WebSocket {
		begun = s.serveWebSocket(w, r)
	} else {
		begun = s.serveFirstPoll(w, r)
	}
	if !begun {
		s.leavePlace()
	}
}

// serveFirstPoll opens a session on polling, and reports whether it has begun.
func (s *Server) serveFirstPoll(w http.ResponseWriter, r *http.Request) bool {
	sess := s.open(newHandshake(r, s.cfg.TrustedProxies), nil)
	if sess == nil {
		s.rejectDraining(w, r)
		return false
	}
	sess.mu.Lock()
	batch := sess.takeQueue(nil)
	if len(batch) > 1 { // what the receiver has sent already waits for the first GET
		sess.queue = append(sess.queue, batch[1:]...)
		for _, m := range batch[1:] {
			sess.queueBytes += m.size()
		}
		batch = batch[:1]
	}
	sess.mu.Unlock()
	if err := s.replyPoll(w, r, batch, true); err != nil {
		sess.fail(ReasonTransportError)
	}
	return true
}

// open begins a session on c, or on polling if c is nil. The open packet is the first
// in its queue. It returns nil once Close has ended the server.
func (s *Server) open(hs Handshake, c *conn) *Session {
	sess := &Session{server: s, id: NewID(s.cfg.NodeTag, 20), handshake: hs, conn: c, websocket: c != nil}
	sess.worker = s.flushers[int(s.next.Add(1))%len(s.flushers)]
	t := sess.transport()
	if c == nil {
		sess.poll = newPoll()
	} else {
		c.session.Store(sess)
	}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return nil
	}
	s.sessions[sess.id] = sess
	s.mu.Unlock()
	s.stats.opened[transportIndex(t)].Add(1)

	_ = sess.Send(newPacket(packetOpen, `{"sid":"`+sess.id+s.openTail[t])) // a new session takes it
	receiver := s.cfg.OnSession(sess)
	sess.mu.Lock()
	sess.receiver = receiver
	sess.mu.Unlock()
	sess.tell() // it may have ended before there was a receiver
	sess.wait(waitPing, 0)
	if s.draining.Load() { // began while this handshake was under way
		sess.Close(ReasonShutdown)
	}
	return sess
}

// expire is told by the clock whose wait is over, and since when.
func (s *Server) expire(sess *Session, w wait, late time.Duration) {
	switch w {
	case waitPing:
		sess.ping(late)
	case waitPong:
		sess.fail(ReasonPingTimeout)
	default: // the peer has had its time to say goodbye
		sess.fail(ReasonTransportClose)
	}
}

func (s *Server) session(id string) *Session {
	s.mu.RLock()
	sess := s.sessions[id]
	s.mu.RUnlock()
	if sess == nil {
		return nil
	}
	sess.mu.Lock()
	defer sess.mu.Unlock()
	if sess.state == stateClosed || sess.state == stateClosing && sess.websocket {
		return nil
	}
	return sess
}

func (s *Server) all() []*Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Session, 0, len(s.sessions))
	for _, sess := range s.sessions {
		out = append(out, sess)
	}
	return out
}

// start runs a connection in a goroutine, or closes it if Close has ended the server:
// what Close waits for must not grow behind its back.
func (s *Server) start(c *conn, run func()) {
	s.mu.RLock()
	late := s.ended
	if !late {
		s.goroutines.Go(run)
	}
	s.mu.RUnlock()
	if late {
		c.close()
		c.cleanUp()
	}
}

// forget removes a session that has nothing more to say.
func (s *Server) forget(sess *Session) {
	s.mu.Lock()
	delete(s.sessions, sess.id)
	s.places--
	empty := len(s.sessions) == 0
	if empty {
		s.sessions = map[string]*Session{} // a map does not shrink
	}
	s.mu.Unlock()
	if empty {
		s.signalEmptied()
	}
}

func (s *Server) signalEmptied() {
	select {
	case s.emptied <- struct{}{}:
	default:
	}
}

// addHeaders lets the configuration add headers to an answer.
func (s *Server) addHeaders(w http.ResponseWriter, r *http.Request, initial bool) {
	if ua := r.UserAgent(); strings.Contains(ua, ";MSIE") || strings.Contains(ua, "Trident/") {
		w.Header().Set("X-XSS-Protection", "0")
	}
	if s.cfg.Headers != nil {
		s.cfg.Headers(w.Header(), r, initial)
	}
}
