package faulty

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Mode is a way for a server to be of no use.
type Mode string

// The modes.
const (
	Refuses        Mode = "refuses connections"
	Silent         Mode = "accepts, and says nothing"
	Hangup         Mode = "accepts, and closes"
	HangupMidway   Mode = "closes in the middle of its first answer"
	Garbage        Mode = "answers with what is not HTTP"
	Unavailable    Mode = "answers 503"
	Website        Mode = "answers 200 with a page"
	OldEngine      Mode = "speaks Engine.IO 3"
	GarbageFrames  Mode = "accepts WebSocket, and sends what is not Engine.IO"
	NeverOpens     Mode = "accepts WebSocket, and says nothing"
	NeverConnects  Mode = "opens a session, and answers no CONNECT"
	Rejects        Mode = "answers CONNECT with CONNECT_ERROR"
	HangupOpened   Mode = "closes when the session is open"
	HangupWorking  Mode = "closes after ten messages of a client"
	NeverAnswers   Mode = "connects, and answers nothing more"
	Floods         Mode = "connects, and sends events as fast as it can"
	FloodsUnparsed Mode = "connects, and sends broken packets as fast as it can"
)

// Modes are all of them.
var Modes = []Mode{
	Refuses, Silent, Hangup, HangupMidway, Garbage, Unavailable, Website, OldEngine,
	GarbageFrames, NeverOpens, NeverConnects, Rejects, HangupOpened, HangupWorking,
	NeverAnswers, Floods, FloodsUnparsed,
}

// StartBad runs a bad server on a free port of the loopback until the test ends, and
// returns its URL. From GarbageFrames on the modes are of WebSocket; to other requests
// these answer 400.
func StartBad(tb testing.TB, mode Mode) string {
	tb.Helper()
	if mode == Refuses {
		return "http://" + refuse(tb)
	}
	answer := answers[mode]
	if answer == nil {
		tb.Fatalf("no mode %q", mode)
	}
	b := &bad{ln: listen(tb), conns: make(map[net.Conn]struct{})}
	b.running.Go(func() { b.accept(answer) })
	tb.Cleanup(b.close)
	return "http://" + b.ln.Addr().String()
}

// bad is a server that leaves each connection to a function.
type bad struct {
	ln      net.Listener
	running sync.WaitGroup

	// Guarded by mu.
	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

func (b *bad) accept(answer func(net.Conn)) {
	for {
		conn, err := b.ln.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		if b.closed {
			conn.Close()
		} else {
			b.conns[conn] = struct{}{}
			b.running.Go(func() {
				answer(conn)
				conn.Close()
				b.mu.Lock()
				delete(b.conns, conn)
				b.mu.Unlock()
			})
		}
		b.mu.Unlock()
	}
}

func (b *bad) close() {
	b.ln.Close()
	b.mu.Lock()
	b.closed = true
	for conn := range b.conns {
		conn.Close()
	}
	b.mu.Unlock()
	b.running.Wait()
}

// answers is what each mode does with a connection, which is closed after it. All end
// when the connection does.
var answers = map[Mode]func(net.Conn){
	Silent: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	Hangup: func(net.Conn) {},
	HangupMidway: requests(func(*http.Request) string {
		return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n0{\"sid\":"
	}),
	Garbage: requests(func(*http.Request) string {
		return "220 mail.example.com ESMTP\r\n" + strings.Repeat("\x00\xff\x1b", 1000) + "\r\n"
	}),
	Unavailable: requests(func(*http.Request) string { return response("503 Service Unavailable", "try later") }),
	Website: requests(func(*http.Request) string {
		return response("200 OK", "<!doctype html><title>Welcome</title>")
	}),
	OldEngine: func(c net.Conn) {
		const open = `0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}`
		s, r := upgrade(c)
		if s == nil {
			if r != nil { // packets of version 3 have their length before them
				io.WriteString(c, response("200 OK", fmt.Sprintf("%d:%s2:40", len(open), open)))
			}
			return
		}
		s.send(open)
		s.send("40")
		s.drain(-1)
	},
	GarbageFrames: sessions(func(s *stream) {
		s.send("\x01hello, this is no packet")
		s.drain(-1)
	}),
	NeverOpens: sessions(func(s *stream) { s.drain(-1) }),
	NeverConnects: sessions(func(s *stream) {
		s.open()
		s.drain(-1)
	}),
	Rejects: sessions(func(s *stream) {
		s.open()
		s.drain(1)
		s.send(`44{"message":"not today"}`)
		s.drain(-1)
	}),
	HangupOpened: sessions(func(s *stream) { s.open() }),
	HangupWorking: sessions(func(s *stream) {
		s.connect()
		s.drain(10)
	}),
	NeverAnswers: sessions(func(s *stream) {
		s.connect()
		s.drain(-1)
	}),
	Floods: sessions(func(s *stream) {
		s.connect()
		s.flood(`42["msg","` + strings.Repeat("flood", 20) + `"]`)
	}),
	FloodsUnparsed: sessions(func(s *stream) {
		s.connect()
		s.flood(`42["msg`)
	}),
}

func response(status, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
}

// requests answers the first request of a connection, as it stands, and closes.
func requests(answer func(*http.Request) string) func(net.Conn) {
	return func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		io.WriteString(c, answer(r))
	}
}

// sessions gives WebSocket connections to run, and answers others with 400.
func sessions(run func(*stream)) func(net.Conn) {
	return func(c net.Conn) {
		s, r := upgrade(c)
		switch {
		case s != nil:
			run(s)
		case r != nil:
			io.WriteString(c, response("400 Bad Request", `{"code":0,"message":"Transport unknown"}`))
		}
	}
}
