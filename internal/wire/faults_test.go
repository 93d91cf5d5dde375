package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// rawServer hands each connection to serve, and closes it when that returns.
func rawServer(t testing.TB, serve func(conn net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return "http://" + ln.Addr().String()
}

// answer reads a request and writes the same bytes to whatever it asked for.
func answer(bytes string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, bytes)
		}
	}
}

// silence reads until the client goes.
func silence(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// reset ends a connection with a TCP reset.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestFaultyServersAreClassed is about connection attempts.
func TestFaultyServersAreClassed(t *testing.T) {
	closed := rawServer(t, silence)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + ln.Addr().String()
	ln.Close()
	switched := func(frames string) func(net.Conn) {
		return func(conn net.Conn) {
			br := bufio.NewReader(conn)
			if acceptWebSocket(conn, br) == nil {
				_, _ = io.WriteString(conn, frames)
				silence(conn)
			}
		}
	}
	text := func(p string) string { return string(serverFrame(0x81, p)) }
	for _, c := range []struct {
		name      string
		transport Transport
		url       string
		serve     func(net.Conn)
		want      string
	}{
		{name: "refuses", url: refusing, want: "refused"},
		{name: "refuses polling", transport: Polling, url: refusing, want: "refused"},
		{name: "hangs", url: closed, want: "timeout"},
		{name: "hangs with polling", transport: Polling, url: closed, want: "timeout"},
		{name: "closes", serve: func(net.Conn) {}, want: "closed|reset"},
		{name: "closes after the request", serve: answer(""), want: "closed"},
		{name: "closes in the middle of headers", serve: answer("HTTP/1.1 101 Switching Protocols\r\nUpgr"), want: "closed"},
		{name: "resets", serve: reset, want: "reset"},
		{name: "unknown name", url: "http://no-such-host.invalid:1", want: "dns|timeout"},
		{name: "404", serve: answer("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"), want: "http 404"},
		{name: "404 for polling", transport: Polling, serve: answer("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"), want: "http 404"},
		{name: "200 for WebSocket", serve: answer(ok("hello")), want: "http 200"},
		{name: "redirects", transport: Polling, serve: answer("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), want: "http 302"},
		{name: "web page", transport: Polling, serve: answer(ok("<html>welcome</html>")), want: "not socket.io"},
		{name: "empty page", transport: Polling, serve: answer(ok("")), want: "not socket.io"},
		{name: "SSH", serve: answer("SSH-2.0-OpenSSH_9\r\n"), want: "not socket.io"},
		{name: "SSH for polling", transport: Polling, serve: answer("SSH-2.0-OpenSSH_9\r\n"), want: "not socket.io"},
		{name: "bad status line", serve: answer("HTTP/1.1 abc\r\n\r\n"), want: "not socket.io"},
		{name: "bad chunks", transport: Polling, serve: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), want: "not socket.io"},
		{name: "endless headers", serve: answer("HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxHead)), want: "too big"},
		{name: "endless header line", transport: Polling, serve: answer("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 2*maxHead)), want: "too big"},
		{name: "too large a page", transport: Polling, serve: answer(ok("0" + strings.Repeat(" ", 100_000))), want: "too big"},
		{name: "wrong accept key", serve: answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"), want: "not socket.io"},
		{name: "another WebSocket protocol", serve: switched(text(`{"hello":1}`)), want: "not socket.io"},
		{name: "binary hello", serve: switched(string(serverFrame(0x82, "\x00\x01"))), want: "not socket.io"},
		{name: "open packet without JSON", serve: switched(text("0hello")), want: "not socket.io"},
		{name: "open packet without intervals", serve: switched(text(`0{"sid":"a"}`)), want: "not socket.io"},
		{name: "Socket.IO v2", serve: switched(text(openPacket) + text("40")), want: "not socket.io"},
		{name: "never admits", serve: switched(text(openPacket)), want: "timeout"},
		{name: "floods before it admits", serve: func(conn net.Conn) {
			br := bufio.NewReader(conn)
			if acceptWebSocket(conn, br) != nil {
				return
			}
			_, _ = io.WriteString(conn, text(openPacket))
			flood := []byte(strings.Repeat(text(`42["x"]`), 1000))
			for {
				if _, err := conn.Write(flood); err != nil {
					return
				}
			}
		}, want: "too big"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.url == "" {
				c.url = rawServer(t, c.serve)
			}
			began := time.Now()
			_, err := Dial(t.Context(), Config{URL: c.url, Transport: c.transport, Timeout: 300 * time.Millisecond, MaxMessage: 50_000, Handler: newRecorder()})
			if !strings.Contains("|"+c.want+"|", "|"+Class(err)+"|") {
				t.Errorf("%q, expected %q: %v", Class(err), c.want, err)
			}
			if took := time.Since(began); took > patience/2 {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestBrokenRulesEndTheSession is about what an established server sends.
func TestBrokenRulesEndTheSession(t *testing.T) {
	text := func(p string) string { return string(serverFrame(0x81, p)) }
	for _, c := range []struct {
		name, frames, want string
		code               int // of the client's close frame; 0: none, or without a code
	}{
		{"masked frame", "\x81\x82abcd42", "bad frame", 1002},
		{"reserved bit", "\xc1\x01x", "bad frame", 1002},
		{"reserved opcode", "\x83\x00", "bad frame", 1002},
		{"reserved control opcode", "\x8b\x00", "bad frame", 1002},
		{"long ping", string(serverFrame(0x89, strings.Repeat("p", 126))), "bad frame", 1002},
		{"fragmented ping", "\x09\x00", "bad frame", 1002},
		{"continuation of nothing", "\x80\x00", "bad frame", 1002},
		{"message within a message", "\x01\x014" + text("2"), "bad frame", 1002},
		{"not UTF-8", text("42[\"\xff\"]"), "bad frame", 1007},
		{"too large", "\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x00", "too big", 1009},
		{"absurdly large", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "too big", 1009},
		{"too large in fragments", string(serverFrame(0x01, "4"+strings.Repeat("x", 40_000))) + string(serverFrame(0x80, strings.Repeat("x", 40_000))), "too big", 1009},
		{"empty packet", text(""), "bad packet", 0},
		{"unknown packet", text("9"), "bad packet", 0},
		{"unknown message", text("49"), "bad packet", 0},
		{"event is no array", text(`42{}`), "bad packet", 0},
		{"event is cut", text(`42["a`), "bad packet", 0},
		{"event without a name", text(`42[{}]`), "bad packet", 0},
		{"ack is no array", text(`430{}`), "bad packet", 0},
		{"no attachment count", text(`45["a"]`), "bad packet", 0},
		{"too many attachments", text(`45999999-["a"]`), "bad packet", 0},
		{"text for an attachment", text(`451-["a",{"_placeholder":true,"num":0}]`) + text("42[\"b\"]"), "bad packet", 0},
		{"attachment of nothing", string(serverFrame(0x82, "x")), "bad packet", 0},
		{"too large attachments", text(`452-["a"]`) + string(serverFrame(0x82, strings.Repeat("x", 40_000))) + string(serverFrame(0x82, strings.Repeat("x", 40_000))), "too big", 1009},
		{"bad base64", text("b!!!"), "bad packet", 0},
		{"second open packet", text(openPacket), "bad packet", 0},
		{"second CONNECT", text(`40{"sid":"b"}`), "bad packet", 0},
		{"connect error", text(`44{"message":"out"}`), "connect_error: out", 0},
		{"disconnect", text(`41`), "server disconnect", 0},
		{"close", "\x88\x02\x03\xe8", "closed", 1000},
		{"close without a code", "\x88\x00", "closed", 0},
		{"going away", "\x88\x05\x03\xe9bye", "closed 1001", 1001},
		{"private close code", "\x88\x02\x0f\xa0", "closed by application", 4000},
		{"bad close code", "\x88\x02\x00\x01", "bad frame", 1002},
		{"reserved close code", "\x88\x02\x03\xed", "bad frame", 1002},
		{"short close frame", "\x88\x01\x03", "bad frame", 1002},
	} {
		t.Run(c.name, func(t *testing.T) {
			closing := make(chan string, 1)
			url := webSocketServer(t, func(conn net.Conn, br *bufio.Reader) {
				defer close(closing)
				if admit(conn, br) != nil {
					return
				}
				_, _ = io.WriteString(conn, c.frames)
				for {
					op, payload, err := readClientFrame(br)
					if err != nil {
						return
					}
					if op == opClose {
						closing <- payload
						return
					}
				}
			})
			r := newRecorder()
			client, err := Dial(t.Context(), Config{URL: url, MaxMessage: 70_000, Handler: r})
			if err != nil {
				t.Fatal(err)
			}
			err = wait(t, r.disconnected, "Disconnected")
			if Class(err) != c.want {
				t.Errorf("%q, expected %q: %v", Class(err), c.want, err)
			}
			payload := wait(t, closing, "close frame")
			if want := ""; c.code != 0 {
				want = string([]byte{byte(c.code >> 8), byte(c.code)})
				if payload != want {
					t.Errorf("closed with %x, expected %x", payload, want)
				}
			} else if payload != want {
				t.Errorf("closed with %x", payload)
			}
			wait(t, client.Done(), "end")
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConnectionsThatBreakEndTheSession(t *testing.T) {
	for _, c := range []struct {
		name, want string
		end        func(net.Conn)
	}{
		{"end of file", "closed", func(conn net.Conn) { conn.Close() }},
		{"end within a frame", "closed", func(conn net.Conn) { _, _ = io.WriteString(conn, "\x81\x10abc"); conn.Close() }},
		{"reset", "reset", reset},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := webSocketServer(t, func(conn net.Conn, br *bufio.Reader) {
				if admit(conn, br) == nil {
					_, _, _ = readClientFrame(br) // the client is there
					c.end(conn)
				}
			})
			client, r := connect(t, Config{URL: url})
			if err := client.Emit([]byte(`["hello"]`)); err != nil {
				t.Fatal(err)
			}
			if err := wait(t, r.disconnected, "Disconnected"); Class(err) != c.want {
				t.Errorf("%q, expected %q: %v", Class(err), c.want, err)
			}
		})
	}
}

func TestPollingServersThatBreakRulesEndTheSession(t *testing.T) {
	for _, c := range []struct {
		name, want string
		poll       http.HandlerFunc // from the second GET on
		post       http.HandlerFunc // nil: as it should be
	}{
		{name: "close packet", want: "closed", poll: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "6\x1e1") }},
		{name: "unknown session", want: "http 400", poll: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":1,"message":"Session ID unknown"}`, http.StatusBadRequest)
		}},
		{name: "empty answer", want: "bad packet", poll: func(http.ResponseWriter, *http.Request) {}},
		{name: "not UTF-8", want: "bad packet", poll: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "42[\"\xff\"]") }},
		{name: "too large", want: "too big", poll: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "4"+strings.Repeat("2", 60_000))
		}},
		{name: "too large in chunks", want: "too big", poll: func(w http.ResponseWriter, _ *http.Request) {
			for range 10_000 {
				if _, err := io.WriteString(w, "4222222222"); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
			}
		}},
		{name: "cut answer", want: "closed", poll: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "42")
			panic(http.ErrAbortHandler)
		}},
		{name: "no ping", want: "ping timeout", poll: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{name: "answers nothing for ever", want: "ping timeout", poll: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "6") }},
		{
			name: "hung POST", want: "timeout",
			poll: func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(10 * time.Millisecond)
				_, _ = io.WriteString(w, "2")
			},
			post: func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
		},
		{
			name: "refused POST", want: "http 413",
			poll: func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(10 * time.Millisecond)
				_, _ = io.WriteString(w, "2")
			},
			post: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			polls := make(chan int, 1)
			polls <- 0
			var posts atomic.Int64 // a client that starts again has two connections for a moment
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					if posts.Add(1) > 1 && c.post != nil { // the first is the CONNECT
						c.post(w, r)
						return
					}
					_, _ = io.WriteString(w, "ok")
					return
				}
				n := <-polls
				polls <- n + 1
				switch n {
				case 0:
					_, _ = io.WriteString(w, `0{"sid":"s","upgrades":[],"pingInterval":200,"pingTimeout":100,"maxPayload":1000000}`)
				case 1:
					_, _ = io.WriteString(w, `40{"sid":"a"}`)
				default:
					c.poll(w, r)
				}
			}))
			defer web.Close()
			r := newRecorder()
			client, err := Dial(t.Context(), Config{URL: web.URL, Transport: Polling, MaxMessage: 50_000, Timeout: time.Second, Handler: r})
			if err != nil {
				t.Fatal(err)
			}
			if err := wait(t, r.disconnected, "Disconnected"); Class(err) != c.want {
				t.Errorf("%q, expected %q: %v", Class(err), c.want, err)
			}
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOverduePingEndsTheSession(t *testing.T) {
	url := webSocketServer(t, func(conn net.Conn, br *bufio.Reader) {
		_, _ = conn.Write(serverFrame(0x81, `0{"sid":"s","pingInterval":100,"pingTimeout":60}`))
		_, _ = conn.Write(serverFrame(0x81, `40{"sid":"a"}`))
		for range 3 { // as long as pings come, it stays
			time.Sleep(100 * time.Millisecond)
			_, _ = conn.Write(serverFrame(0x81, "2"))
		}
		last := time.Now()
		pongs := 0
		for {
			op, payload, err := readClientFrame(br)
			if err != nil || op == opClose {
				break
			}
			if payload == "3" {
				pongs++
			}
		}
		if d := time.Since(last); pongs != 3 || d < 100*time.Millisecond || d > patience/2 {
			t.Errorf("%d pongs; gave up %v after the last ping", pongs, d)
		}
	})
	_, r := connect(t, Config{URL: url})
	if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrPingTimeout) {
		t.Errorf("disconnected: %v", err)
	}
}

