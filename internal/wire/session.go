package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// session is one Engine.IO session, from an attempt's beginning to its end.
//
// Whoever wants something of the reading goroutine says so in a field and wakes it: the
// goroutine leaves its read, attends, and goes on or ends the session. It alone closes
// connections, so no descriptor is given back while it is read.
type session struct {
	client *Client
	begun  time.Time

	ready   atomic.Bool  // the namespace is entered
	leaving atomic.Bool  // Close was called: every end is a good one
	woken   atomic.Bool  // the reading goroutine has something to attend to
	active  atomic.Bool  // something was read since the clock looked
	rested  atomic.Bool  // the clock found nothing for a while
	pingDue atomic.Int64 // when the server's ping is overdue, Unix nanoseconds; 0: never
	acks    acks
	outbox  outbox
	workers sync.WaitGroup // goroutines of this session, besides the reading one

	mu    sync.Mutex
	cause error    // why the session ends. Guarded by mu
	links [3]*link // what fail interrupts. Guarded by mu
	stop  func()   // ends what connects, with polling. Guarded by mu

	// Guarded by the clock's mu.
	slot  int   // in the clock
	quiet int64 // when the clock found the session active for the last time, Unix nanoseconds; 0: it has rested since

	// Owned by the reading goroutine.
	engineID   string
	sid        string
	cookies    string
	upgrades   bool          // the server offers WebSocket
	recovered  bool          // the server has given the session before back
	early      *earlyQueue   // what came before the answer to CONNECT; nil: nothing
	patience   time.Duration // how long after a ping the next is overdue
	maxPayload int           // of a request; 0: no limit
	halted     bool          // the attempt has what it waited for: nothing more is parsed
	step       step
	pending    *assembly
	socket     *socket
	poller     *poller
}

// step is how far an attempt has come.
type step uint8

const (
	opening step = iota // the engine's open packet is awaited
	joining             // the answer to CONNECT
	joined
)

func newSession(c *Client) *session {
	s := &session{client: c, begun: time.Now(), slot: -1}
	s.acks.session = s
	return s
}

// open makes the connection and enters the namespace.
func (s *session) open(ctx context.Context) error {
	var auth []byte
	if f := s.client.cfg.Auth; f != nil {
		var err error
		if auth, err = f(); err != nil {
			return fmt.Errorf("%w: %w", ErrAuth, err)
		}
	}
	if err := s.openTransport(ctx); err != nil {
		return err
	}
	if err := s.send(connectPacket(s.client.withRecovery(auth))); err != nil {
		return err
	}
	for s.step != joined {
		if err := s.receive(); err != nil {
			return s.explain(err)
		}
	}
	return nil
}

func (s *session) openTransport(ctx context.Context) error {
	if s.client.cfg.Transport != WebSocket {
		return s.openPolling(ctx)
	}
	w, err := s.upgradeHTTP(ctx, true)
	if err != nil {
		return err
	}
	s.socket = w
	s.outbox.socket = w
	err = w.consume() // what came with the answer
	for err == nil && s.step == opening {
		err = w.receive()
	}
	if err != nil {
		return s.explain(err)
	}
	return nil
}

// receive reads once, from whichever transport there is, while the session is opened.
func (s *session) receive() error {
	if s.socket != nil {
		return s.socket.receive()
	}
	return s.poller.poll()
}

// begin makes the clock watch the session.
func (s *session) begin() {
	s.heard()
	s.client.clock.add(s)
}

// read reads until the session ends, and returns why.
func (s *session) read() error {
	s.halted = false
	var err error
	if s.poller != nil {
		err = s.poller.run()
	}
	if err == nil {
		err = s.socket.run()
	}
	if errors.Is(err, errRested) {
		return err
	}
	return s.explain(err)
}

// errRested ends a reading goroutine whose session goes on: handling a message has made
// its stack grow, which the garbage collector does not undo below 4 KiB. When the session
// has been silent for a while, a new goroutine waits in its place, with the smallest.
var errRested = errors.New("wire: rested")

// explain turns the error that a read ended with into the reason of the session's end.
func (s *session) explain(err error) error {
	s.fail(err)
	if s.leaving.Load() {
		return ErrClosed
	}
	return s.because(err)
}

// heard puts off the time at which the server's ping is overdue: by the sum of both
// intervals, as the official client does.
func (s *session) heard() { s.pingDue.Store(time.Now().Add(s.patience).UnixNano()) }

// fail ends the session: everything that it reads or writes returns. The first cause is
// the one that counts.
func (s *session) fail(cause error) {
	s.mu.Lock()
	if s.cause == nil {
		s.cause = cause
	}
	for _, l := range s.links {
		if l != nil {
			_ = l.tcp.SetDeadline(past)
		}
	}
	if s.stop != nil {
		s.stop()
	}
	s.mu.Unlock()
	s.wake()
}

