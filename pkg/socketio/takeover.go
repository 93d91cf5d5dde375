package socketio

import (
	"errors"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// forfeit keeps a socket from touching its session any more.
func (l *life) forfeit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

// finish says that the session ends with the socket.
func (l *life) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// isEnded reports whether the session of a pid has ended here, and is about to be removed.
func (r *recoverable) isEnded(pid string) bool {
	r.mu.Lock()
	s := r.lives[pid]
	r.mu.Unlock()
	if s == nil {
		return false
	}
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	return s.life.ended
}

// isOver reports whether the session belongs to somebody else.
func (l *life) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// takenOver ends a socket whose session goes on elsewhere. Its client is not told: it has
// gone there. The connection is closed, unless it has other namespaces.
func (s *Socket) takenOver() {
	s.life.forfeit()
	s.ns.rooms.displace(s)
	c := s.conn
	if !c.end(s, ReasonTakenOver, stateKicked) {
		return // it has ended, or has not been connected and finds out
	}
	s.ns.server.counters.takenOver.Add(1)
	c.mu.Lock()
	alone := c.sockets == nil && c.joining == nil
	c.mu.Unlock()
	if alone && c.shut(ReasonTakenOver, stateKicked, nil) {
		c.session.Close(engineio.ReasonForcedClose)
	}
}

// displace makes room for another socket of the same id. The functions for the
// disconnect still see this one in its rooms.
func (x *roomIndex) displace(s *Socket) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unlist(s)
}

// missed is HistoryNode.Missed.
func (r *recoverable) missed(at Offset, cause error) {
	n := r.ns
	r.order.Lock()
	r.timeline++
	r.position = at
	r.ring.reset(at)
	r.settling = nil
	n.rooms.mu.RLock()
	all := append([]*Socket(nil), n.rooms.everyone...)
	n.rooms.mu.RUnlock()
	r.order.Unlock()
	announced := &n.server.counters.forgotten
	if errors.Is(cause, ErrDiverged) {
		announced = &n.server.counters.diverged
	}
	n.server.cfg.Logger.Warn("events were missed: sockets start afresh", "namespace", n.name, "sockets", len(all), "error", cause)
	for _, s := range all {
		if s.conn.end(s, ReasonMissed, stateKicked) {
			announced.Add(1)
		}
		if s.conn.shut(ReasonSentAway, stateKicked, nil) {
			s.conn.session.Close(engineio.ReasonForcedClose)
		}
	}
}
