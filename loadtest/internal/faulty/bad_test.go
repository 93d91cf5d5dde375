package faulty

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestBadServersAreBadInTheWayTheySay meets each mode with the bytes of a client.
func TestBadServersAreBadInTheWayTheySay(t *testing.T) {
	for _, row := range []struct {
		mode Mode
		meet func(t *testing.T, url string)
	}{
		{Refuses, func(t *testing.T, url string) {
			if _, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("dial: %v", err)
			}
		}},
		{Silent, func(t *testing.T, url string) {
			c := request(t, url, "polling")
			expectSilence(t, c)
		}},
		{Hangup, func(t *testing.T, url string) { expectText(t, request(t, url, "websocket"), "") }},
		{HangupMidway, func(t *testing.T, url string) {
			c := request(t, url, "polling")
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			if b, err := io.ReadAll(r.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(b) == 0 {
				t.Errorf("%q, %v", b, err)
			}
		}},
		{Garbage, func(t *testing.T, url string) {
			if _, err := http.ReadResponse(bufio.NewReader(request(t, url, "websocket")), nil); err == nil {
				t.Error("it is HTTP")
			}
		}},
		{Unavailable, status(503, "later")},
		{Website, status(200, "<!doctype html>")},
		{OldEngine, func(t *testing.T, url string) {
			status(200, `79:0{"sid"`)(t, url)
			c := socket(t, url)
			expectFrames(t, c, `0{"sid"`, "40")
		}},
		{GarbageFrames, func(t *testing.T, url string) { expectFrames(t, socket(t, url), "\x01hello") }},
		{NeverOpens, func(t *testing.T, url string) {
			status(400, "Transport unknown")(t, url)
			expectNoFrame(t, socket(t, url))
		}},
		{NeverConnects, func(t *testing.T, url string) {
			c := socket(t, url)
			expectFrames(t, c, `0{"sid"`)
			write(t, c, "40")
			expectNoFrame(t, c)
		}},
		{Rejects, func(t *testing.T, url string) {
			c := socket(t, url)
			expectFrames(t, c, `0{"sid"`)
			write(t, c, "40")
			expectFrames(t, c, `44{"message":"not today"}`)
		}},
		{HangupOpened, func(t *testing.T, url string) {
			c := socket(t, url)
			expectFrames(t, c, `0{"sid"`)
			expectEnd(t, c)
		}},
		{HangupWorking, func(t *testing.T, url string) {
			c := working(t, url)
			for range 10 {
				write(t, c, `42["publish","tea","msg",""]`)
			}
			expectEnd(t, c)
		}},
		{NeverAnswers, func(t *testing.T, url string) {
			c := working(t, url)
			write(t, c, `420["join","tea"]`)
			expectNoFrame(t, c)
		}},
		{Floods, func(t *testing.T, url string) {
			c := working(t, url)
			for range 5000 {
				expectFrames(t, c, `42["msg","flood`)
			}
		}},
		{FloodsUnparsed, func(t *testing.T, url string) {
			c := working(t, url)
			for range 5000 {
				expectFrames(t, c, `42["msg`)
			}
		}},
	} {
		t.Run(string(row.mode), func(t *testing.T) {
			t.Parallel()
			row.meet(t, StartBad(t, row.mode))
		})
	}
	if len(answers)+1 != len(Modes) {
		t.Errorf("%d modes are listed, %d are there", len(Modes), len(answers)+1)
	}
}

// silence is how long a server must say nothing to be called silent.
const silence = 50 * time.Millisecond

// request opens a connection and sends the request that begins a session.
func request(t *testing.T, url, transport string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	r := "GET /socket.io/?EIO=4&transport=" + transport + " HTTP/1.1\r\nHost: localhost\r\n"
	if transport == "websocket" {
		r += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	}
	if _, err := io.WriteString(c, r+"\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}

func expectText(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got, err := io.ReadAll(c)
	if string(got) != want || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q, %v", got, err)
	}
}

func expectSilence(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(silence))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !isTimeout(err) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func status(want int, body string) func(*testing.T, string) {
	return func(t *testing.T, url string) {
		t.Helper()
		r, err := http.ReadResponse(bufio.NewReader(request(t, url, "polling")), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if b, err := io.ReadAll(r.Body); r.StatusCode != want || err != nil || !strings.Contains(string(b), body) {
			t.Errorf("status %d, %q, %v", r.StatusCode, b, err)
		}
	}
}

func socket(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// working is a connection with a connected socket.
func working(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	c := socket(t, url)
	expectFrames(t, c, `0{"sid"`)
	write(t, c, "40")
	expectFrames(t, c, `40{"sid"`)
	return c
}

func write(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// expectFrames reads a text message that begins with each of want.
func expectFrames(t *testing.T, c *websocket.Conn, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, want := range want {
		kind, b, err := c.Read(ctx)
		if err != nil || kind != websocket.MessageText || !strings.HasPrefix(string(b), want) {
			t.Fatalf("%q, %v; want %q", b, err, want)
		}
	}
}

func expectNoFrame(t *testing.T, c *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), silence)
	defer cancel()
	if _, b, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%q, %v", b, err)
	}
}

func expectEnd(t *testing.T, c *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, b, err := c.Read(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%q, %v", b, err)
	}
}
