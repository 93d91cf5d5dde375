package peer

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// workers move the bytes of all TCP tunnels: one for each processor, with an epoll
// instance of its own. An idle tunnel has two descriptors, which Go's poller no longer
// knows, and no goroutine, no buffer and no timer.
type workers struct {
	all     []*worker
	next    *atomic.Uint32
	run     *sync.WaitGroup
	feeders *feeders
}

// worker carries tunnels without ever blocking on one of them. What a side does not
// take is kept, at most one chunk, and the other side is not read until it is gone.
type worker struct {
	relays *relays
	epoll  int
	wake   [2]int // a pipe

	mu sync.Mutex
	// Guarded by mu.
	inbox []order
	stop  bool

	// Owned by run.
	slots   []slot                // by index, from 1
	free    []int32               // indexes
	gen     int32                 // given out last
	waiting map[*epolled]struct{} // tunnels that have a deadline
	buf     []byte
	dirty   []*epolled // for whose clients there is something pending
	spare   [][]byte
}

// slot is what an index in an event stands for: one of these, or nothing.
type slot struct {
	tunnel *epolled
	feeder *feeder
}

// order asks a worker to begin or to end a tunnel or a feeder, or to expect bytes for a
// tunnel that is about to begin.
type order struct {
	what   action
	tunnel *epolled
	feeder *feeder
}

type action int

const (
	actBegin action = iota
	actEnd
	actExpect
)

// epolled is a tunnel that a worker carries. All but tunnel is owned by the worker once
// it has begun.
type epolled struct {
	tunnel   *tunnel
	index    int32 // in slots; 0 before and after its life there
	gen      int32
	sides    [2]side // client, owner
	deadline time.Time

	feeder  *feeder // brings what the owner sends; nil while its own connection does
	number  uint32  // of the stream there
	told    bool    // the owner has been told that the client stalls
	pending []byte  // what came from the feeder, for the client
	early   []byte  // what came before the tunnel began
	over    bool    // it ended before it began
}

type side struct {
	fd    int
	armed uint32 // the events that epoll watches for; 0: the descriptor is not there
	eof   bool   // it has sent all that it will
	rest  []byte // what came for it and is not written yet
}

func newWorkers(rs *relays) (workers, error) {
	ws := workers{next: &atomic.Uint32{}, run: &sync.WaitGroup{}, feeders: newFeeders()}
	for range runtime.GOMAXPROCS(0) {
		w, err := newWorker(rs)
		if err != nil {
			ws.close()
			return ws, err
		}
		ws.all = append(ws.all, w)
		ws.run.Go(w.work)
	}
	return ws, nil
}

