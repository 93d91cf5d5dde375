package socketio

import "github.com/causeway-rt/causeway/pkg/engineio"

// end ends one socket, unless it has ended. Its handlers run in the inbox's
// goroutine, after those that run or wait; its acks fail at once. It does not block.
func (c *conn) end(s *Socket, reason Reason, state uint32) bool {
	c.mu.Lock()
	at := &c.sockets
	for *at != nil && *at != s {
		at = &(*at).next
	}
	if *at == nil {
		c.mu.Unlock()
		return false
	}
	*at = s.next
	c.endLocked(s, reason, state, nil)
	c.mu.Unlock()
	s.failAcks()
	return true
}

// endLocked needs mu.
func (c *conn) endLocked(s *Socket, reason Reason, state uint32, err error) {
	s.state.Store(state)
	if s.life != nil && !reason.recoverable() {
		s.life.finish()
	}
	c.enqueue(&job{kind: jobEnd, event: Event{socket: s}, reason: reason, err: err})
}

// Disconnect ends the socket: the client is told, and the official one does not
// come back by itself. With closeConnection it ends all sockets of the client, and
// its connection. Handlers for the disconnect run later, in the order of the
// client's events; those of its events that wait are dropped.
func (s *Socket) Disconnect(closeConnection bool) {
	c := s.conn
	if !closeConnection {
		if c.end(s, ReasonServerDisconnect, stateKicked) {
			c.sayDisconnect(s)
		}
		return
	}
	if s.state.Load() != stateConnected {
		return
	}
	all := c.all()
	if !c.shut(ReasonServerDisconnect, stateKicked, nil) {
		return
	}
	for _, s := range all {
		c.sayDisconnect(s)
	}
	c.session.Close(engineio.ReasonForcedClose)
}

// SendAway ends all sockets of the client and its connection without a DISCONNECT packet,
// as if the network had failed: the official client comes back by itself, and sends a
// CONNECT with a new auth object. Events that wait are dropped; what has been sent to
// the client still goes out.
func (s *Socket) SendAway() {
	if s.state.Load() == stateConnected && s.conn.shut(ReasonSentAway, stateKicked, nil) {
		s.conn.session.Close(engineio.ReasonForcedClose)
	}
}

// sayDisconnect sends a DISCONNECT packet, behind the broadcasts on their way.
func (c *conn) sayDisconnect(s *Socket) {
	s.ns.pass()
	_ = c.session.Send(packetMessages(kindDisconnect, s.ns.name, -1, nil, nil)...)
}

// all returns the connection's sockets.
func (c *conn) all() (all []*Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := c.sockets; s != nil; s = s.next {
		all = append(all, s)
	}
	return all
}