// because returns why the session ends; err, if nobody has ended it.
func (s *session) because(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return s.cause
	}
	return err
}

// wake makes the reading goroutine attend.
func (s *session) wake() {
	s.woken.Store(true)
	select {
	case s.client.kick <- struct{}{}:
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if l != nil && l.attends {
			_ = l.tcp.SetReadDeadline(past)
		}
	}
}

// attend does what the reading goroutine was woken for. An error ends the session.
func (s *session) attend(l *link) error {
	s.woken.Store(false)
	if err := s.allowUnbounded(l); err != nil {
		return err
	}
	s.acks.expire(time.Now())
	return nil
}

// allowUnbounded lifts the deadline that wake has set, unless the session ends.
func (s *session) allowUnbounded(l *link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		_ = l.tcp.SetReadDeadline(time.Time{})
	}
	return s.cause
}

// allow sets a deadline of Config.Timeout, unless the session ends.
func (s *session) allow(set func(time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		return set(time.Now().Add(s.client.cfg.Timeout))
	}
	return s.cause
}

// add registers a connection, which end closes.
func (s *session) add(l *link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.links {
		if s.links[i] == nil && s.cause == nil {
			s.links[i] = l
			return nil
		}
	}
	return errors.Join(s.cause, errors.New("wire: session has ended"))
}

// drop closes a connection before the session ends. Only who reads it calls it.
func (s *session) drop(l *link) {
	s.mu.Lock()
	for i := range s.links {
		if s.links[i] == l {
			s.links[i] = nil
		}
	}
	s.mu.Unlock()
	l.close(false)
}

// end waits for the other goroutines of the session and closes everything, when fail has
// been called and the reading goroutine has stopped reading.
func (s *session) end() {
	s.client.clock.remove(s)
	s.outbox.close()
	s.workers.Wait() // fail has interrupted them
	s.mu.Lock()
	cut := errors.Is(s.cause, ErrCut)
	links := s.links
	s.mu.Unlock()
	if !cut {
		s.farewell()
	}
	for _, l := range links {
		if l != nil {
			l.close(cut)
		}
	}
}

func (s *session) farewell() {
	if s.socket != nil {
		s.socket.farewell()
	} else if s.poller != nil {
		s.poller.farewell()
	}
}

// leave says goodbye, without waiting for the answer, which ends the session.
func (s *session) leave() {
	if !s.ready.Load() || s.leaving.Swap(true) {
		return
	}
	if err := s.sendGoodbye(); err != nil {
		s.fail(ErrClosed)
	}
	s.wake() // a throttled reader would wait for long
}

// handshake is the engine's open packet.
type handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval float64  `json:"pingInterval"` // milliseconds
	PingTimeout  float64  `json:"pingTimeout"`
	MaxPayload   float64  `json:"maxPayload"`
}

const longestPatience = 1 << 31 // milliseconds: what the official client's timers can

func (s *session) opened(p []byte) error {
	var h handshake
	if err := json.Unmarshal(p, &h); err != nil {
		return fmt.Errorf("%w: open packet: %.80q", ErrNotSocketIO, p)
	}
	patience := h.PingInterval + h.PingTimeout
	if h.SID == "" || len(h.SID) > 1024 || !(patience > 0 && patience < longestPatience) {
		return fmt.Errorf("%w: open packet: %.80q", ErrNotSocketIO, p)
	}
	s.engineID = h.SID
	s.patience = time.Duration(patience * float64(time.Millisecond))
	s.maxPayload = int(min(max(h.MaxPayload, 0), 1<<30))
	for _, u := range h.Upgrades {
		s.upgrades = s.upgrades || u == string(WebSocket)
	}
	s.step = joining
	return nil
}

// admitted takes the answer to CONNECT.
func (s *session) admitted(p packet) error {
	var reply struct {
		SID string `json:"sid"`
		PID string `json:"pid"`
	}
	if err := json.Unmarshal(p.payload, &reply); err != nil || reply.SID == "" {
		return fmt.Errorf("%w: CONNECT without an id: %.80q", ErrNotSocketIO, p.payload)
	}
	s.sid, s.recovered = reply.SID, s.client.recovered(reply.PID)
	s.step, s.halted = joined, true
	return nil
}

// refused takes the server's refusal.
func (s *session) refused(p packet) error {
	refusal := struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}{}
	if json.Unmarshal(p.payload, &refusal) != nil {
		// A string: the packet of older servers.
		_ = json.Unmarshal(p.payload, &refusal.Message)
	}
	return &ConnectError{Message: refusal.Message, Data: refusal.Data}
}
