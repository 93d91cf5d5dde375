package peer

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxEarlyBytes bounds what an owner may send before a tunnel has begun, which is less
// than a frame: it has nothing to say before the client has.
const maxEarlyBytes = 4 << 10

// maxRestBytes bounds what is kept for one stalled client until its owner has heard of
// it: all that a trunk can hold, and more than TCP holds of it.
const maxRestBytes = 2 * maxTrunkBytes

// feeder is the forwarding node's end of a trunk (trunk.go). It belongs to one worker,
// which carries all tunnels that it feeds: nothing of it is shared.
type feeder struct {
	id     string
	worker *worker
	ended  func()
	last   atomic.Uint32 // number given to a stream

	// Owned by the worker.
	fd      int
	index   int32 // in slots; 0 before and after its life there
	gen     int32
	armed   uint32
	streams map[uint32]*epolled
	partial []byte // the beginning of a frame
	stalled []byte // numbers of streams that the owner has not been told of yet
	over    bool
}

// feeders finds the feeder for a node and a worker. There is at most one for each pair.
type feeders struct {
	mu sync.Mutex
	// Guarded by mu.
	byPair map[pair]*opening
}

type pair struct {
	node   string // its ID
	worker *worker
}

// opening is a feeder that somebody opens, or has opened, or could not.
type opening struct {
	done   chan struct{}
	feeder *feeder   // nil: it could not be opened. Set before done is closed
	ended  time.Time // when it could not
}

// retryTime is how long tunnels do without a trunk when one could not be opened.
const retryTime = 5 * time.Second

func newFeeders() *feeders { return &feeders{byPair: map[pair]*opening{}} }

// stream is a tunnel's part of a trunk.
type stream struct {
	feeder *feeder
	tunnel *epolled
}

// reserve makes a stream for a tunnel from node n, and opens a trunk with dial if there
// is none. nil says that the tunnel has to do without.
func (ws workers) reserve(ctx context.Context, n *known, dial func(context.Context, string) (net.Conn, error)) *stream {
	w := ws.deal()
	f := ws.feeders.get(ctx, pair{n.ID, w}, n, dial)
	if f == nil {
		return nil
	}
	st := &stream{f, &epolled{feeder: f, number: f.last.Add(1)}}
	w.ask(order{what: actExpect, tunnel: st.tunnel})
	return st
}

// header is what tells the owner where to send.
func (st *stream) header() string {
	return st.feeder.id + ":" + strconv.FormatUint(uint64(st.tunnel.number), 10)
}

// cancel is for a stream whose tunnel will not begin.
func (st *stream) cancel() {
	if st != nil {
		st.feeder.worker.ask(order{what: actEnd, tunnel: st.tunnel})
	}
}

func (fs *feeders) get(ctx context.Context, p pair, n *known, dial func(context.Context, string) (net.Conn, error)) *feeder {
	fs.mu.Lock()
	o := fs.byPair[p]
	mine := o == nil || !o.ended.IsZero() && time.Since(o.ended) > retryTime
	if mine {
		o = &opening{done: make(chan struct{})}
		fs.byPair[p] = o
	}
	fs.mu.Unlock()
	if !mine {
		select {
		case <-o.done:
			return o.feeder
		case <-ctx.Done():
			return nil
		}
	}
	defer close(o.done)
	id := rand.Text()
	conn, err := dial(context.WithoutCancel(ctx), id) // it is for all who wait
	if err != nil {
		fs.mu.Lock()
		o.ended = time.Now()
		fs.mu.Unlock()
		return nil
	}
	o.feeder = p.worker.adopt(conn, id, func() { fs.forget(p, o) }, n)
	return o.feeder
}

func (fs *feeders) forget(p pair, o *opening) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.byPair[p] == o {
		delete(fs.byPair, p)
	}
}

// adopt gives a trunk's connection to the worker. nil says that it can't take it.
func (w *worker) adopt(conn net.Conn, id string, forget func(), n *known) *feeder {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		conn.Close()
		return nil
	}
	fd, err := duplicate(tcp)
	conn.Close()
	if err != nil {
		return nil
	}
	f := &feeder{id: id, worker: w, fd: fd, streams: map[uint32]*epolled{}}
	stop := context.AfterFunc(n.gone, func() { w.ask(order{what: actEnd, feeder: f}) })
	f.ended = func() { stop(); forget() }
	w.ask(order{what: actBegin, feeder: f})
	return f
}

// What follows runs in the worker.

func (w *worker) obeyFeeder(what action, f *feeder) {
	switch {
	case what == actBegin:
		f.index, f.gen = w.enter(slot{feeder: f})
		w.watchFeeder(f)
	case !f.over:
		w.starve(f)
	}
}

// watchFeeder makes epoll look for frames, and for room when there is something to say.
func (w *worker) watchFeeder(f *feeder) {
	want, op := uint32(syscall.EPOLLIN), syscall.EPOLL_CTL_MOD
	if len(f.stalled) > 0 {
		want |= syscall.EPOLLOUT
	}
	if want == f.armed {
		return
	}
	if f.armed == 0 {
		op = syscall.EPOLL_CTL_ADD
	}
	f.armed = want
	if err := syscall.EpollCtl(w.epoll, op, f.fd, &syscall.EpollEvent{Events: want, Fd: f.index << 1, Pad: f.gen}); err != nil {
		w.relays.log.Error("watching a trunk", "error", err)
		w.starve(f)
	}
}

