package engineio

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of Session.Send.
var (
	// ErrClosed says that the session has ended or is ending.
	ErrClosed = errors.New("engineio: session is closed")
	// ErrSlow says that this very call ended the session: its queue was full.
	ErrSlow = errors.New("engineio: session closed as a slow consumer")
)

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // ended for the receiver; the transport still flushes and says goodbye
	stateClosed
)

// What the heartbeat of a session waits for.
const (
	beatInterval  uint32 = iota // for the time of the next ping
	beatPong                    // for the pong
	beatRefreshed               // for the pong, with the time extended once
)

// Session is one client's connection, whatever transport carries it. Its methods may
// be called from any goroutine.
type Session struct {
	// Immutable once the session is open.
	server    *Server
	worker    *flusher
	id        string
	handshake Handshake

	beat  atomic.Uint32
	clock clockEntry

	mu sync.Mutex
	// Guarded by mu.
	receiver   Receiver // nil until OnSession has returned
	told       bool     // the receiver knows of the end
	reason     Reason   // why the session ended, once it has
	state      state
	websocket  bool // the transport that drains the queue
	upgraded   bool // it has been polling before
	ready      bool // on the worker's ready list
	stalled    bool // a goroutine of its own writes
	queueBytes int  // of queue and of what a stalled writer holds
	queue      []*Message
	done       chan struct{} // made on demand
	poll       *poll         // nil once the transport is WebSocket
	conn       *conn         // nil while the transport is polling
	probe      *conn         // the WebSocket of an upgrade under way
}

// ID is the session's id: the node's tag and 120 random bits. It is a secret between
// client and server: who knows it can act as the client.
func (s *Session) ID() string { return s.id }

// Handshake is the request that opened the session.
func (s *Session) Handshake() *Handshake { return &s.handshake }

// Transport is what carries the session at the moment.
func (s *Session) Transport() Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transport()
}

func (s *Session) transport() Transport {
	if s.websocket {
		return WebSocket
	}
	return Polling
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done returns a channel that is closed when the session ends.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return closedChan
	}
	if s.done == nil {
		s.done = make(chan struct{})
	}
	return s.done
}

// Send appends a batch to the session's queue, whole or not at all, and does not
// block. It returns ErrClosed after the session's end, and ErrSlow if the queue had no
// room, which has ended the session.
func (s *Session) Send(batch ...*Message) error {
	s.mu.Lock()
	err := s.enqueue(batch)
	s.mu.Unlock()
	if errors.Is(err, ErrSlow) {
		s.server.stats.slow.Add(1)
		s.fail(ReasonSlow)
	}
	return err
}

// SendVolatile is Send for what may be lost: it sends the batch only if the transport
// can take it at once, and reports whether it did. What it did not send is counted.
func (s *Session) SendVolatile(batch ...*Message) bool {
	s.mu.Lock()
	ok := s.writable() && s.enqueue(batch) == nil
	s.mu.Unlock()
	if !ok {
		s.server.stats.volatileDropped.Add(1)
	}
	return ok
}

// writable reports whether nothing waits in front of a new message. Callers hold mu.
func (s *Session) writable() bool {
	if len(s.queue) > 0 {
		return false
	}
	if s.websocket {
		return !s.stalled
	}
	return s.poll.waiting != nil
}

func (s *Session) enqueue(batch []*Message) error {
	if s.state != stateOpen {
		return ErrClosed
	}
	size := 0
	for _, m := range batch {
		size += m.size()
	}
	cfg := &s.server.cfg
	if s.queueBytes > 0 && (s.queueBytes+size > cfg.MaxQueueBytes || len(s.queue)+len(batch) > cfg.MaxQueueMessages) {
		return ErrSlow
	}
	if len(batch) == 0 {
		return nil // a GET that is answered with nothing would be a broken payload
	}
	s.queue = append(s.queue, batch...)
	s.queueBytes += size
	s.kick()
	return nil
}

// kick tells whoever drains the queue that there is something in it. Callers hold mu.
func (s *Session) kick() {
	switch {
	case s.websocket:
		if !s.ready && !s.stalled {
			s.ready = true
			s.worker.push(s)
		}
	case s.poll.waiting != nil:
		select {
		case s.poll.waiting <- struct{}{}:
		default:
		}
	}
}

