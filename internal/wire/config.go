package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Transport is how packets travel.
type Transport string

// The transports of Engine.IO that a client can choose.
const (
	WebSocket Transport = "websocket"
	Polling   Transport = "polling"
	// Upgrade begins with polling and goes over to WebSocket, as browsers do.
	Upgrade Transport = "upgrade"
)

const (
	defaultTimeout    = 20 * time.Second // as the official client
	defaultMaxMessage = 16 << 20
	defaultAckTimeout = 10 * time.Second
)

// Config says whom a client connects to and how. URL and Handler are required.
type Config struct {
	// URL is the server: http, https, ws or wss, a host, a port, and perhaps a query,
	// which is sent with each request.
	URL string
	// Path is where the server answers. Empty means /socket.io/.
	Path string
	// Namespace is what the client connects to. Empty means /.
	Namespace string
	// Transport is WebSocket if empty.
	Transport Transport
	// Header is sent with each HTTP request. It is not changed after Dial.
	Header http.Header
	// Auth returns the JSON object of the CONNECT packet. It is asked at each
	// connection. nil: none.
	Auth func() ([]byte, error)
	// LocalAddr is the source address. The zero value leaves the choice to the kernel.
	LocalAddr netip.Addr
	// TLS is used by https and wss. nil: the system's roots.
	TLS *tls.Config
	// Timeout bounds a connection attempt, up to the server's answer to CONNECT, and
	// each write or request afterwards. 0 means 20 s.
	Timeout time.Duration
	// MaxMessage is the largest message, in bytes, that is taken from the server, and
	// the largest answer to a poll. 0 means 16 MiB.
	MaxMessage int
	// AckTimeout bounds the wait for the answer to EmitAck. 0 means 10 s.
	AckTimeout time.Duration
	// Reconnect makes the client come back. nil: it stays away.
	Reconnect *Backoff
	// ReceiveBuffer is the size of the kernel's receive buffer (SO_RCVBUF), for clients
	// that are to read slowly. 0: the kernel's choice.
	ReceiveBuffer int
	// Handler takes what happens.
	Handler Handler
}

// target is a Config made ready for use: what requests are built from.
type target struct {
	host   string // for the Host header
	addr   string // host:port to dial
	path   string // with the query, ending in what parameters are appended to
	prefix string // the namespace as packets carry it: "" or "/name,"
	secure bool
}

// ErrConfig is wrapped by the errors of a Config that can't be used.
var ErrConfig = errors.New("wire: config")

func (cfg *Config) complete() (target, error) {
	if cfg.Handler == nil {
		return target{}, fmt.Errorf("%w: no Handler", ErrConfig)
	}
	if cfg.Transport == "" {
		cfg.Transport = WebSocket
	}
	switch cfg.Transport {
	case WebSocket, Polling, Upgrade:
	default:
		return target{}, fmt.Errorf("%w: transport %q is none of websocket, polling, upgrade", ErrConfig, cfg.Transport)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = defaultMaxMessage
	}
	if cfg.AckTimeout <= 0 {
		cfg.AckTimeout = defaultAckTimeout
	}
	for name, values := range cfg.Header {
		for _, v := range values {
			if strings.ContainsFunc(name, notToken) || name == "" || strings.ContainsFunc(v, unicode.IsControl) {
				return target{}, fmt.Errorf("%w: header %q", ErrConfig, name)
			}
		}
	}
	return cfg.target()
}

func (cfg *Config) target() (target, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return target{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	t := target{host: u.Host, addr: u.Host}
	switch u.Scheme {
	case "http", "ws":
	case "https", "wss":
		t.secure = true
	default:
		return target{}, fmt.Errorf("%w: URL %q: the scheme is none of http, https, ws, wss", ErrConfig, cfg.URL)
	}
	switch {
	case u.Hostname() == "":
		return target{}, fmt.Errorf("%w: URL %q has no host", ErrConfig, cfg.URL)
	case u.Path != "" && u.Path != "/":
		return target{}, fmt.Errorf("%w: URL %q has a path: say it in Path or in Namespace", ErrConfig, cfg.URL)
	case u.Port() == "" && t.secure:
		t.addr = strings.TrimSuffix(u.Host, ":") + ":443"
	case u.Port() == "":
		t.addr = strings.TrimSuffix(u.Host, ":") + ":80"
	}
	path := "/" + strings.Trim(cfg.Path, "/") + "/"
	if cfg.Path == "" {
		path = "/socket.io/"
	}
	t.path = (&url.URL{Path: path}).EscapedPath() + "?"
	if u.RawQuery != "" {
		t.path += strings.Map(visible, u.RawQuery) + "&"
	}
	if cfg.Namespace != "" && cfg.Namespace != "/" {
		t.prefix = "/" + strings.TrimPrefix(cfg.Namespace, "/") + ","
	}
	if strings.Count(t.prefix, ",") > 1 {
		return target{}, fmt.Errorf("%w: namespace %q has a comma", ErrConfig, cfg.Namespace)
	}
	return t, nil
}

// visible drops what would break a request line.
func visible(r rune) rune {
	if r <= ' ' || r == 0x7f {
		return -1
	}
	return r
}

// notToken finds what no header's name may have. It refuses a few odd names that RFC 9110
// would allow.
func notToken(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}
