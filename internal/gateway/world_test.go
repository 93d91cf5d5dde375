package gateway

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// patience bounds every wait of a test for something that must happen.
const patience = 10 * time.Second

// world is a running gateway on free ports of the loopback.
type world struct {
	*gateway
	t                *testing.T
	public, internal string // URLs
	stop             context.CancelFunc
	done             chan error // gets what run returned
	stdout           *bytes.Buffer
	log              *lines
}

// start runs a gateway until the test ends. change, if not nil, changes the
// gateway before it runs.
func start(t *testing.T, cfg Config, change func(*gateway)) *world {
	t.Helper()
	w := &world{t: t, done: make(chan error, 1), stdout: &bytes.Buffer{}, log: &lines{}}
	cfg.LogOutput = w.log
	var err error
	if w.gateway, err = newGateway(cfg); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(w.gateway)
	}
	public, internal := loopback(t), loopback(t)
	w.public, w.internal = "http://"+public.Addr().String(), "http://"+internal.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := w.run(ctx, public, internal, w.stdout)
		w.close()
		w.done <- err
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		http.DefaultClient.CloseIdleConnections()
	})
	return w
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// get returns status and body of an answer.
func (w *world) get(url string) (int, string) {
	w.t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// until asks again and again until the answer has a status and a part of a body.
func (w *world) until(url string, status int, part string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		code, body := w.get(url)
		if code == status && strings.Contains(body, part) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: %d %q, want %d with %q", url, code, body, status, part)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// await waits until done says so.
func (w *world) await(what string, done func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// handshake is the URL of a polling handshake.
func (w *world) handshake() string {
	return w.public + w.cfg.Path + "/?EIO=4&transport=polling"
}

// client speaks Socket.IO over a WebSocket, as bytes.
type client struct {
	t  *testing.T
	ws *websocket.Conn
	id string // of the socket in the namespace
}

// dial opens a connection without joining a namespace.
func (w *world) dial() *client {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, w.public+w.cfg.Path+"/?EIO=4&transport=websocket", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	w.t.Cleanup(func() { ws.CloseNow() })
	c := &client{t: w.t, ws: ws}
	c.expectPrefix(`0{"sid":`)
	return c
}

// connect is a client in the namespace "/".
func (w *world) connect() *client {
	w.t.Helper()
	c := w.dial()
	c.send("40")
	got := c.expectPrefix(`40{"sid":"`)
	c.id = strings.TrimSuffix(strings.TrimPrefix(got, `40{"sid":"`), `"}`)
	return c
}

// join is a client in a room.
func (w *world) join(room string) *client {
	w.t.Helper()
	c := w.connect()
	c.send(`420["join","` + room + `"]`)
	c.expect(`430[{"ok":true}]`)
	return c
}

func (c *client) send(text string, attachments ...[]byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
	for _, a := range attachments {
		if err := c.ws.Write(ctx, websocket.MessageBinary, a); err != nil {
			c.t.Fatal(err)
		}
	}
}

// next returns the next frame that is no ping, which it answers.
func (c *client) next() (string, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, frame, err := c.ws.Read(ctx)
		if err != nil || string(frame) != "2" {
			return string(frame), err
		}
		c.send("3")
	}
}

func (c *client) expect(want string) {
	c.t.Helper()
	if got, err := c.next(); err != nil || got != want {
		c.t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

func (c *client) expectPrefix(want string) string {
	c.t.Helper()
	got, err := c.next()
	if err != nil || !strings.HasPrefix(got, want) {
		c.t.Fatalf("got %q, %v, want %q…", got, err, want)
	}
	return got
}
