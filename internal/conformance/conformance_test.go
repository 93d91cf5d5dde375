package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves both suites and returns the address, without a scheme.
func start(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return ln.Addr().String()
}

// request returns the status and body of one request.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// open begins a polling session and returns its URL.
func open(t *testing.T, addr, path string) string {
	t.Helper()
	url := "http://" + addr + path + "?EIO=4&transport=polling"
	status, body := request(t, http.MethodGet, url, "")
	if status != http.StatusOK || !strings.HasPrefix(body, "0") {
		t.Fatalf("handshake: %d %s", status, body)
	}
	var handshake struct {
		Sid                                   string
		Upgrades                              []string
		PingInterval, PingTimeout, MaxPayload int
	}
	if err := json.Unmarshal([]byte(body[1:]), &handshake); err != nil {
		t.Fatal(err)
	}
	if h := handshake; h.PingInterval != 300 || h.PingTimeout != 200 || h.MaxPayload != 1_000_000 || len(h.Upgrades) != 1 {
		t.Fatalf("handshake: %+v", h)
	}
	return url + "&sid=" + handshake.Sid
}

// poll returns what waits for a polling session, pings left out.
func poll(t *testing.T, url string) string {
	t.Helper()
	for {
		status, body := request(t, http.MethodGet, url, "")
		if status != http.StatusOK {
			t.Fatalf("poll: %d %s", status, body)
		}
		if body != "2" {
			return strings.TrimPrefix(body, "2\x1e")
		}
		post(t, url, "3")
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	if status, answer := request(t, http.MethodPost, url, body); status != http.StatusOK || answer != "ok" {
		t.Fatalf("post %q: %d %s", body, status, answer)
	}
}

// dial opens a WebSocket session and reads past its handshake.
func dial(t *testing.T, addr, path string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+addr+path+"?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	if got := read(t, c); !strings.HasPrefix(got, "0") {
		t.Fatalf("handshake: %s", got)
	}
	return c
}

// read returns the next frame that is no ping, which it answers.
func read(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, data, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != "2" {
			return string(data)
		}
		write(t, c, websocket.MessageText, "3")
	}
}

func write(t *testing.T, c *websocket.Conn, kind websocket.MessageType, data string) {
	t.Helper()
	if err := c.Write(t.Context(), kind, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func TestRawSessionEchoesOverPolling(t *testing.T) {
	url := open(t, start(t), "/engine.io/")
	post(t, url, "4héllo\x1ebAQIDBA==")
	got := poll(t, url)
	if !strings.Contains(got, "\x1e") { // the second message was not ready yet
		got += "\x1e" + poll(t, url)
	}
	if got != "4héllo\x1ebAQIDBA==" {
		t.Errorf("got %q", got)
	}
	post(t, url, "1") // the server would wait for a last poll
}

func TestRawSessionEchoesOverWebSocket(t *testing.T) {
	c := dial(t, start(t), "/engine.io/")
	write(t, c, websocket.MessageText, "4héllo")
	if got := read(t, c); got != "4héllo" {
		t.Errorf("got %q", got)
	}
	write(t, c, websocket.MessageBinary, "\x01\x02")
	if got := read(t, c); got != "\x01\x02" {
		t.Errorf("got %q", got)
	}
}

func TestSilentClientIsClosed(t *testing.T) {
	url := open(t, start(t), "/engine.io/")
	for { // each poll ends with a ping, which nobody answers
		if status, body := request(t, http.MethodGet, url, ""); status == http.StatusBadRequest {
			if !strings.Contains(body, "Session ID unknown") {
				t.Errorf("body %s", body)
			}
			return
		}
	}
}

func TestNamespacesEcho(t *testing.T) {
	tests := []struct {
		name, connect, prefix, auth string
	}{
		{"main", "40", "", "{}"},
		{"main with auth", `40{"token":"123"}`, "", `{"token":"123"}`},
		{"custom", "40/custom,", "/custom,", "{}"},
	}
	addr := start(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, addr, "/socket.io/")
			write(t, c, websocket.MessageText, tt.connect)
			if got := read(t, c); !strings.HasPrefix(got, "40"+tt.prefix+`{"sid":`) {
				t.Fatalf("got %s", got)
			}
			expect := func(want string) {
				t.Helper()
				if got := read(t, c); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			expect("42" + tt.prefix + `["auth",` + tt.auth + `]`)

			write(t, c, websocket.MessageText, "42"+tt.prefix+`["message",1,"2",{"3":[true]}]`)
			expect("42" + tt.prefix + `["message-back",1,"2",{"3":[true]}]`)

			write(t, c, websocket.MessageText, "42"+tt.prefix+`456["message-with-ack",1,"2",{"3":[false]}]`)
			expect("43" + tt.prefix + `456[1,"2",{"3":[false]}]`)

			write(t, c, websocket.MessageText, "452-"+tt.prefix+`["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
			write(t, c, websocket.MessageBinary, "\x01\x02")
			write(t, c, websocket.MessageBinary, "\x03")
			expect("452-" + tt.prefix + `["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
			expect("\x01\x02")
			expect("\x03")
		})
	}
}

func TestClientThatJoinsNothingIsClosed(t *testing.T) {
	c := dial(t, start(t), "/socket.io/")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, data, err := c.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				t.Error("still open after 10 s")
			}
			return
		}
		if string(data) == "2" {
			write(t, c, websocket.MessageText, "3")
		}
	}
}

func TestServesBothAddressFamilies(t *testing.T) {
	ln, err := listen("0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		c, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		c.Close()
	}
}
