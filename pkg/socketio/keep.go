package socketio

import (
	"context"
	"time"
)

// keepChunk bounds the sessions of one call of History.Keep.
const keepChunk = 1000

// keepSessions keeps the sessions of this node from expiring, until ctx ends.
func (s *Server) keepSessions(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		soonest, all := time.Hour, s.resave.Swap(false)
		for _, n := range s.allNamespaces() {
			if r := n.recovery; r != nil {
				soonest = min(soonest, r.keepIfDue(ctx, all))
			}
		}
		timer.Reset(soonest)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.keepNow:
		}
	}
}

// wakeKeeper has keepSessions look again.
func (s *Server) wakeKeeper() {
	select {
	case s.keepNow <- struct{}{}:
	default:
	}
}

// keepIfDue returns when the namespace's sessions must be kept again. Four times in a
// Window: a record outlives its owner by the Window at least even if the last call has failed, and
// what it says of an idle client is never so old that the history has forgotten it.
func (r *recoverable) keepIfDue(ctx context.Context, now bool) time.Duration {
	every := r.settings.Window / 4
	if wait := every - time.Since(r.kept); wait > 0 && !now {
		return wait
	}
	r.kept = time.Now()
	sockets := r.owned()
	for len(sockets) > 0 && ctx.Err() == nil {
		n := min(len(sockets), keepChunk)
		if err := r.keep(ctx, sockets[:n]); err != nil && ctx.Err() == nil {
			r.ns.server.cfg.Logger.Warn("sessions not kept", "namespace", r.ns.name, "sessions", len(sockets), "error", err)
			break // the next time comes before they expire
		}
		sockets = sockets[n:]
	}
	return every
}

// keep keeps some, and saves those again whose record is gone.
func (r *recoverable) keep(ctx context.Context, sockets []*Socket) error {
	short, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	stale, err := r.history.Keep(short, r.notes(sockets))
	var calls []*saveCall
	for _, s := range sockets {
		if s.life.isStale(stale) {
			if call := s.saveSoon(); call != nil {
				calls = append(calls, call)
			}
		}
	}
	for _, call := range calls {
		_ = call.wait(ctx) // it is dirty then
	}
	return err
}

// isStale reports whether the session is among stale, or was not written the last time.
func (l *life) isStale(stale []*SavedSession) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, saved := range stale {
		if saved.PID == l.pid {
			return true
		}
	}
	return l.dirty
}

// owned returns the sockets whose sessions this node owns.
func (r *recoverable) owned() []*Socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	sockets := make([]*Socket, 0, len(r.lives))
	for _, s := range r.lives {
		sockets = append(sockets, s)
	}
	return sockets
}

// count is len(owned).
func (r *recoverable) count() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.lives))
}

// notes returns what Keep is told of the sockets.
func (r *recoverable) notes(sockets []*Socket) []*SavedSession {
	notes := make([]*SavedSession, len(sockets))
	engine := &r.ns.server.cfg.Engine
	certain := orDefault(engine.PingInterval, 25*time.Second) + orDefault(engine.PingTimeout, 20*time.Second)
	now := time.Now()
	r.order.Lock()
	defer r.order.Unlock()
	for i, s := range sockets {
		l := s.life
		seen := r.position
		if l.floor.After(seen) {
			seen = l.floor
		}
		// One that is about to be sent what it has missed, or whose connection has ended, has not had
		// everything up to the position.
		if s.state.Load() == stateConnected && !l.holed {
			l.note(mark{l.sent, found(seen), now}, certain)
		}
		l.mu.Lock()
		notes[i] = &SavedSession{Namespace: r.ns.name, PID: l.pid, Epoch: l.epoch, SocketID: s.id, Sent: l.noted.sent, Seen: l.noted.seen}
		l.mu.Unlock()
	}
	return notes
}

func orDefault(d, unset time.Duration) time.Duration {
	if d == 0 {
		return unset
	}
	return d
}

// note puts down how far the client is. What has just been sent may get lost with the
// connection, and then the client, which may be idle, has only got what came long before: so an event
// counts as sent when the connection has lived for so long afterwards that the client must have answered a
// ping. It needs recoverable.order.
func (l *life) note(current mark, certain time.Duration) {
	switch {
	case current.sent == l.noted.sent:
		l.noted.seen = current.seen
		l.later = mark{}
		return
	case l.later.at.IsZero():
		l.later = current
	case current.at.Sub(l.later.at) >= certain:
		l.noted = l.later
		l.later = current
	}
}