func TestServerThatDoesNotReadIsGivenUp(t *testing.T) {
	over := make(chan struct{})
	url := webSocketServer(t, func(conn net.Conn, br *bufio.Reader) {
		if admit(conn, br) == nil {
			<-over
		}
	})
	client, r := connect(t, Config{URL: url, Timeout: 500 * time.Millisecond})
	defer close(over)
	event := []byte(`["x","` + strings.Repeat("x", 100_000) + `"]`)
	var err error
	for n := 0; err == nil && n < 1000; n++ {
		began := time.Now()
		if err = client.Emit(event); time.Since(began) > 400*time.Millisecond {
			t.Error("Emit waited")
		}
	}
	if !errors.Is(err, ErrQueueFull) {
		t.Fatalf("emit: %v", err)
	}
	if err := wait(t, r.disconnected, "Disconnected"); Class(err) != "timeout" {
		t.Errorf("disconnected: %v", err)
	}
}

func TestFloodOfPingsIsBounded(t *testing.T) {
	url := webSocketServer(t, func(conn net.Conn, br *bufio.Reader) {
		if admit(conn, br) != nil {
			return
		}
		flood := []byte(strings.Repeat(string(serverFrame(0x89, strings.Repeat("p", 125))), 1000))
		for { // reads none of the pongs
			if _, err := conn.Write(flood); err != nil {
				return
			}
		}
	})
	_, r := connect(t, Config{URL: url, Timeout: 2 * time.Second})
	if err := wait(t, r.disconnected, "Disconnected"); Class(err) != "queue full" && Class(err) != "timeout" {
		t.Errorf("%q: %v", Class(err), err)
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	url := rawServer(t, silence)
	for _, transport := range []Transport{WebSocket, Polling} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := Dial(ctx, Config{URL: url, Transport: transport, Handler: newRecorder()})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", transport, err)
		}
	}
}

