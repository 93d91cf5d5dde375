package peer

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// patience bounds every wait of a test for something that must happen.
const patience = 10 * time.Second

const testKey = "a key for all nodes"

// node is one of a cluster on the loopback: an Engine.IO server that echoes, behind
// both listeners.
type node struct {
	t        *testing.T
	registry *Registry
	engine   *engineio.Server
	forward  *Forwarder
	receiver *Receiver
	public   *httptest.Server
	internal *httptest.Server
	opened   chan *engineio.Session
	closed   chan engineio.Reason
	added    chan time.Duration
}

// echo sends everything back.
type echo struct {
	n *node
	s *engineio.Session
}

func (e echo) Message(data []byte, binary bool) {
	if binary {
		_ = e.s.Send(engineio.NewBinary(append([]byte(nil), data...)))
		return
	}
	_ = e.s.Send(engineio.NewText(append([]byte(nil), data...)))
}

func (e echo) Closed(reason engineio.Reason) { e.n.closed <- reason }

// nodeConfig changes what startNode does; the zero value is usual.
type nodeConfig struct {
	key     string
	tag     string
	refresh time.Duration
	engine  engineio.Config
	wrap    func(http.Handler) http.Handler // of the internal handler
	change  func(*Forwarder)
}

// startNode runs a node until the test ends.
func startNode(t *testing.T, store Store, c nodeConfig) *node {
	t.Helper()
	if c.key == "" {
		c.key = testKey
	}
	n := &node{t: t, opened: make(chan *engineio.Session, 1024), closed: make(chan engineio.Reason, 1024), added: make(chan time.Duration, 1<<16)}
	cfg := Config{Store: store, Refresh: c.refresh}
	if c.tag != "" {
		cfg.drawTag = func() string { return c.tag }
	}
	var err error
	if n.registry, err = Join(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	e := c.engine
	e.NodeTag = n.registry.Tag()
	e.Logger = slog.New(slog.DiscardHandler)
	e.OnSession = func(s *engineio.Session) engineio.Receiver {
		n.opened <- s
		return echo{n, s}
	}
	if n.engine, err = engineio.NewServer(e); err != nil {
		t.Fatal(err)
	}
	n.forward, err = NewForwarder(Forwarding{Registry: n.registry, Local: n.engine, Key: c.key, ObserveAdded: func(_ string, d time.Duration) {
		select {
		case n.added <- d:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c.change != nil {
		c.change(n.forward)
	}
	n.receiver = NewReceiver(n.registry.Tag(), c.key, n.engine, slog.New(slog.DiscardHandler))
	var internal http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Path) {
			n.receiver.ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, "internal")
	})
	if c.wrap != nil {
		internal = c.wrap(internal)
	}
	n.internal = httptest.NewServer(internal)
	n.public = httptest.NewServer(n.forward)
	if err := n.registry.Announce(t.Context(), n.internal.Listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- n.registry.Run(ctx) }()
	t.Cleanup(func() {
		ended, end := context.WithCancel(context.Background())
		end()
		n.public.CloseClientConnections()
		n.public.Close()
		_ = n.engine.Close(ended)
		n.forward.Close()
		n.receiver.Close()
		n.internal.CloseClientConnections()
		n.internal.Close()
		cancel()
		<-ran
		_ = n.registry.Leave(context.Background())
	})
	return n
}

// client is one without keep-alive, so that nothing outlives the test.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}, Timeout: patience}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (n *node) do(method, query, body string, header ...string) answer {
	n.t.Helper()
	r, err := http.NewRequest(method, n.public.URL+"/engine.io/?EIO=4&"+query, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

var sidForm = regexp.MustCompile(`"sid":"([^"]+)"`)

// handshake opens a polling session on this node.
func (n *node) handshake() (sid string) {
	n.t.Helper()
	got := n.do("GET", "transport=polling", "")
	found := sidForm.FindStringSubmatch(got.body)
	if got.status != 200 || found == nil {
		n.t.Fatalf("handshake: %+v", got)
	}
	return found[1]
}

func (n *node) get(sid string) answer {
	n.t.Helper()
	return n.do("GET", "transport=polling&sid="+sid, "")
}

func (n *node) post(sid, body string) answer {
	n.t.Helper()
	return n.do("POST", "transport=polling&sid="+sid, body, "Content-Type", "text/plain;charset=UTF-8")
}

// upgrade sends a WebSocket handshake for a session and returns the connection and the
// status line. What follows in the same segment is sent with it.
func (n *node) upgrade(sid, follows string) (net.Conn, *bufio.Reader, *http.Response) {
	n.t.Helper()
	c, err := net.Dial("tcp", n.public.Listener.Addr().String())
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, "GET /engine.io/?EIO=4&transport=websocket&sid="+sid+" HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+follows)
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return c, br, resp
}

// frame is a client's text frame, masked with zeros.
func frame(text string) string {
	return "\x81" + string([]byte{0x80 | byte(len(text))}) + "\x00\x00\x00\x00" + text
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}