// takeQueue empties the queue into dst. Callers hold mu. A short queue keeps its
// memory for the next messages; an idle session keeps none worth naming.
func (s *Session) takeQueue(dst []*Message) []*Message {
	dst = append(dst, s.queue...)
	if cap(s.queue) > 16 {
		s.queue = nil
	} else {
		clear(s.queue)
		s.queue = s.queue[:0]
	}
	s.queueBytes = 0
	return dst
}

// receive takes one packet from the client, whose text is valid. Callers serialise the
// calls of a session. false says that the session has ended.
func (s *Session) receive(p packet) bool {
	switch p.kind {
	case packetMessage:
		if s.beat.Load() == beatPong && s.beat.CompareAndSwap(beatPong, beatRefreshed) {
			s.wait(waitPong, 0) // the pong may be stuck behind what the client uploads
		}
		s.receiver.Message(p.data, p.binary)
		return true
	case packetPong:
		if s.beat.Swap(beatInterval) != beatInterval { // surplus pongs change nothing
			s.wait(waitPing, 0)
		}
		return true
	case packetPing: // only the server pings in v4
		s.fail(ReasonTransportError)
		return false
	case packetClose:
		s.fail(ReasonTransportClose)
		return false
	}
	return true // open, upgrade, noop: meaningless here, and ignored as in the reference
}

// ping starts the wait for a pong and sends the ping: in this order, as the pong may be
// back before Send returns. A ping that is a little late does not give its client more
// time; one that is very late must not take the time away.
func (s *Session) ping(late time.Duration) {
	s.beat.Store(beatPong)
	s.wait(waitPong, min(late, s.server.cfg.PingTimeout/8))
	_ = s.Send(pingPacket) // an ended session needs none
}

// wait is the heartbeat's way to the clock: a session that has ended has a wait of
// another kind, or none, and must keep it.
func (s *Session) wait(w wait, ago time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateOpen {
		s.server.clock.setSince(s, w, ago)
	}
}

// Close ends the session for its receiver at once and its transport after what waits
// in the queue has been written, within a bounded time.
func (s *Session) Close(reason Reason) { s.close(reason, closeFrame) }

// close is Close with the frame that says goodbye on a WebSocket; nil if one is queued.
func (s *Session) close(reason Reason, frame *Message) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state, s.reason = stateClosing, reason
	probe, linger := s.probe, waitPoll
	if s.server.draining.Load() { // the server's end is not put off for a client that may have gone
		linger = waitPeer
	}
	s.probe = nil
	if s.websocket {
		linger = waitPeer
		if frame != nil {
			s.queue = append(s.queue, frame)
		}
	}
	s.kick() // with an empty queue as well: only who writes knows that all is written
	s.server.clock.set(s, linger)
	s.mu.Unlock()
	if probe != nil {
		probe.close()
	}
	s.ended(reason)
}

// fail ends the session and its transport at once. What waits is discarded.
func (s *Session) fail(reason Reason) { s.abort(reason, closePacket) }

// abort is fail with a choice of what a pending GET is answered with: a noop if it is the
// client that ends the session, of which more may be under way then.
func (s *Session) abort(reason Reason, farewell *Message) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	first := s.state == stateOpen
	if first {
		s.reason = reason
	}
	if farewell == noopPacket {
		s.expectLate()
	}
	s.state = stateClosed
	s.queue, s.queueBytes = nil, 0
	current, probe := s.conn, s.probe
	s.probe = nil
	if s.poll != nil {
		s.poll.farewell = farewell
		s.kick()
		s.poll.stopBody()
	}
	s.server.clock.set(s, waitNone)
	s.mu.Unlock()

	for _, c := range [...]*conn{current, probe} {
		if c != nil {
			c.close()
		}
	}
	if first {
		s.ended(reason)
	}
	s.server.forget(s)
}

// ended tells everybody who waits, once the state says so.
func (s *Session) ended(reason Reason) {
	s.server.stats.closed(reason)
	s.server.stats.lifetimes.Add(max(0, time.Now().UnixNano()-s.handshake.issued), 1) // a clock may be set back
	s.mu.Lock()
	if s.done != nil {
		close(s.done)
	}
	s.mu.Unlock()
	s.tell()
}

// tell calls the receiver's Closed once, if there is a receiver and an end.
func (s *Session) tell() {
	s.mu.Lock()
	receiver, reason := s.receiver, s.reason
	if s.told || receiver == nil || s.state == stateOpen {
		s.mu.Unlock()
		return
	}
	s.told = true
	s.mu.Unlock()
	receiver.Closed(reason)
}

// isOpen reports whether messages may still be handed to the receiver.
func (s *Session) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen
}
