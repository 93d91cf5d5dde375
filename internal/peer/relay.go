package peer

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lingerTime is how long one side of a tunnel may stay open when the other has said
// that it is done.
const lingerTime = 10 * time.Second

// chunkBytes is what is moved in one go.
const chunkBytes = 64 << 10

// relays carries tunnels: pairs of connections between which bytes are moved until
// both are done or one fails. On Linux a worker moves those of many (epoll_linux.go);
// elsewhere, and for connections that are not TCP, each has two goroutines (pump.go).
type relays struct {
	patience time.Duration // that one side may take nothing
	linger   time.Duration // lingerTime; tests choose
	portable bool          // no workers; tests choose
	log      *slog.Logger
	workers  workers
	pumps    sync.WaitGroup

	stats relayCounters

	mu sync.Mutex
	// Guarded by mu.
	open   map[*tunnel]struct{}
	closed bool
}

type relayCounters struct {
	opened, bytes, stalls, cut atomic.Int64
}

// tunnel is one pair of connections.
type tunnel struct {
	stop func() bool // ends the watch over the owner
	end  func()      // ends both sides at once; may be called from any goroutine, more than once
}

func newRelays(patience time.Duration, log *slog.Logger) (*relays, error) {
	rs := &relays{patience: patience, linger: lingerTime, log: log, open: map[*tunnel]struct{}{}}
	var err error
	rs.workers, err = newWorkers(rs)
	return rs, err
}

// start begins a tunnel, which owns both connections from now on and ends with gone.
// st, if not nil, is where the owner sends what is for the client.
func (rs *relays) start(gone context.Context, client, owner net.Conn, st *stream) {
	t := &tunnel{}
	rs.mu.Lock() // until t can be ended: whoever wants to must find it
	defer rs.mu.Unlock()
	if rs.closed {
		st.cancel()
		client.Close()
		owner.Close()
		return
	}
	rs.open[t] = struct{}{}
	rs.stats.opened.Add(1)
	if rs.portable || !rs.workers.carry(t, client, owner, st) {
		rs.pump(t, client, owner)
	}
	t.stop = context.AfterFunc(gone, t.end)
}

// ended is called once by whoever carried a tunnel, when both sides are closed.
func (rs *relays) ended(t *tunnel) {
	rs.mu.Lock()
	delete(rs.open, t)
	if len(rs.open) == 0 {
		rs.open = map[*tunnel]struct{}{} // a map does not shrink
	}
	stop := t.stop
	rs.mu.Unlock()
	stop()
}

func (rs *relays) all() []*tunnel {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	out := make([]*tunnel, 0, len(rs.open))
	for t := range rs.open {
		out = append(out, t)
	}
	return out
}

func (rs *relays) count() int {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return len(rs.open)
}

// close ends all tunnels, and waits for whoever carries them.
func (rs *relays) close() {
	rs.mu.Lock()
	again := rs.closed
	rs.closed = true
	rs.mu.Unlock()
	if again {
		return
	}
	for _, t := range rs.all() {
		t.end()
	}
	rs.pumps.Wait()
	rs.workers.close()
}
