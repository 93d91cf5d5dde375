package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSession is a session whose client is the test.
type fakeSession struct {
	mu       sync.Mutex
	receiver engineio.Receiver
	sent     []string // text as it is, binary in angle brackets
	raw      []*engineio.Message
	blocked  bool // can't be written to at once
	overflow bool // the next Send ends it as slow
	closed   bool
	done     chan struct{} // made on demand
}

func (f *fakeSession) Handshake() *engineio.Handshake { return new(engineio.Handshake) }
func (f *fakeSession) Transport() engineio.Transport  { return engineio.WebSocket }

func (f *fakeSession) Send(batch ...*engineio.Message) error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return engineio.ErrClosed
	}
	if f.overflow {
		f.mu.Unlock()
		f.Close(engineio.ReasonSlow) // within Send, as a session does
		return engineio.ErrSlow
	}
	defer f.mu.Unlock()
	for _, m := range batch {
		data, binary := m.Data()
		if binary {
			f.sent = append(f.sent, "<"+string(data)+">")
		} else {
			f.sent = append(f.sent, string(data))
		}
		f.raw = append(f.raw, m)
	}
	return nil
}

func (f *fakeSession) SendVolatile(batch ...*engineio.Message) bool {
	f.mu.Lock()
	blocked := f.blocked
	f.mu.Unlock()
	return !blocked && f.Send(batch...) == nil
}

func (f *fakeSession) Close(reason engineio.Reason) {
	f.mu.Lock()
	was := f.closed
	f.closed = true
	if !was && f.done != nil {
		close(f.done)
	}
	receiver := f.receiver
	f.mu.Unlock()
	if !was {
		receiver.Closed(reason)
	}
}

func (f *fakeSession) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done == nil {
		f.done = make(chan struct{})
		if f.closed {
			close(f.done)
		}
	}
	return f.done
}

// take returns what was sent since the last call.
func (f *fakeSession) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := f.sent
	f.sent, f.raw = nil, nil
	return sent
}

func (f *fakeSession) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// world is a server, or several on a bus, and clients of it, in a bubble of
// virtual time.
type world struct {
	*testing.T
	server  *Server
	clients []*client
	log     *strings.Builder
}

// inWorld runs a test in a world of its own, and sees to it that the server ends
// everything that it began.
func inWorld(t *testing.T, cfg Config, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, log: new(strings.Builder)}
		w.server = newTestServer(t, cfg, "node", w.log)
		defer w.close()
		test(w)
	})
}

func newTestServer(t testing.TB, cfg Config, tag string, log *strings.Builder) *Server {
	t.Helper()
	cfg.Engine.NodeTag = tag
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	}
	s, err := newServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) close() {
	w.Helper()
	for _, c := range w.clients {
		c.Close(engineio.ReasonShutdown)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.server.Close(ctx); err != nil {
		w.Errorf("Close: %v", err)
	}
	for name, n := range w.server.Stats().Sockets {
		if n != 0 {
			w.Errorf("%d sockets are left in %s", n, name)
		}
	}
	for _, n := range w.server.allNamespaces() {
		if left := n.outgoing.Load(); left != 0 {
			w.Errorf("%d sockets with OnAnyOutgoing listeners are left in %s", left, n.name)
		}
	}
	for name, n := range w.server.Stats().Rooms {
		if n != 0 {
			w.Errorf("%d rooms are left in %s", n, name)
		}
	}
}

// client is a client of a server in the bubble.
type client struct {
	*fakeSession
	t testing.TB
}

// client opens a session.
func (w *world) client() *client {
	c := open(w.T, w.server)
	w.clients = append(w.clients, c)
	return c
}

func open(t testing.TB, s *Server) *client {
	c := &client{&fakeSession{}, t}
	c.mu.Lock() // a session of engineio has its receiver when others learn of it
	defer c.mu.Unlock()
	c.receiver = s.accept(c.fakeSession)
	return c
}

// joined opens a session and joins namespaces, "/" if none is named.
func (w *world) joined(namespaces ...string) *client {
	w.Helper()
	c := w.client()
	if len(namespaces) == 0 {
		namespaces = []string{"/"}
	}
	for _, n := range namespaces {
		c.join(n)
	}
	return c
}

// join joins a namespace, and returns the socket's id.
func (c *client) join(namespace string) (id string) {
	c.t.Helper()
	header := "0"
	if namespace != "/" {
		header += namespace + ","
	}
	c.say(header)
	synctest.Wait()
	replies := c.take()
	if len(replies) != 1 || !strings.HasPrefix(replies[0], header+`{"sid":"`) {
		c.t.Fatalf("CONNECT to %s was answered with %q", namespace, replies)
	}
	return strings.TrimSuffix(strings.TrimPrefix(replies[0], header+`{"sid":"`), `"}`)
}

// say sends texts. Several are read one after the other, as from a full buffer.
func (c *client) say(texts ...string) {
	for _, text := range texts {
		c.receiver.Message([]byte(text), false)
	}
}

// sayBinary sends a binary message.
func (c *client) sayBinary(data string) { c.receiver.Message([]byte(data), true) }

// hears checks what has been sent to the client since it was last asked, once
// nothing more happens in the bubble.
func (c *client) hears(want ...string) {
	c.t.Helper()
	synctest.Wait()
	if got := c.take(); !slices.Equal(got, want) {
		c.t.Errorf("client got %q, want %q", got, want)
	}
}

// isOpen checks whether the session lives.
func (c *client) isOpen(want bool) {
	c.t.Helper()
	synctest.Wait()
	if c.isClosed() == want {
		c.t.Errorf("session open: %v, want %v", !want, want)
	}
}

// journal notes what happens, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// is checks the journal, once nothing more happens, and begins a new one.
func (j *journal) is(t testing.TB, want ...string) {
	t.Helper()
	synctest.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, want) {
		t.Errorf("happened %q, want %q", j.lines, want)
	}
	j.lines = nil
}

// has is is for what happens in any order.
func (j *journal) has(t testing.TB, want ...string) {
	t.Helper()
	synctest.Wait()
	j.mu.Lock()
	slices.Sort(j.lines)
	j.mu.Unlock()
	j.is(t, want...)
}
