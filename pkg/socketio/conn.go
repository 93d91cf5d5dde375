package socketio

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/internal/rate"
	"github.com/causeway-rt/causeway/pkg/engineio"
)

// session is what a connection needs of an engineio.Session.
type session interface {
	Handshake() *engineio.Handshake
	Transport() engineio.Transport
	Send(batch ...*engineio.Message) error
	SendVolatile(batch ...*engineio.Message) bool
	Close(reason engineio.Reason)
	Done() <-chan struct{}
}

// conn is one client: a session, and a socket for each namespace that it has
// joined. The session's reader calls Message, and handles acks and connection
// packets by itself. Events go to the inbox, which a goroutine works off that
// exists only while there is something in it.
type conn struct {
	// Immutable.
	server  *Server
	session session

	// Owned by the session's reader.
	paid rate.Bucket // for what the client sends

	mu sync.Mutex
	// Guarded by mu.
	sockets  *Socket       // linked by next
	joining  *joining      // namespaces whose middleware is running, linked by next
	head     *job          // the inbox
	tail     *job          //
	space    chan struct{} // closed when a full inbox has room again; nil if nobody waits
	assembly *assembly     // a packet that waits for its attachments
	timer    *time.Timer   // until the first namespace is joined
	waiting  int           // bytes of the events in the inbox
	queued   int32         // jobs in the inbox
	refusals int32         // namespaces that it was not let into
	draining bool          // the inbox's goroutine exists
	closing  bool          // all sockets have ended, nothing more is taken
	closed   bool          // the session has ended
	finished bool          // the server has been told that nothing is left
}

var (
	errTextInBinary  = errors.New("text while attachments are missing")
	errStrayBinary   = errors.New("binary message without a packet")
	errNotJoined     = errors.New("packet for a namespace that is not joined")
	errJoinedAlready = errors.New("namespace is joined already")
	errFromClient    = errors.New("CONNECT_ERROR from a client")
	errAuthTooLarge  = errors.New("auth object is too large")
	errNothingJoined = errors.New("no namespace joined in time")
	errPanic         = errors.New("handler panicked")

	errAttachmentsTooLarge = errors.New("attachments are larger than a message may be")
)

// Message takes one message from the session's reader (protocol.md 2).
func (c *conn) Message(data []byte, binary bool) {
	if binary {
		c.attach(data)
		return
	}
	if c.assembling() {
		c.refuse(ReasonForcedClose, errTextInBinary)
		return
	}
	p, err := decodePacket(data, &c.server.limits)
	if err != nil {
		c.refuse(ReasonForcedClose, err)
		return
	}
	c.server.counters.packetsIn[p.kind].Add(1)
	if p.kind != kindAck && p.kind != kindBinaryAck {
		c.pace()
	}
	switch p.kind {
	case kindConnect:
		if len(p.data) > c.server.cfg.MaxAuthBytes {
			c.refuse(ReasonForcedClose, errAuthTooLarge)
			return
		}
		c.connect(p)
	case kindConnectError:
		c.refuse(ReasonForcedServer, errFromClient)
	default:
		c.forSocket(p)
	}
}

// forSocket handles what only makes sense in a namespace that is joined.
func (c *conn) forSocket(p packet) {
	s := c.socket(p.namespace)
	if s == nil {
		c.refuse(ReasonForcedServer, errNotJoined)
		return
	}
	switch p.kind {
	case kindDisconnect:
		c.end(s, ReasonClientDisconnect, stateEnded)
		s.ns.pass() // so that the client may join again, and gets nothing of this life
	case kindEvent, kindAck:
		c.complete(s, p.kind, p.id, slices.Clone(p.data), nil)
	case kindBinaryEvent, kindBinaryAck:
		c.assemble(s, p)
	}
}

// complete handles an event or ack that has arrived in whole; data and
// attachments are its own.
func (c *conn) complete(s *Socket, kind packetKind, id int64, data []byte, attachments [][]byte) {
	if kind == kindAck || kind == kindBinaryAck {
		args, err := parseArgs(data, attachments, &c.server.limits)
		if err != nil {
			c.refuse(ReasonForcedClose, err)
			return
		}
		s.ack(id, Reply{args})
		return
	}
	name, args, err := parseEvent(data, attachments, &c.server.limits)
	if err != nil {
		c.refuse(ReasonForcedClose, err)
		return
	}
	size := len(data)
	for _, a := range attachments {
		size += len(a)
	}
	j := &job{kind: jobEvent, size: size, event: Event{socket: s, name: name, args: args, id: id}}
	if c.server.counters.packetsIn[kind].Load()%waitSample == 0 {
		j.since = now()
	}
	c.push(j)
}

// waitSample is of how many events one is timed: a look at the clock for each would be
// felt.
const waitSample = 64

// socket returns the socket in a namespace, or nil.
func (c *conn) socket(namespace string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(namespace)
}

// find needs mu.
func (c *conn) find(namespace string) *Socket {
	s := c.sockets
	for s != nil && s.ns.name != namespace {
		s = s.next
	}
	return s
}

// Closed ends all sockets for the session's reason, or for the one given before
// if it was this side that closed it.
func (c *conn) Closed(reason engineio.Reason) {
	c.shut(reasonOf(reason), stateEnded, nil)
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.checkFinished()
}

// refuse closes a connection whose client broke the protocol: gracefully, so
// that it gets what is on its way.
func (c *conn) refuse(reason Reason, err error) {
	if !c.shut(reason, stateEnded, err) {
		return
	}
	c.server.counters.refused(reason)
	c.server.cfg.Logger.Debug("client refused", "reason", reason, "error", err)
	c.session.Close(engineio.ReasonForcedClose)
}

// shut ends all sockets and takes nothing more. It reports whether it was the
// first to do so. It does not block.
func (c *conn) shut(reason Reason, state uint32, err error) bool {
	c.mu.Lock()
	first := !c.closing
	c.closing = true
	c.assembly = nil
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.wakeReader()
	ended := c.sockets
	c.sockets = nil
	for s := ended; s != nil; s = s.next {
		c.endLocked(s, reason, state, err)
	}
	c.mu.Unlock()
	for s := ended; s != nil; s = s.next {
		s.failAcks()
	}
	return first
}

// checkFinished tells the server when nothing is left of the connection.
func (c *conn) checkFinished() {
	c.mu.Lock()
	done := c.closed && c.head == nil && !c.draining && c.joining == nil && !c.finished
	c.finished = c.finished || done
	c.mu.Unlock()
	if done {
		c.server.release()
	}
}
