package engineio

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// flushBytes is what a worker collects for one write. More than that in one go
// keeps the other sessions of the worker waiting for longer than a system call.
const flushBytes = 64 << 10

// flusher is a worker that writes what waits for the WebSocket sessions on its ready
// list. It never blocks on a client: when a kernel buffer is full, the session goes on
// in a goroutine of its own (stall) and comes back when the client has caught up.
type flusher struct {
	server *Server
	wake   chan struct{}

	messages, bytes atomic.Int64

	mu    sync.Mutex
	ready []*Session // guarded by mu

	// Owned by run.
	batch []*Message
	buf   []byte
	out   []byte
	n     int
	err   error
	write func(fd uintptr) bool // writes out: made once, as a closure for each write would be garbage
}

func newFlusher(s *Server) *flusher {
	f := &flusher{server: s, wake: make(chan struct{}, 1), buf: make([]byte, 0, flushBytes)}
	f.write = func(fd uintptr) bool {
		f.n, f.err = writeNow(fd, f.out)
		return true // never wait here
	}
	return f
}

// push appends a session to the ready list.
func (f *flusher) push(s *Session) {
	f.mu.Lock()
	f.ready = append(f.ready, s)
	first := len(f.ready) == 1
	f.mu.Unlock()
	if first {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

func (f *flusher) run(stop <-chan struct{}) {
	var take []*Session
	for {
		select {
		case <-f.wake:
		case <-stop:
			return
		}
		for {
			f.mu.Lock()
			take, f.ready = f.ready, take[:0]
			f.mu.Unlock()
			if len(take) == 0 {
				break
			}
			for i, s := range take {
				f.flush(s)
				take[i] = nil
			}
			if cap(take) > 4096 {
				take = nil
			}
		}
	}
}

// flush writes what waits for s.
func (f *flusher) flush(s *Session) {
	s.mu.Lock()
	s.ready = false
	c, closing := s.conn, s.state == stateClosing
	if s.stalled || s.state == stateClosed || len(s.queue) == 0 && !closing {
		s.mu.Unlock()
		return
	}
	f.batch = s.takeQueue(f.batch[:0])
	s.mu.Unlock()

	rest, err := f.writeBatch(c)
	clear(f.batch)
	switch {
	case err != nil:
		s.fail(ReasonTransportError)
	case len(rest) > 0 || closing && c.raw == nil: // saying goodbye may block as well
		s.stall(c, rest)
	case closing:
		c.farewell()
	}
}

// writeBatch writes f.batch without blocking and returns copies or references of what
// the kernel did not take.
func (f *flusher) writeBatch(c *conn) (rest net.Buffers, err error) {
	batch := f.batch
	for len(batch) > 0 {
		taken := f.collect(batch)
		if c.try != nil && c.try.TryWrite(f.out) {
			f.n = len(f.out)
		} else if c.raw != nil {
			if err = c.raw.Write(f.write); err == nil && !errors.Is(f.err, syscall.EAGAIN) {
				err = f.err
			}
			if err != nil {
				return nil, err
			}
		} else {
			f.n = 0 // no descriptor of its own (TLS): the blocking way
		}
		f.bytes.Add(int64(f.n))
		f.messages.Add(int64(taken))
		batch = batch[taken:]
		if f.n < len(f.out) {
			rest = append(rest, bytes.Clone(f.out[f.n:]))
			for _, m := range batch {
				rest = append(rest, m.wire())
			}
			f.messages.Add(int64(len(batch)))
			return rest, nil
		}
	}
	return nil, nil
}

// collect points f.out at the bytes of the next write and returns how many messages
// it covers. A message that stands alone is written from where it is.
func (f *flusher) collect(batch []*Message) int {
	first := batch[0].wire()
	if len(batch) == 1 || len(first)+len(batch[1].wire()) > flushBytes {
		f.out = first
		return 1
	}
	f.buf = append(f.buf[:0], first...)
	n := 1
	for ; n < len(batch) && len(f.buf)+batch[n].size() <= flushBytes; n++ {
		f.buf = append(f.buf, batch[n].wire()...)
	}
	f.out = f.buf
	return n
}

// stall goes on with a session whose client does not keep up. rest counts towards the
// queue's limit until it is written.
func (s *Session) stall(c *conn, rest net.Buffers) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	s.stalled = true
	s.queueBytes += total(rest)
	s.mu.Unlock()
	s.server.stats.stalls.Add(1)
	s.server.goroutines.Go(func() { s.drain(c, rest) })
}

// drain writes with blocking writes until nothing is left. What waits must be gone
// within the time of a heartbeat, as the ping behind it must be answered by then.
func (s *Session) drain(c *conn, rest net.Buffers) {
	f := s.worker
	patience := s.server.cfg.PingInterval + s.server.cfg.PingTimeout
	var batch []*Message
	for {
		_ = c.tcp.SetWriteDeadline(time.Now().Add(patience)) // fails only on a closed connection, as the write will
		n, err := rest.WriteTo(c.tcp)
		f.bytes.Add(n)
		if err != nil {
			s.fail(ReasonTransportError)
			return
		}
		s.mu.Lock()
		if s.state == stateClosed {
			s.mu.Unlock()
			return
		}
		batch = s.takeQueue(batch[:0])
		if len(batch) == 0 {
			_ = c.tcp.SetWriteDeadline(time.Time{})
			s.stalled = false
			closing := s.state == stateClosing
			s.mu.Unlock()
			if closing {
				c.farewell()
			}
			return
		}
		rest = rest[:0]
		for _, m := range batch {
			rest = append(rest, m.wire())
		}
		s.queueBytes = total(rest)
		s.mu.Unlock()
		f.messages.Add(int64(len(batch)))
	}
}

func total(b net.Buffers) (n int) {
	for _, p := range b {
		n += len(p)
	}
	return n
}