func TestAuthThatFailsIsAnError(t *testing.T) {
	url := serve(t, socketio.Config{}, nil)
	_, err := Dial(t.Context(), Config{URL: url, Handler: newRecorder(), Auth: func() ([]byte, error) { return nil, io.ErrNoProgress }})
	if Class(err) != "auth" || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("dial: %v", err)
	}
}

func TestTLSIsSpokenAndItsErrorsAreClassed(t *testing.T) {
	s, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	echo(s)
	web := httptest.NewUnstartedServer(s)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	defer func() { _ = s.Close(context.Background()) }()
	trust := &tls.Config{RootCAs: web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: strings.Replace(web.URL, "https", "wss", 1), TLS: trust, Transport: transport})
		large := `"` + strings.Repeat("x", 300_000) + `"`
		if got, err := ask(t, c, `["echo",`+large+`]`); got != large || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		wait(t, r.events, "event")
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		_, err := Dial(t.Context(), Config{URL: web.URL, Transport: transport, Handler: newRecorder()})
		if Class(err) != "tls" {
			t.Errorf("unknown authority: %q: %v", Class(err), err)
		}
	})
	plain := serve(t, socketio.Config{}, nil)
	_, err = Dial(t.Context(), Config{URL: strings.Replace(plain, "http", "https", 1), Handler: newRecorder()})
	if Class(err) != "tls" {
		t.Errorf("no TLS there: %q: %v", Class(err), err)
	}
}
