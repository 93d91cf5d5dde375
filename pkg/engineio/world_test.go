package engineio

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of a test. A test that runs into it has failed; it
// is long because the race detector on a loaded machine is slow.
const patience = time.Minute

// world is a server that is listening, and what its sessions receive.
type world struct {
	t        *testing.T
	server   *Server
	sessions chan *peer // in order of opening
	dial     func() net.Conn
	client   *http.Client
	// onMessage, if set before the first session, is called for each message.
	onMessage func(p *peer, data string)
}

// peer is the server's side of a session: it records.
type peer struct {
	*Session
	world    *world
	messages chan string // a binary message has "b:" in front
	closed   chan Reason
}

func (p *peer) Message(data []byte, binary bool) {
	text := string(data)
	if binary {
		text = "b:" + text
	}
	if p.world.onMessage != nil {
		p.world.onMessage(p, text)
	}
	p.messages <- text
}

func (p *peer) Closed(reason Reason) { p.closed <- reason }

// next returns the next message.
func (p *peer) next() string {
	p.world.t.Helper()
	return receive(p.world.t, p.messages, "a message")
}

// end returns why the session ended.
func (p *peer) end() Reason {
	p.world.t.Helper()
	return receive(p.world.t, p.closed, "the end of the session")
}

func (p *peer) expectEnd(want Reason) {
	p.world.t.Helper()
	if got := p.end(); got != want {
		p.world.t.Errorf("session ended with %q, want %q", got, want)
	}
}

// expectOpen fails if the session has ended.
func (p *peer) expectOpen() {
	p.world.t.Helper()
	if !p.isOpen() {
		p.world.t.Errorf("session has ended with %q", p.reason)
	}
}

func receive[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v = <-c:
	case <-timer.C:
		t.Fatalf("waited %v for %s", patience, what)
	}
	return v
}

// until waits for a condition that nothing signals.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v until %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// newPipeWorld listens in memory, so that it can live in the virtual time of a
// synctest bubble. Its connections are not TCP and take the blocking way.
func newPipeWorld(t *testing.T, cfg Config) *world {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return newWorld(t, cfg, l, l.dial)
}

// newTCPWorld listens on a loopback port.
func newTCPWorld(t *testing.T, cfg Config) *world {
	l := listenLoopback(t)
	return newWorld(t, cfg, l, func() net.Conn { return dialTCP(t, l.Addr()) })
}

// newTLSWorld is newTCPWorld with encryption.
func newTLSWorld(t *testing.T, cfg Config) *world {
	l := listenLoopback(t)
	server, client := tlsConfigs(t)
	return newWorld(t, cfg, tls.NewListener(l, server), func() net.Conn { return tls.Client(dialTCP(t, l.Addr()), client) })
}

func listenLoopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func dialTCP(t *testing.T, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWorld(t *testing.T, cfg Config, l net.Listener, dial func() net.Conn) *world {
	t.Helper()
	w := &world{t: t, sessions: make(chan *peer, 4096), dial: dial}
	if cfg.OnSession == nil {
		cfg.OnSession = func(s *Session) Receiver {
			p := &peer{Session: s, world: w, messages: make(chan string, 1<<12), closed: make(chan Reason, 2)}
			w.sessions <- p
			return p
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	server, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	w.client = &http.Client{Transport: &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return dial(), nil },
		DisableCompression: true,
	}}
	front := &http.Server{Handler: server, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = front.Serve(l) })
	t.Cleanup(func() {
		w.shut()
		w.client.CloseIdleConnections()
		_ = front.Close()
		serving.Wait()
	})
	return w
}

// shut ends the server at once and fails the test if anything of it stays.
func (w *world) shut() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.server.Close(ctx) // its error says that there were sessions
	// A request whose handler ended the session may be about to take it out.
	until(w.t, "no session is left", func() bool { return w.server.count() == 0 })
}

// session returns the server's side of the session that was opened next.
func (w *world) session() *peer {
	w.t.Helper()
	return receive(w.t, w.sessions, "a session")
}

// expectRejected checks a counter of refusals.
func (w *world) expectRejected(why rejection, want int64) {
	w.t.Helper()
	if got := w.server.Stats().Rejected[why.String()]; got != want {
		w.t.Errorf("rejected as %v: %d, want %d", why, got, want)
	}
}

// pipeListener is a net.Listener of net.Pipes.
type pipeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
	case <-l.closed:
		_ = client.Close()
	}
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func repeat(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }
