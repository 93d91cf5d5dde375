package socketio

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// sink is a session that takes everything.
type sink struct{ fakeSession }

func (*sink) Send(...*engineio.Message) error        { return nil }
func (*sink) SendVolatile(...*engineio.Message) bool { return true }
func (s *sink) Close(r engineio.Reason)              { s.receiver.Closed(r) }

// crowd connects n sockets in rooms, and returns what ends them.
func crowd(t testing.TB, s *Server, n int, rooms ...string) (end func()) {
	sinks := make([]*sink, n)
	for i := range sinks {
		sinks[i] = new(sink)
		c := s.accept(sinks[i])
		sinks[i].receiver = c
		c.Message([]byte("0"), false)
		for c.socket("/") == nil || !c.socket("/").Connected() {
			runtime.Gosched() // with recovery a goroutine connects it
		}
		if err := c.socket("/").Join(t.Context(), rooms...); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, f := range sinks {
			f.Close(engineio.ReasonTransportClose)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestBroadcastAllocatesNothingPerRecipient(t *testing.T) {
	allocs := func(recipients int, cfg Config, emit func(s *Server)) float64 {
		s := newTestServer(t, cfg, "node", new(strings.Builder))
		defer crowd(t, s, recipients, "red", "blue")()
		emit(s)
		return testing.AllocsPerRun(100, func() { emit(s) })
	}
	for _, test := range []struct {
		name string
		emit func(s *Server)
	}{
		{"a room", func(s *Server) { _ = s.To("red").Emit("news", "text") }},
		{"two rooms", func(s *Server) { _ = s.To("red", "blue").Emit("news", "text") }},
		{"everybody but a room", func(s *Server) { _ = s.Except("green").Emit("news", "text") }},
		{"volatile", func(s *Server) { _ = s.Volatile().Emit("news", "text") }},
	} {
		off := Config{}
		on := Config{Recovery: func(string) Recovery { return Recovery{Window: time.Minute} }}
		few, many := allocs(1, off, test.emit), allocs(1000, off, test.emit)
		if many > few+1 { // the pool may lose its audience to a garbage collection
			t.Errorf("%s: %v allocations for 1 recipient, %v for 1000", test.name, few, many)
		}
		fewOn, manyOn := allocs(1, on, test.emit), allocs(1000, on, test.emit)
		if manyOn > fewOn+1 || fewOn > few+3 { // two for the offset and the history, and one as above
			t.Errorf("%s, with recovery: %v allocations for 1 recipient, %v for 1000; without it %v", test.name, fewOn, manyOn, few)
		}
	}
}

func BenchmarkBroadcast(b *testing.B) {
	benchmarkBroadcast(b, Config{})
}

func BenchmarkBroadcastWithRecovery(b *testing.B) {
	benchmarkBroadcast(b, Config{Recovery: func(string) Recovery { return Recovery{Window: time.Minute} }})
}

func benchmarkBroadcast(b *testing.B, cfg Config) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newTestServer(b, cfg, "node", new(strings.Builder))
			defer crowd(b, s, n, "red")()
			b.ReportAllocs()
			for b.Loop() {
				_ = s.To("red").Emit("news", "some text for everybody")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/recipient")
		})
	}
}

func BenchmarkEventWithAck(b *testing.B) {
	s := newTestServer(b, Config{}, "node", new(strings.Builder))
	acked := make(chan struct{})
	s.On("ask", func(e *Event) { _ = e.Ack("ok"); acked <- struct{}{} })
	f := new(sink)
	c := s.accept(f)
	f.receiver = c
	c.Message([]byte("0"), false)
	packet := []byte(`21["ask","text"]`)
	b.ReportAllocs()
	for b.Loop() {
		c.Message(packet, false)
		<-acked
	}
	f.Close(engineio.ReasonTransportClose)
	if err := s.Close(b.Context()); err != nil {
		b.Error(err)
	}
}

// TestIdleSocketIsSmall holds what one connection with a socket in "/" and in one
// room costs, its session aside.
func TestIdleSocketIsSmall(t *testing.T) {
	const n, budget = 10_000, 700
	s := newTestServer(t, Config{}, "node", new(strings.Builder))
	sinks := make([]*sink, n)
	for i := range sinks {
		sinks[i] = new(sink)
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	for i := range sinks {
		c := s.accept(sinks[i])
		sinks[i].receiver = c
		c.Message([]byte("0"), false)
		if err := c.socket("/").Join(t.Context(), fmt.Sprint("room", i/5)); err != nil {
			t.Fatal(err)
		}
		quiet(goroutines)
	}
	each := (heap() - before) / n
	t.Logf("%d bytes for each connection", each)
	if each > budget {
		t.Errorf("a connection costs %d bytes, want at most %d", each, budget)
	}
	for i, f := range sinks {
		f.Close(engineio.ReasonTransportClose)
		sinks[i] = nil
		quiet(goroutines)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if left := heap() - before; left > n*budget/10 {
		t.Errorf("%d bytes are left when all have gone", left)
	}
	runtime.KeepAlive(sinks)
}

// quiet waits until the inboxes are empty: the runtime keeps a record of every
// goroutine that there has been at a time.
func quiet(goroutines int) {
	for runtime.NumGoroutine() > goroutines {
		runtime.Gosched()
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