// expect makes room for what may come before the tunnel begins.
func (w *worker) expect(t *epolled) {
	if t.feeder.over {
		t.feeder, t.over = nil, true
		return
	}
	t.feeder.streams[t.number] = t
}

// feed does what an event on a trunk allows.
func (w *worker) feed(f *feeder, events uint32) {
	if events&syscall.EPOLLOUT != 0 {
		w.tell(f)
	}
	if events&^syscall.EPOLLOUT == 0 || f.over {
		return
	}
	for taken := 0; taken < feedBytes && !f.over; {
		n := w.readFrames(f)
		if n == 0 {
			break
		}
		taken += n
	}
	w.flushDirty()
}

// feedBytes is how much of a trunk is read before its clients are written to. While
// they are, more arrives, and so what is for one client goes out in one write, as it
// would have on its own connection.
const feedBytes = 1 << 20

// readFrames reads once and reports how much; 0 says that there is no more for now.
func (w *worker) readFrames(f *feeder) int {
	kept := copy(w.buf, f.partial)
	n, err := ignoringEINTR(syscall.Read, f.fd, w.buf[kept:])
	if errors.Is(err, syscall.EAGAIN) {
		return 0
	}
	if err != nil || n == 0 {
		w.starve(f)
		return 0
	}
	rest := w.share(f, w.buf[:kept+n])
	f.partial = append(f.partial[:0], rest...)
	if len(rest) == 0 {
		f.partial = nil
	}
	if kept+n < len(w.buf) {
		return 0
	}
	return n
}

// flushDirty writes what has come for each client.
func (w *worker) flushDirty() {
	for i, t := range w.dirty {
		p := t.pending
		t.pending, w.dirty[i] = nil, nil
		if t.index != 0 {
			w.write(t, 0, p)
			w.tellStall(t)
		}
		if cap(p) <= maxSpareBytes && len(w.spare) < maxSpares {
			w.spare = append(w.spare, p[:0])
		}
	}
	w.dirty = w.dirty[:0]
}

// What a worker keeps of the buffers of flushDirty.
const maxSpareBytes, maxSpares = 4 << 10, 64

// share hands frames to the tunnels that they are for, and returns what is no whole frame.
func (w *worker) share(f *feeder, p []byte) []byte {
	for len(p) >= frameHead && !f.over {
		number, size := binary.BigEndian.Uint32(p), int(binary.BigEndian.Uint32(p[4:]))
		if size > maxFrameBytes {
			w.relays.log.Error("a trunk brought what is no frame", "bytes", size)
			w.starve(f)
			return nil
		}
		if len(p) < frameHead+size {
			break
		}
		if t := f.streams[number]; t != nil { // else it has ended here, and its owner does not know yet
			w.hand(t, p[frameHead:frameHead+size])
		}
		p = p[frameHead+size:]
	}
	return p
}

// hand gives the client of a tunnel what its owner has sent.
func (w *worker) hand(t *epolled, p []byte) {
	client := &t.sides[0]
	switch {
	case len(p) == 0:
		t.leaveFeeder()
		if t.index != 0 {
			w.watchBoth(t)
		}
	case t.index == 0:
		if t.early = append(t.early, p...); len(t.early) > maxEarlyBytes {
			t.leaveFeeder()
			t.over = true
		}
	case len(client.rest) == 0:
		if len(t.pending) == 0 {
			w.dirty = append(w.dirty, t)
			if n := len(w.spare); n > 0 {
				t.pending, w.spare = w.spare[n-1], w.spare[:n-1]
			}
		}
		t.pending = append(t.pending, p...)
	case len(client.rest)+len(p) > maxRestBytes:
		w.finish(t, true)
	default:
		client.rest = append(client.rest, p...)
	}
	w.tellStall(t)
}

// tellStall lets the owner of a client that takes no more use the tunnel's connection.
func (w *worker) tellStall(t *epolled) {
	client := &t.sides[0]
	if f := t.feeder; f != nil && len(client.rest) > 0 && !t.told {
		t.told = true
		f.stalled = binary.BigEndian.AppendUint32(f.stalled, t.number)
		w.tell(f)
	}
}

// tell names stalled streams to their owner.
func (w *worker) tell(f *feeder) {
	n, err := ignoringEINTR(syscall.Write, f.fd, f.stalled)
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		w.starve(f)
		return
	}
	if f.stalled = f.stalled[n:]; len(f.stalled) == 0 {
		f.stalled = nil
	}
	w.watchFeeder(f)
}

// starve ends a trunk and the tunnels that it fed: what it had for them may be lost.
func (w *worker) starve(f *feeder) {
	f.over = true
	_ = syscall.Close(f.fd) // epoll forgets it
	w.slots[f.index] = slot{}
	w.free = append(w.free, f.index)
	f.index, f.partial = 0, nil
	for _, t := range f.streams {
		if t.index != 0 {
			w.finish(t, true)
			continue
		}
		t.leaveFeeder()
		t.over = true
	}
	f.ended()
}
