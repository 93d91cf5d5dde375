package engineio

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Transport is the way by which a session's packets travel.
type Transport string

// The transports of Engine.IO v4 that this package serves.
const (
	Polling   Transport = "polling"
	WebSocket Transport = "websocket"
)

// Config says how a Server behaves. The zero value serves both transports with
// the reference's timings to clients of the same host.
type Config struct {
	// PingInterval is the time from a pong to the next ping. 0 means 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take before the session ends. 0 means 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout bounds an upgrade from its WebSocket handshake to the
	// upgrade packet. 0 means 10 s.
	UpgradeTimeout time.Duration

	// MaxPayload is the largest message and the largest request body, in bytes.
	// 0 means 1,000,000.
	MaxPayload int
	// MaxQueueBytes bounds what waits for one client; a client that exceeds it is
	// closed with ReasonSlow. One batch is always taken by an empty queue, so a
	// message may be larger. 0 means 1 MiB.
	MaxQueueBytes int
	// MaxQueueMessages bounds the number of messages that wait. 0 means 16,384.
	MaxQueueMessages int
	// MaxPacketsPerPost bounds the packets of one polling request. Official clients
	// put all that a program emits in one go into one request. 0 means 16,384.
	MaxPacketsPerPost int

	// MaxSessions bounds the sessions that are open at once. A handshake beyond it is
	// answered with status 503. 0 means no bound.
	MaxSessions int

	// Transports lists what clients may use. Empty means polling and WebSocket.
	Transports []Transport
	// NoUpgrades keeps polling sessions from being offered WebSocket.
	NoUpgrades bool
	// CompressAbove is the size in bytes from which polling answers are gzipped
	// for clients that accept it. 0 means 1,024; negative switches it off.
	CompressAbove int

	// AllowedOrigins lists the origins, such as "https://example.com", whose pages
	// may connect, on both transports. "*" allows any. Empty allows only pages of
	// the host that the request names, and requests without an Origin header are
	// always allowed: they do not come from a page.
	AllowedOrigins []string
	// TrustedProxies lists the peers whose X-Forwarded-For and X-Forwarded-Proto
	// headers are believed. Empty means none.
	TrustedProxies []netip.Prefix

	// NodeTag is the first 4 characters of every session id, from A-Z a-z 0-9 - _.
	// Empty means a random tag.
	NodeTag string

	// Admit may put a new session off: it is asked first, with the address of
	// Handshake.Address, which is not valid if it can't be told. A Busy with a Status is
	// the answer; the zero Busy goes on. It must not block, and counts for itself. nil
	// puts off none.
	Admit func(client netip.Addr) Busy
	// AllowRequest refuses a new session by returning an error, whose text the
	// client sees with code 4 (Forbidden). It is called once for each session,
	// on either transport, and not for later requests. nil allows all.
	AllowRequest func(*http.Request) error
	// Headers may add response headers: initial is true for the first answer of a
	// session. It is called for every polling answer and for each WebSocket
	// handshake. nil adds none.
	Headers func(h http.Header, r *http.Request, initial bool)

	// OnSession is called when a session opens, before anything is received from
	// it, and returns what takes its messages. It must not block. Required.
	OnSession func(*Session) Receiver

	// OnRefused, if set, is told of each request that was refused as a whole, and of the
	// reason, which is a key of Stats.Rejected. It is called from the request's goroutine and
	// must not keep the request. It is what the reference calls connection_error.
	OnRefused func(r *http.Request, reason string)

	// Logger takes what ends sessions and is nobody's normal business. nil means
	// slog.Default().
	Logger *slog.Logger
}

// Busy is the answer to a handshake that may succeed later, or at another node.
type Busy struct {
	// Status is 503 if another node may take the client, which balancers can make of
	// it, or 429 if none should.
	Status int
	// RetryAfter is when to try again. It is sent in whole seconds, at least 1.
	RetryAfter time.Duration
	// Message is for people.
	Message string
}

// Receiver takes what comes in from one session. The session calls Message in
// the order in which the client sent, one call at a time. Closed is called once. It
// waits for no Message call: one may be running, and one that was about to begin may
// still come.
type Receiver interface {
	// Message takes one message. data is valid until Message returns. A call that
	// blocks stops the reading of this session, and of no other.
	Message(data []byte, binary bool)
	// Closed says that the session has ended. It must not block.
	Closed(reason Reason)
}

// Reason says why a session ended. The values up to ForcedClose are the
// reference's strings.
type Reason string

// Why sessions end.
const (
	ReasonTransportClose Reason = "transport close" // the client went, properly
	ReasonTransportError Reason = "transport error" // the connection failed or its use was wrong
	ReasonPingTimeout    Reason = "ping timeout"
	ReasonParseError     Reason = "parse error"
	ReasonForcedClose    Reason = "forced close" // Session.Close was called
	ReasonSlow           Reason = "slow consumer"
	ReasonShutdown       Reason = "server shutting down" // Server.Close was called
)

var errNoSession = errors.New("engineio: Config.OnSession is required")

// withDefaults returns the configuration with zero values replaced, or says
// which value is impossible.
func (c Config) withDefaults() (Config, error) {
	defaultTo(&c.PingInterval, 25*time.Second)
	defaultTo(&c.PingTimeout, 20*time.Second)
	defaultTo(&c.UpgradeTimeout, 10*time.Second)
	defaultTo(&c.MaxPayload, 1_000_000)
	defaultTo(&c.MaxQueueBytes, 1<<20)
	defaultTo(&c.MaxQueueMessages, 16_384)
	defaultTo(&c.MaxPacketsPerPost, 16_384)
	defaultTo(&c.CompressAbove, 1_024)
	if len(c.Transports) == 0 {
		c.Transports = []Transport{Polling, WebSocket}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.NodeTag == "" {
		c.NodeTag = randomID(4)
	}
	for name, d := range map[string]time.Duration{"PingInterval": c.PingInterval, "PingTimeout": c.PingTimeout, "UpgradeTimeout": c.UpgradeTimeout} {
		if d < time.Millisecond {
			return c, fmt.Errorf("engineio: Config.%s is %v: at least 1ms", name, d)
		}
	}
	for name, n := range map[string]int{"MaxPayload": c.MaxPayload, "MaxQueueBytes": c.MaxQueueBytes, "MaxQueueMessages": c.MaxQueueMessages, "MaxPacketsPerPost": c.MaxPacketsPerPost, "MaxSessions": c.MaxSessions} {
		if n < 0 {
			return c, fmt.Errorf("engineio: Config.%s is %d: at least 1", name, n)
		}
	}
	for _, t := range c.Transports {
		if t != Polling && t != WebSocket {
			return c, fmt.Errorf("engineio: Config.Transports names %q: polling or websocket", t)
		}
	}
	for _, o := range c.AllowedOrigins {
		if o != "*" && !strings.Contains(o, "://") {
			return c, fmt.Errorf("engineio: Config.AllowedOrigins names %q: an origin such as https://example.com, or *", o)
		}
	}
	if len(c.NodeTag) != 4 || strings.ContainsFunc(c.NodeTag, func(r rune) bool { return !strings.ContainsRune(idAlphabet, r) }) {
		return c, fmt.Errorf("engineio: Config.NodeTag is %q: 4 characters of A-Z a-z 0-9 - _", c.NodeTag)
	}
	if c.OnSession == nil {
		return c, errNoSession
	}
	c.Transports = slices.Clone(c.Transports)
	c.AllowedOrigins = slices.Clone(c.AllowedOrigins)
	return c, nil
}

func defaultTo[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
