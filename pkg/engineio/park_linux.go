package engineio

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

// Parking costs a few microseconds at the next message, so a busy connection must not:
// it keeps its reader until it has been silent for parkAfter to twice that time. One
// whose messages are further apart than busyGap parks at once, so that neither a burst
// of handshakes nor the pongs of idle clients need a goroutine for each.
const (
	parkAfter = time.Second
	busyGap   = 250 * time.Millisecond
)

// parking holds the connections that have been silent for a while, without a goroutine
// for each: an epoll instance of our own says when bytes arrive. The descriptors stay
// with Go's poller as well.
type parking struct {
	server *Server

	mu sync.Mutex
	// Guarded by mu.
	state  parkState
	epoll  int
	stopFD [2]int  // a pipe: closing its writing end ends run
	slots  []*conn // by parkSlot.index
	gens   []int32 // how often each slot was given away: events of earlier holders are stale
	free   []int32
	count  int // connections that are parked now
}

type parkState uint8

const (
	parkUnused  parkState = iota // no connection has been silent yet
	parkRunning                  // run waits for events
	parkStopped                  // for good: nobody parks any more
)

// parkSlot is a connection's place in the parking. Guarded by parking.mu.
type parkSlot struct {
	index  int32 // from 1; 0: none yet
	gen    int32
	parked bool
}

const parkEvents = syscall.EPOLLIN | syscall.EPOLLRDHUP | 1<<30 // EPOLLONESHOT

func newParking(s *Server) *parking {
	return &parking{server: s, slots: make([]*conn, 1), gens: make([]int32, 1)}
}

// start makes the epoll instance, when the first connection parks: a server without
// such connections (tests in virtual time, for one) has no goroutine in a system call.
func (p *parking) start() error {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err = syscall.Pipe2(p.stopFD[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		_ = syscall.Close(epoll)
		return os.NewSyscallError("pipe2", err)
	}
	stop := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLHUP}
	if err = syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, p.stopFD[0], &stop); err != nil {
		_ = syscall.Close(epoll)
		_ = syscall.Close(p.stopFD[0])
		_ = syscall.Close(p.stopFD[1])
		return os.NewSyscallError("epoll_ctl", err)
	}
	p.epoll, p.state = epoll, parkRunning
	end := p.stopFD[0]
	p.server.goroutines.Go(func() { p.run(epoll, end) }) // the caller is a reader, which Close waits for
	return nil
}

// stop ends run. No connection parks after it.
func (p *parking) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == parkRunning {
		_ = syscall.Close(p.stopFD[1])
	}
	p.state = parkStopped
}

// run starts a reader for each connection that has bytes, until stop.
func (p *parking) run(epoll, end int) {
	defer func() {
		_ = syscall.Close(epoll)
		_ = syscall.Close(end)
	}()
	events := make([]syscall.EpollEvent, 256)
	for {
		n, err := syscall.EpollWait(epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			p.server.cfg.Logger.Error("waiting for parked connections", "error", err)
			return
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == 0 {
				return
			}
			if c := p.take(e.Fd, e.Pad); c != nil {
				p.server.goroutines.Go(func() { c.read(true) })
			}
		}
	}
}

// take ends the parking of the connection that an event is about, unless it is stale.
func (p *parking) take(index, gen int32) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.slots[index]
	if c == nil || c.parkSlot.gen != gen || !c.parkSlot.parked {
		return nil
	}
	c.parkSlot.parked = false
	p.count--
	return c
}

func (p *parking) parked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func (c *conn) canPark() bool { return c.raw != nil && c.server.parking != nil }

// awaitByte waits for the next message's first byte. false says that the connection
// is not busy: none came for parkAfter, or the one before took longer than busyGap. The
// deadline is moved once in a while, not for each message.
func (c *conn) awaitByte() bool {
	now := time.Now()
	since := now.UnixNano()
	calm := since-c.waited > int64(busyGap)
	c.waited = since
	if calm {
		return false
	}
	c.waiting, c.budget = true, framingAllowance
	if c.deadline < since+int64(parkAfter) {
		c.deadline = since + 2*int64(parkAfter)
		_ = c.tcp.SetReadDeadline(now.Add(2 * parkAfter)) // fails only on a closed connection, as the read will
	}
	_, err := c.br.Peek(1)
	c.waiting = false
	return !errors.Is(err, os.ErrDeadlineExceeded) // other errors come back when the library reads
}

// park gives up the reader. false says that the reader has to go on: the connection is
// closed, or there is no parking.
func (c *conn) park() bool {
	p := c.server.parking
	if c.tcp.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	c.deadline = 0
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.usable() {
		return false
	}
	op := syscall.EPOLL_CTL_MOD
	if c.parkSlot.index == 0 {
		op = syscall.EPOLL_CTL_ADD
		p.assign(c)
	}
	event := syscall.EpollEvent{Events: parkEvents, Fd: c.parkSlot.index, Pad: c.parkSlot.gen}
	var ctlErr error
	err := c.raw.Control(func(fd uintptr) { ctlErr = syscall.EpollCtl(p.epoll, op, int(fd), &event) })
	if err != nil || ctlErr != nil {
		return false
	}
	c.parkSlot.parked = true
	p.count++
	return true
}

// usable reports whether the epoll instance is there. Callers hold mu.
func (p *parking) usable() bool {
	if p.state == parkUnused {
		if err := p.start(); err != nil {
			p.server.cfg.Logger.Error("connections keep their readers", "error", err)
			p.state = parkStopped
		}
	}
	return p.state == parkRunning
}

func (p *parking) assign(c *conn) {
	if n := len(p.free); n > 0 {
		c.parkSlot.index = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		c.parkSlot.index = int32(len(p.slots))
		p.slots, p.gens = append(p.slots, nil), append(p.gens, 0)
	}
	p.gens[c.parkSlot.index]++
	c.parkSlot.gen = p.gens[c.parkSlot.index]
	p.slots[c.parkSlot.index] = c
}

// unpark takes a closed connection out and reports whether it had no reader.
func (c *conn) unpark() bool {
	p := c.server.parking
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was := c.parkSlot.parked
	if was {
		c.parkSlot.parked = false
		p.count--
	}
	return was
}

// leaveParking gives back the connection's place.
func (c *conn) leaveParking() {
	p := c.server.parking
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := c.parkSlot.index; i != 0 {
		p.slots[i] = nil
		p.free = append(p.free, i)
		c.parkSlot = parkSlot{}
	}
}
