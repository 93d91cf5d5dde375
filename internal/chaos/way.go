package main

import (
	"net"
	"sync"
	"time"
)

// way is a network between those who connect to its address and wherever dial leads: a
// proxy that can break, fall silent, or be slow. Its methods may be called from any goroutine.
type way struct {
	// Immutable.
	address string
	dial    func() (net.Conn, error)
	closed  chan struct{}

	running sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	strands  map[*strand]struct{}
	refusing int            // faults that let no connection through
	silences int            // faults that let nothing pass
	speak    chan struct{}  // closed when silences falls to 0; nil while it is 0
	delay    time.Duration  // of everything that passes
	upgrades chan<- *strand // gets connections that ask for a WebSocket; nil: nobody wants them
	ended    bool
}

// strand is one connection through a way.
type strand struct {
	near, far net.Conn      // to who has connected, and to where that leads
	lost      chan struct{} // closed when the near end has gone without a word to the far one
}

// longestDead is how long a connection stays open whose other end has gone without a word.
const longestDead = 2 * time.Minute

func openWay(dial func() (net.Conn, error)) (*way, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &way{address: l.Addr().String(), dial: dial, closed: make(chan struct{}), strands: map[*strand]struct{}{}}
	w.running.Go(func() { w.accept(l) })
	w.running.Go(func() {
		<-w.closed
		_ = l.Close()
	})
	return w, nil
}

// close ends all connections and waits for that.
func (w *way) close() {
	w.mu.Lock()
	w.ended = true
	close(w.closed)
	for s := range w.strands {
		s.reset()
	}
	w.mu.Unlock()
	w.running.Wait()
}

func (s *strand) reset() {
	hangUp(s.near)
	hangUp(s.far)
}

// hangUp closes a connection with a reset.
func hangUp(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

func (w *way) accept(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		w.running.Go(func() { w.connect(near) })
	}
}

func (w *way) connect(near net.Conn) {
	w.mu.Lock()
	refusing := w.refusing > 0
	w.mu.Unlock()
	if refusing || !w.hold(nil) {
		hangUp(near)
		return
	}
	far, err := w.dial()
	if err != nil {
		hangUp(near)
		return
	}
	s := &strand{near: near, far: far, lost: make(chan struct{})}
	w.mu.Lock()
	if w.ended || w.refusing > 0 {
		w.mu.Unlock()
		s.reset()
		return
	}
	w.strands[s] = struct{}{}
	w.mu.Unlock()
	w.running.Go(func() { w.carry(s, far, near) })
	w.carry(s, near, far)
}

// carry copies until one end closes, and then ends both; a strand that is lost keeps its far end
// open for a while.
func (w *way) carry(s *strand, to, from net.Conn) {
	defer func() {
		if s.isLost() {
			w.mourn(s)
		}
		_ = s.near.Close()
		_ = s.far.Close()
		w.mu.Lock()
		delete(w.strands, s)
		w.mu.Unlock()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && from == s.near {
			w.lookForUpgrade(s, buf[:n])
		}
		if !w.hold(s) {
			return
		}
		if _, writeErr := to.Write(buf[:n]); writeErr != nil || err != nil {
			return
		}
	}
}

// hold waits as long as nothing passes. false says that nothing will.
func (w *way) hold(s *strand) bool {
	var lost chan struct{}
	if s != nil {
		lost = s.lost
	}
	w.mu.Lock()
	speak, delay := w.speak, w.delay
	w.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-lost:
			return false
		case <-w.closed:
			return false
		}
	}
	for speak != nil {
		select {
		case <-speak:
		case <-lost:
			return false
		case <-w.closed:
			return false
		}
		w.mu.Lock()
		speak = w.speak
		w.mu.Unlock()
	}
	return s == nil || !s.isLost()
}

func (s *strand) isLost() bool {
	select {
	case <-s.lost:
		return true
	default:
		return false
	}
}

// mourn keeps the far end of a lost strand open and silent.
func (w *way) mourn(s *strand) {
	_ = s.near.Close()
	select {
	case <-time.After(longestDead):
	case <-w.closed:
	}
}

// cut breaks all connections. The far end is told if loud is true, otherwise it keeps them, and
// hears nothing more.
func (w *way) cut(loud bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.strands {
		s.cut(loud)
		delete(w.strands, s)
	}
}

func (s *strand) cut(loud bool) {
	if loud {
		s.reset()
		return
	}
	if !s.isLost() {
		close(s.lost)
		hangUp(s.near)
	}
}

// refuse lets no new connection through until the result is called.
func (w *way) refuse() (accept func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusing++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.refusing--
	}
}

// silence lets nothing pass until the result is called. What was sent meanwhile arrives then.
func (w *way) silence() (speak func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silences++; w.speak == nil {
		w.speak = make(chan struct{})
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.silences--; w.silences == 0 {
			close(w.speak)
			w.speak = nil
		}
	}
}

// slow delays everything by d; 0: nothing.
func (w *way) slow(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}
