package drive

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// server answers each TCP connection as it likes, until the test ends.
func server(t *testing.T, serve func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn // guarded by mu
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			serving.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return "http://" + l.Addr().String()
}

// request reads the head of an HTTP request.
func request(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return
		}
	}
}

func answer(text string) func(net.Conn) {
	return func(c net.Conn) {
		request(c)
		_, _ = io.WriteString(c, text)
	}
}

func TestBadServersEndInAResult(t *testing.T) {
	nobody := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return "http://" + l.Addr().String()
	}
	for name, test := range map[string]struct {
		url   func(*testing.T) string
		class string
	}{
		"refuses":         {func(*testing.T) string { return nobody() }, "connect: refused"},
		"says nothing":    {func(t *testing.T) string { return server(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) }, "connect: timeout"},
		"hangs up":        {func(t *testing.T) string { return server(t, func(net.Conn) {}) }, "connect: "},
		"hangs up midway": {func(t *testing.T) string { return server(t, answer("HTTP/1.1 101 Switching Proto")) }, "connect: "},
		"is a web server": {func(t *testing.T) string {
			return server(t, answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
		}, "connect: http 404"},
		"speaks otherwise": {func(t *testing.T) string { return server(t, answer("220 mail.example ESMTP\r\n")) }, "connect: not socket.io"},
		"floods": {func(t *testing.T) string {
			return server(t, func(c net.Conn) {
				for _, err := io.WriteString(c, strings.Repeat("x", 4096)); err == nil; {
					_, err = io.WriteString(c, strings.Repeat("x", 4096))
				}
			})
		}, "connect: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := of(test.url(t), plan.Group{Clients: 5, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 50}, 300*time.Millisecond)
			p.ConnectTimeout, p.AckTimeout, p.Drain = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
			start := time.Now()
			r := drive(t, p)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			balanced(t, r)
			if r.Counts.Attempts != 6 || r.Counts.ConnectErrors != 6 || r.Counts.Unsent == 0 {
				t.Errorf("%+v", r.Counts)
			}
			found := false
			for _, e := range r.Errors {
				found = found || strings.HasPrefix(e.Class, test.class)
			}
			if !found {
				t.Errorf("no error of class %q: %+v", test.class, r.Errors)
			}
		})
	}
}
