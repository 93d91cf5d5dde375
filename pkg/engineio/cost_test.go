//go:build !race

// The race detector allocates, and has memory of its own: make test runs these without.

package engineio

import (
	"io"
	"net"
	"runtime"
	"testing"
)

// sinks opens n WebSocket sessions whose clients throw away what they get.
func sinks(tb testing.TB, n int) []*Session {
	tb.Helper()
	cfg, err := Config{OnSession: func(*Session) Receiver { return closedOnly(make(chan Reason, 1)) }}.withDefaults()
	if err != nil {
		tb.Fatal(err)
	}
	server := &Server{cfg: cfg, sessions: map[string]*Session{}}
	server.clock = newClock(&server.cfg, server.expire)
	worker := newFlusher(server) // does not run: what Send costs is the sender's part
	sessions := make([]*Session, n)
	for i := range sessions {
		sessions[i] = &Session{server: server, worker: worker, websocket: true}
	}
	return sessions
}

// emptied does what a worker does, but for the write.
func emptied(sessions []*Session) {
	f := sessions[0].worker
	for _, s := range sessions {
		s.mu.Lock()
		s.ready = false
		f.batch = s.takeQueue(f.batch[:0])
		s.mu.Unlock()
	}
	f.mu.Lock()
	f.ready = f.ready[:0]
	f.mu.Unlock()
}

func TestSendAllocatesNothingPerRecipient(t *testing.T) {
	sessions := sinks(t, 100)
	m := NewText([]byte("hello"))
	got := testing.AllocsPerRun(100, func() {
		for _, s := range sessions {
			if err := s.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		emptied(sessions)
	})
	if got != 0 {
		t.Errorf("%v allocations for %d recipients", got, len(sessions))
	}
}

func TestFlushAllocatesNothingPerRecipient(t *testing.T) {
	w := newTCPWorld(t, Config{})
	const n = 20
	var peers [n]*peer
	for i := range peers {
		c := w.openWebSocket()
		peers[i] = c.peer
		go func() { _, _ = io.Copy(io.Discard, c.conn) }()
	}
	m := NewText([]byte("hello"))
	flushed := func(s *Session) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue) == 0
	}
	got := testing.AllocsPerRun(200, func() {
		for _, p := range peers {
			_ = p.Send(m)
		}
		for _, p := range peers {
			for !flushed(p.Session) {
				runtime.Gosched()
			}
		}
	})
	if got >= n/4 { // the clients and net/http are in the same process
		t.Errorf("%v allocations for %d recipients", got, n)
	}
}

func BenchmarkSend(b *testing.B) {
	sessions := sinks(b, 1000)
	m := NewText([]byte("hello"))
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range sessions {
			_ = s.Send(m)
		}
		emptied(sessions)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(sessions)), "ns/recipient")
}

func live() uint64 {
	runtime.GC()
	runtime.GC() // what had a finalizer
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// An idle session keeps about 4 KiB of heap and stack on the server's side, connection
// included; the clients of this test are bare sockets of about 0.5 KiB each.
func TestIdleWebSocketSessionIsSmall(t *testing.T) {
	const n, bound = 1000, 6 << 10
	opened := make(chan *Session, n)
	w := newTCPWorld(t, Config{OnSession: func(s *Session) Receiver { opened <- s; return nobody{} }})
	w.dialWebSocket(webSocketQuery)
	receive(t, opened, "the first session")
	before := live()
	clients := make([]net.Conn, n)
	for i := range clients {
		c := w.dialWebSocket(webSocketQuery)
		clients[i] = c.conn
		receive(t, opened, "a session")
	}
	settle(w, n+1)
	each := (live() - before) / n
	t.Logf("%d bytes for each idle session and its client", each)
	if each > bound {
		t.Errorf("an idle session keeps %d bytes, more than %d", each, bound)
	}
	runtime.KeepAlive(clients)
}

type nobody struct{}

func (nobody) Message([]byte, bool) {}
func (nobody) Closed(Reason)        {}
