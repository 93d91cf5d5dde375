package peer

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Path is where a Receiver is served on the internal listener, and begins the path
	// of every forwarded request.
	Path = "/peer/"
	// MaxHeaderBytes is what a Receiver's listener must take: what the public one
	// takes, and what is added.
	MaxHeaderBytes = 32 << 10

	// dialTimeout is short, as a client waits and shall hear within a second that its
	// session's node is dead. It is for two attempts.
	dialTimeout = 700 * time.Millisecond
	// idlePeerTimeout is shorter than the time after which the internal listener
	// closes an idle connection: no request must meet a closed one.
	idlePeerTimeout = 60 * time.Second
	// maxIdle bounds the connections that are kept for later. There are as many in use
	// as there are requests.
	maxIdlePerPeer = 1024
	maxIdle        = 8192
)

// Forwarding says how a Forwarder works. Registry and Local are required.
type Forwarding struct {
	Registry *Registry
	// Local serves this node's sessions, and refuses what belongs to no node: with
	// the answer for an unknown session.
	Local http.Handler
	// Key is the secret that the nodes of a cluster share.
	Key string
	// Patience is how long a client may take nothing of what it is sent. 0 means 45 s.
	Patience time.Duration
	// Logger is told of nodes that can't be reached or refuse. nil means that nothing
	// is logged.
	Logger *slog.Logger
	// ObserveAdded, if set, is told what forwarding cost a request of a kind ("get",
	// "post", "upgrade"): the time from its arrival here until the owner's answer
	// began to arrive here, less the time that the owner itself took until then. It
	// must not block.
	ObserveAdded func(kind string, d time.Duration)
}

// Forwarder is the handler of the public listener: it serves this node's sessions
// itself and sends requests for others to the nodes that own them. Its methods may be
// called from any goroutine.
type Forwarder struct {
	// Immutable.
	cfg       Forwarding
	tag       string
	log       *slog.Logger
	dialer    net.Dialer
	transport *http.Transport
	relays    *relays

	draining atomic.Bool
	stats    forwardCounters
	idle     chan struct{} // signalled when the last request under way has ended

	mu       sync.Mutex
	underWay map[*http.Request]*known // guarded by mu: forwarded polls and posts, and to whom
}

// NewForwarder returns a Forwarder, which the caller ends with Close.
func NewForwarder(cfg Forwarding) (*Forwarder, error) {
	if cfg.Patience == 0 {
		cfg.Patience = 45 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.ObserveAdded == nil {
		cfg.ObserveAdded = func(string, time.Duration) {}
	}
	f := &Forwarder{cfg: cfg, tag: cfg.Registry.Tag(), log: cfg.Logger, idle: make(chan struct{}, 1), underWay: map[*http.Request]*known{}}
	f.dialer.Timeout = dialTimeout / 2
	f.transport = &http.Transport{
		DialContext:            f.dial,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerPeer,
		IdleConnTimeout:        idlePeerTimeout,
		MaxResponseHeaderBytes: MaxHeaderBytes,
		DisableCompression:     true,    // what the owner sends is passed on as it is
		ReadBufferSize:         2 << 10, // a held poll keeps both
		WriteBufferSize:        2 << 10,
	}
	var err error
	f.relays, err = newRelays(cfg.Patience, f.log)
	return f, err
}

// ServeHTTP implements http.Handler.
func (f *Forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tag := ownerTag(r)
	if tag == "" || tag == f.tag {
		f.cfg.Local.ServeHTTP(w, r)
		return
	}
	n, why := f.cfg.Registry.find(r.Context(), tag)
	if why != failNone {
		f.refuse(w, r, why)
		return
	}
	if wantsWebSocket(r) {
		f.serveUpgrade(w, r, n)
		return
	}
	f.servePoll(w, r, n)
}

// ownerTag is the tag of the node that owns the session which a request names. It is
// empty when any node can answer: when there is no session, for a CORS preflight, and
// for what has been forwarded before.
func ownerTag(r *http.Request) string {
	if !strings.Contains(r.URL.RawQuery, "sid") && !strings.Contains(r.URL.RawQuery, "%") || r.Method == http.MethodOptions || r.Header.Get(headerFrom) != "" {
		return ""
	}
	sid := r.URL.Query()["sid"]
	if len(sid) == 0 {
		return ""
	}
	last := sid[len(sid)-1] // as the owner reads it
	if len(last) <= tagBytes || !validTag(last[:tagBytes]) {
		return ""
	}
	return last[:tagBytes]
}

func wantsWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// refuse answers as a node does for a session that it does not know: the client starts
// afresh.
func (f *Forwarder) refuse(w http.ResponseWriter, r *http.Request, why failure) {
	f.stats.failed[why].Add(1)
	f.cfg.Local.ServeHTTP(w, r)
}

// outgoing is the request to a session's owner, without its body. Its method is POST,
// as the transport repeats a GET when a connection breaks; the owner may have answered
// the first, and what it said would be lost.
func (f *Forwarder) outgoing(ctx context.Context, r *http.Request, n *known) *http.Request {
	h := endToEnd(r.Header)
	delete(h, "Expect") // this node's own server has answered it
	if h["User-Agent"] == nil {
		h["User-Agent"] = []string{""} // or the transport would add its own
	}
	h[headerToken] = []string{token(f.cfg.Key, n.tag)}
	h[headerFrom] = []string{f.tag}
	h[headerMethod] = []string{r.Method}
	h[headerClient] = []string{r.RemoteAddr}
	if r.TLS != nil {
		h[headerSecure] = []string{"1"}
	}
	u := &url.URL{Scheme: "http", Host: n.Address, Path: Path[:len(Path)-1] + r.URL.Path, RawQuery: r.URL.RawQuery}
	if r.URL.RawPath != "" {
		u.RawPath = Path[:len(Path)-1] + r.URL.RawPath
	}
	out := &http.Request{Method: http.MethodPost, URL: u, Host: r.Host, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	return out.WithContext(ctx)
}

// failed says what an error of a request to n means, and marks a node down at whose
// address nobody listens.
func (f *Forwarder) failed(r *http.Request, n *known, err error) failure {
	var op *net.OpError
	switch {
	case r.Context().Err() != nil:
		return failClient
	case n.gone.Err() != nil:
		return failGone
	case errors.As(err, &op) && op.Op == "dial":
		f.cfg.Registry.markDown(n)
		f.log.Warn("node can't be reached", "node", n.tag, "address", n.Address, "error", err)
		return failDial
	}
	f.log.Warn("node broke off", "node", n.tag, "address", n.Address, "error", err)
	return failBroken
}

// enter and leave keep the requests under way.
func (f *Forwarder) enter(r *http.Request, n *known) {
	f.mu.Lock()
	f.underWay[r] = n
	f.mu.Unlock()
}

func (f *Forwarder) leave(r *http.Request) {
	f.mu.Lock()
	delete(f.underWay, r)
	last := len(f.underWay) == 0
	if last {
		f.underWay = map[*http.Request]*known{} // a map does not shrink
	}
	f.mu.Unlock()
	if last {
		select {
		case f.idle <- struct{}{}:
		default:
		}
	}
}

func (f *Forwarder) pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.underWay)
}

// Close ends every tunnel and waits for the goroutines that carry them. Requests under
// way are the listener's to end, before.
func (f *Forwarder) Close() {
	f.relays.close()
	f.transport.CloseIdleConnections()
}