func newWorker(rs *relays) (*worker, error) {
	w := &worker{relays: rs, slots: make([]slot, 1), waiting: map[*epolled]struct{}{}, buf: make([]byte, chunkBytes)}
	var err error
	if w.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err = syscall.Pipe2(w.wake[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		_ = syscall.Close(w.epoll)
		return nil, os.NewSyscallError("pipe2", err)
	}
	if err = syscall.EpollCtl(w.epoll, syscall.EPOLL_CTL_ADD, w.wake[0], &syscall.EpollEvent{Events: syscall.EPOLLIN}); err != nil {
		w.release()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return w, nil
}

func (w *worker) release() {
	_ = syscall.Close(w.epoll)
	_ = syscall.Close(w.wake[0])
	_ = syscall.Close(w.wake[1])
}

// close ends the workers, once no tunnel is left or shall be.
func (ws workers) close() {
	for _, w := range ws.all {
		w.mu.Lock()
		w.stop = true
		w.mu.Unlock()
		w.rouse()
	}
	ws.run.Wait()
	for _, w := range ws.all {
		for _, o := range w.inbox { // too late
			o.discard()
		}
		w.release()
	}
}

// discard closes what an order has brought.
func (o order) discard() {
	switch {
	case o.what != actBegin:
	case o.feeder != nil:
		_ = syscall.Close(o.feeder.fd)
	default:
		_ = syscall.Close(o.tunnel.sides[0].fd)
		_ = syscall.Close(o.tunnel.sides[1].fd)
	}
}

// carry takes both descriptors out of the hands of package net and begins the tunnel.
// false says that it can't, and has changed nothing.
func (ws workers) carry(t *tunnel, client, owner net.Conn, st *stream) bool {
	c, ok := client.(*net.TCPConn)
	o, also := owner.(*net.TCPConn)
	if !ok || !also {
		return false
	}
	e, w := &epolled{}, ws.deal()
	if st != nil {
		e, w = st.tunnel, st.feeder.worker
	}
	e.tunnel = t
	var err error
	if e.sides[0].fd, err = duplicate(c); err != nil {
		return false
	}
	if e.sides[1].fd, err = duplicate(o); err != nil {
		_ = syscall.Close(e.sides[0].fd)
		return false
	}
	client.Close()
	owner.Close()
	t.end = func() { w.ask(order{what: actEnd, tunnel: e}) }
	w.ask(order{what: actBegin, tunnel: e})
	return true
}

func (ws workers) deal() *worker { return ws.all[int(ws.next.Add(1))%len(ws.all)] }

// duplicate returns a descriptor of its own for a connection. It does not block, as
// package net has seen to.
func duplicate(c *net.TCPConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var fd uintptr
	var errno syscall.Errno
	err = raw.Control(func(old uintptr) {
		fd, _, errno = syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return int(fd), err
}

func (w *worker) ask(o order) {
	w.mu.Lock()
	w.inbox = append(w.inbox, o)
	first := len(w.inbox) == 1
	w.mu.Unlock()
	if first {
		w.rouse()
	}
}

// rouse makes the worker look at its inbox. A full pipe has roused it already.
func (w *worker) rouse() { _, _ = syscall.Write(w.wake[1], []byte{0}) }

// work carries tunnels until close.
func (w *worker) work() {
	events := make([]syscall.EpollEvent, 256)
	looked := time.Now()
	for {
		timeout := -1
		if len(w.waiting) > 0 {
			timeout = 250 // ms
		}
		n, err := syscall.EpollWait(w.epoll, events, timeout)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			w.relays.log.Error("waiting for tunnels", "error", err)
			n = 0
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == 0 {
				if w.obey() {
					return
				}
				continue
			}
			s := w.slots[e.Fd>>1]
			switch {
			case s.tunnel != nil && s.tunnel.gen == e.Pad:
				w.serve(s.tunnel, int(e.Fd&1), e.Events)
			case s.feeder != nil && s.feeder.gen == e.Pad:
				w.feed(s.feeder, e.Events)
			}
		}
		if len(w.waiting) > 0 && time.Since(looked) > 200*time.Millisecond {
			looked = time.Now()
			w.cutLate(looked)
		}
	}
}

// obey does what the inbox asks for and reports whether the worker shall end.
func (w *worker) obey() bool {
	var drain [64]byte
	_, _ = syscall.Read(w.wake[0], drain[:]) // level-triggered: what is left comes again
	w.mu.Lock()
	inbox, stop := w.inbox, w.stop
	w.inbox = nil
	w.mu.Unlock()
	for _, o := range inbox {
		switch {
		case o.feeder != nil:
			w.obeyFeeder(o.what, o.feeder)
		case o.what == actExpect:
			w.expect(o.tunnel)
		case o.what == actBegin:
			w.begin(o.tunnel)
		case o.tunnel.index != 0:
			w.finish(o.tunnel, false)
		default: // before it began
			o.tunnel.leaveFeeder()
		}
	}
	if stop {
		for _, s := range w.slots {
			if s.feeder != nil {
				w.starve(s.feeder)
			}
		}
	}
	return stop
}

// enter finds a place among the slots. Events of who had it before are stale, as the
// generation tells.
func (w *worker) enter(s slot) (index, gen int32) {
	w.gen++
	if n := len(w.free); n > 0 {
		index = w.free[n-1]
		w.free = w.free[:n-1]
		w.slots[index] = s
		return index, w.gen
	}
	w.slots = append(w.slots, s)
	return int32(len(w.slots)) - 1, w.gen
}

func (w *worker) begin(t *epolled) {
	t.index, t.gen = w.enter(slot{tunnel: t})
	if t.over {
		w.finish(t, true)
		return
	}
	if early := t.early; len(early) > 0 {
		t.early = nil
		w.write(t, 0, early)
	}
	w.watchBoth(t)
}

// watch makes epoll look for what a side can do now. A side with nothing to do is not
// watched at all, as epoll would report its end again and again.
func (w *worker) watch(t *epolled, i int) {
	s, other := &t.sides[i], &t.sides[1-i]
	var want uint32
	if !s.eof && len(other.rest) == 0 && (i == 0 || t.feeder == nil) {
		want |= syscall.EPOLLIN
	}
	if len(s.rest) > 0 {
		want |= syscall.EPOLLOUT
	}
	if want == s.armed {
		return
	}
	op := syscall.EPOLL_CTL_MOD
	switch {
	case s.armed == 0:
		op = syscall.EPOLL_CTL_ADD
	case want == 0:
		op = syscall.EPOLL_CTL_DEL
	}
	s.armed = want
	err := syscall.EpollCtl(w.epoll, op, s.fd, &syscall.EpollEvent{Events: want, Fd: t.index<<1 | int32(i), Pad: t.gen})
	if err != nil {
		w.relays.log.Error("watching a tunnel", "error", err)
		w.finish(t, true)
	}
}

// serve does what an event allows.
func (w *worker) serve(t *epolled, i int, events uint32) {
	s := &t.sides[i]
	if events&syscall.EPOLLOUT != 0 && len(s.rest) > 0 {
		w.flush(t, i)
	}
	const readable = syscall.EPOLLIN | syscall.EPOLLHUP | syscall.EPOLLERR
	if t.index != 0 && events&readable != 0 && s.armed&syscall.EPOLLIN != 0 {
		w.move(t, i)
	}
}

// move reads from side i and writes to the other.
func (w *worker) move(t *epolled, i int) {
	n, err := ignoringEINTR(syscall.Read, t.sides[i].fd, w.buf)
	switch {
	case errors.Is(err, syscall.EAGAIN):
	case err != nil:
		w.finish(t, true)
	case n == 0:
		w.ended(t, i)
	default:
		w.write(t, 1-i, w.buf[:n])
	}
}

// write gives p to side i, and keeps what it does not take.
func (w *worker) write(t *epolled, i int, p []byte) {
	n, err := ignoringEINTR(syscall.Write, t.sides[i].fd, p)
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		w.finish(t, true)
		return
	}
	w.relays.stats.bytes.Add(int64(n))
	if n == len(p) {
		return
	}
	w.relays.stats.stalls.Add(1)
	t.sides[i].rest = append([]byte(nil), p[n:]...)
	w.expire(t, w.relays.patience)
	w.watchBoth(t)
}

// flush writes what a side has not taken before.
func (w *worker) flush(t *epolled, i int) {
	s := &t.sides[i]
	n, err := ignoringEINTR(syscall.Write, s.fd, s.rest)
	if err != nil {
		if !errors.Is(err, syscall.EAGAIN) {
			w.finish(t, true)
		}
		return
	}
	w.relays.stats.bytes.Add(int64(n))
	if s.rest = s.rest[n:]; len(s.rest) > 0 {
		w.expire(t, w.relays.patience)
		return
	}
	s.rest = nil
	w.settle(t)
}

// ended takes note that side i has sent everything, and tells the other.
func (w *worker) ended(t *epolled, i int) {
	t.sides[i].eof = true
	_ = syscall.Shutdown(t.sides[1-i].fd, syscall.SHUT_WR) // fails only if the connection has
	w.settle(t)
}

// settle sets the tunnel's deadline for the state it is in now, or ends it.
func (w *worker) settle(t *epolled) {
	c, o := &t.sides[0], &t.sides[1]
	switch {
	case len(c.rest) > 0 || len(o.rest) > 0:
		w.expire(t, w.relays.patience)
	case c.eof && o.eof:
		w.finish(t, false)
		return
	case c.eof || o.eof:
		w.expire(t, w.relays.linger)
	default:
		t.deadline = time.Time{}
		delete(w.waiting, t)
	}
	w.watchBoth(t)
}

func (w *worker) watchBoth(t *epolled) {
	for i := range t.sides {
		if t.index != 0 {
			w.watch(t, i)
		}
	}
}

func (w *worker) expire(t *epolled, after time.Duration) {
	t.deadline = time.Now().Add(after)
	w.waiting[t] = struct{}{}
}

// cutLate ends the tunnels whose time is over.
func (w *worker) cutLate(now time.Time) {
	for t := range w.waiting {
		if now.After(t.deadline) {
			w.relays.stats.cut.Add(1)
			w.finish(t, true)
		}
	}
}

// leaveFeeder makes the tunnel's stream unknown to its trunk, if it is on one.
func (t *epolled) leaveFeeder() {
	if t.feeder != nil {
		delete(t.feeder.streams, t.number)
		t.feeder = nil
	}
}

// finish closes both sides. abort tells their other ends that this is no orderly end.
func (w *worker) finish(t *epolled, abort bool) {
	for i := range t.sides {
		if abort {
			_ = syscall.SetsockoptLinger(t.sides[i].fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		}
		_ = syscall.Close(t.sides[i].fd) // epoll forgets it
	}
	t.leaveFeeder()
	w.slots[t.index] = slot{}
	w.free = append(w.free, t.index)
	t.index = 0
	delete(w.waiting, t)
	w.relays.ended(t.tunnel)
}

func ignoringEINTR(call func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := call(fd, p)
		if err == nil || !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}
