package socketio

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// wire is a real server, and clients that speak to it over WebSocket.
type wire struct {
	*testing.T
	server *Server
	http   *httptest.Server
	ctx    context.Context
}

func newWire(t *testing.T, cfg Config) *wire {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Engine.Logger = cfg.Logger
	server, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	w := &wire{t, server, httptest.NewServer(server), ctx}
	t.Cleanup(func() {
		cancel()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		w.http.Close()
	})
	return w
}

// peer is a client over WebSocket, which answers pings by itself.
type peer struct {
	w    *wire
	conn *websocket.Conn
}

func (w *wire) dial(query string, headers http.Header) *peer {
	w.Helper()
	url := strings.Replace(w.http.URL, "http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket" + query
	conn, resp, err := websocket.Dial(w.ctx, url, &websocket.DialOptions{HTTPHeader: headers})
	if err != nil {
		w.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	conn.SetReadLimit(-1)
	w.Cleanup(func() { _ = conn.CloseNow() })
	p := &peer{w, conn}
	if open := p.read(); !strings.HasPrefix(open, "0{") {
		w.Fatalf("session opens with %q", open)
	}
	return p
}

func (p *peer) read() string {
	p.w.Helper()
	for {
		kind, data, err := p.conn.Read(p.w.ctx)
		if err != nil {
			return "closed"
		}
		if kind == websocket.MessageBinary {
			return "<" + string(data) + ">"
		}
		if string(data) != "2" {
			return string(data)
		}
		p.write("3")
	}
}

func (p *peer) write(text string) {
	p.w.Helper()
	if err := p.conn.Write(p.w.ctx, websocket.MessageText, []byte(text)); err != nil {
		p.w.Fatal(err)
	}
}

func (p *peer) expect(want ...string) {
	p.w.Helper()
	for _, text := range want {
		if got := p.read(); got != text {
			p.w.Fatalf("client got %.200q, want %.200q", got, text)
		}
	}
}

func (p *peer) join(namespace string) (id string) {
	p.w.Helper()
	p.write("40" + namespace)
	m := regexp.MustCompile(`^40.*\{"sid":"(.{20})"\}$`).FindStringSubmatch(p.read())
	if m == nil {
		p.w.Fatal("CONNECT was not answered")
	}
	return m[1]
}

func TestOverTheWire(t *testing.T) {
	var handshake *Handshake
	w := newWire(t, Config{})
	w.server.OnConnect(func(s *Socket) { handshake = s.Handshake(); _ = s.Emit("auth", s.Handshake().Auth()) })
	w.server.On("echo", func(e *Event) { _ = e.Socket().Emit("echo-back", e.Args().From(0)) })
	w.server.On("ask", func(e *Event) { _ = e.Ack(e.Args().From(0)) })
	p := w.dial("&token=abc", http.Header{"X-Test": {"yes"}})
	p.write(`40{"user":"Ann"}`)
	if got := p.read(); !strings.HasPrefix(got, `40{"sid":"`+w.server.Tag()) {
		t.Fatalf("CONNECT was answered with %q", got)
	}
	p.expect(`42["auth",{"user":"Ann"}]`)
	p.write(`42["echo",1,"2",{"3":true}]`)
	p.expect(`42["echo-back",1,"2",{"3":true}]`)
	p.write(`451-["echo",{"_placeholder":true,"num":0}]`)
	if err := p.conn.Write(w.ctx, websocket.MessageBinary, []byte("\x00\x01")); err != nil {
		t.Fatal(err)
	}
	p.expect(`451-["echo-back",{"_placeholder":true,"num":0}]`, "<\x00\x01>")
	p.write(`42456["ask",1]`)
	p.expect(`43456[1]`)
	if handshake.Query().Get("token") != "abc" || handshake.Headers().Get("X-Test") != "yes" || handshake.Address() != "127.0.0.1" {
		t.Errorf("handshake is %s", handshake.json())
	}
	found, err := w.server.FetchSockets(w.ctx)
	if err != nil || len(found) != 1 || !bytes.Contains(found[0].Handshake(), []byte(`"x-test":"yes"`)) {
		t.Errorf("found %v, %v", found, err)
	}
	p.write(`42{}`)
	p.expect("closed")
}

func TestOrderOfManyEventsOverTheWire(t *testing.T) {
	w := newWire(t, Config{})
	w.server.On("n", func(e *Event) { _ = e.Socket().Emit("n", e.Arg(0)) })
	p := w.dial("", nil)
	p.join("")
	go func() {
		for i := range 2000 {
			if p.conn.Write(w.ctx, websocket.MessageText, fmt.Appendf(nil, `42["n",%d]`, i)) != nil {
				return // the reader below says what is missing
			}
		}
	}()
	for i := range 2000 {
		p.expect(fmt.Sprintf(`42["n",%d]`, i))
	}
}

func TestServerDisconnectReachesTheClient(t *testing.T) {
	w := newWire(t, Config{})
	w.server.Of("/chat")
	w.server.On("bye", func(e *Event) { e.Socket().Disconnect(true) })
	p := w.dial("", nil)
	p.join("")
	p.join("/chat,")
	p.write(`42["bye"]`)
	p.expect("41/chat,", "41", "closed")
}

func TestGracefulCloseOverPolling(t *testing.T) {
	w := newWire(t, Config{})
	do := func(method, query, body string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(w.ctx, method, w.http.URL+"/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(do("GET", "", ""))
	if sid == nil {
		t.Fatal("no handshake")
	}
	query := "&sid=" + sid[1]
	if got := do("POST", query, "40"); got != "ok" {
		t.Errorf("POST was answered with %q", got)
	}
	if got := do("GET", query, ""); !strings.HasPrefix(got, `40{"sid":`) {
		t.Errorf("GET was answered with %q", got)
	}
	if got := do("POST", query, "42{}"); got != "ok" {
		t.Errorf("a POST with a bad packet was answered with %q", got)
	}
	if got := do("GET", query, ""); got != "6\x1e1" {
		t.Errorf("GET after it was answered with %q, want a noop and a close", got)
	}
}

func TestCloseLeavesNothingOverTheWire(t *testing.T) {
	w := newWire(t, Config{})
	reasons := make(chan Reason, 10)
	w.server.OnDisconnect(func(_ *Socket, r Reason) { reasons <- r })
	var reading sync.WaitGroup
	defer reading.Wait()
	for range 5 {
		p := w.dial("", nil)
		p.join("")
		reading.Go(func() {
			if got := p.read(); got != "closed" { // no DISCONNECT: the client would stay away
				t.Errorf("client got %q", got)
			}
		})
	}
	if err := w.server.Close(w.ctx); err != nil {
		t.Error(err)
	}
	for range 5 {
		if r := <-reasons; r != ReasonServerShutdown {
			t.Errorf("reason is %q", r)
		}
	}
}

func TestDrainLetsClientsComeBackElsewhere(t *testing.T) {
	w := newWire(t, Config{})
	reasons := make(chan Reason, 1)
	w.server.OnDisconnect(func(_ *Socket, r Reason) { reasons <- r })
	p := w.dial("", nil)
	p.join("")
	if err := w.server.Emit("last words"); err != nil {
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- w.server.Drain(w.ctx, 10*time.Millisecond) }()
	p.expect(`42["last words"]`, "closed") // flushed, and no DISCONNECT
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if r := <-reasons; r != ReasonServerShutdown {
		t.Errorf("reason is %q", r)
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.http.URL+"/socket.io/?EIO=4&transport=polling", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new handshake was answered with %d, want 503", resp.StatusCode)
	}
}
