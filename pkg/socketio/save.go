package socketio

import (
	"context"
	"errors"
	"time"
)

// saveTimeout bounds each call to the history about one session.
const saveTimeout = 5 * time.Second

// saveCall is a write of a session that has not begun.
type saveCall struct {
	done chan struct{}
	err  error // set before done is closed
}

// saveSoon has the session written as it is then, and returns the call to wait for; nil if
// the socket has none. At most one write of a session is under way: changes that come
// meanwhile go with the next, all together.
func (s *Socket) saveSoon() *saveCall {
	l := s.life
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pid == "" || l.over {
		return nil
	}
	if l.next == nil {
		l.next = &saveCall{done: make(chan struct{})}
	}
	call := l.next
	if l.busy {
		return call
	}
	l.busy, l.idle = true, make(chan struct{})
	if !s.ns.server.background(s.writeSession) {
		l.busy, l.next, l.dirty = false, nil, true
		close(l.idle)
		call.err = ErrServerClosed
		close(call.done)
	}
	return call
}

// save is saveSoon, and waits until it is done.
func (s *Socket) save(ctx context.Context) error {
	call := s.saveSoon()
	if call == nil {
		return nil
	}
	return call.wait(ctx)
}

func (c *saveCall) wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// writeSession writes until there is nothing new.
func (s *Socket) writeSession(ctx context.Context) {
	l := s.life
	for {
		l.mu.Lock()
		call := l.next
		l.next = nil
		if call == nil {
			l.busy = false
			close(l.idle)
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		call.err = s.write(ctx)
		l.mu.Lock()
		l.dirty = call.err != nil
		l.mu.Unlock()
		close(call.done)
	}
}

// write writes the session once.
func (s *Socket) write(ctx context.Context) error {
	r := s.ns.recovery
	saved, tickets := s.snapshot()
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	head, err := r.history.Save(ctx, saved)
	switch {
	case errors.Is(err, ErrSessionTaken):
		s.takenOver()
	case err == nil:
		r.settle(s, append(tickets, 0), head) // no stay has ticket 0: with nil all would be meant
	}
	return err
}

// recordJoin returns when the session says that the socket is in rooms, of which the
// adapter has confirmed all, and where its memberships begin.
func (s *Socket) recordJoin(ctx context.Context, rooms []string) error {
	r := s.ns.recovery
	if r == nil || !s.ns.rooms.heard(s, rooms) {
		return nil
	}
	call := s.saveSoon()
	switch {
	case call != nil:
		return call.wait(ctx)
	case s.state.Load() == stateConnected: // it has no session
		head, err := r.head(ctx, s)
		if err == nil {
			r.settle(s, nil, head)
		}
		return err
	}
	return nil // otherwise it begins with the socket
}

// head asks for the head of the history, by a session that nobody is told of. The position does
// not do: this node may have to catch up.
func (r *recoverable) head(ctx context.Context, s *Socket) (Offset, error) {
	saved := &SavedSession{Namespace: r.ns.name, SocketID: s.id, PID: newPID()}
	head, err := r.history.Save(ctx, saved)
	if err != nil {
		return Offset{}, err
	}
	return head, r.history.Release(ctx, saved, false)
}

// recordLeave returns when the session says that the socket has left rooms, so that it is not
// in them when it comes back. A write that fails is made again later; until then it may be.
func (s *Socket) recordLeave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	return s.save(ctx)
}

// release is the end of the socket's session here. It waits for what is being written.
func (s *Socket) release(mayReturn bool) {
	l, r := s.life, s.ns.recovery
	if l == nil {
		return
	}
	r.forget(s)
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	l.mu.Lock()
	if l.pid == "" || l.over {
		l.mu.Unlock()
		return
	}
	l.over = true
	idle := l.idle
	l.mu.Unlock()
	if idle != nil {
		select {
		case <-idle:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	again := l.dirty && mayReturn
	l.mu.Unlock()
	if again {
		_ = s.write(ctx) // if it fails once more, the record is older
	}
	l.mu.Lock()
	saved := &SavedSession{Namespace: s.ns.name, SocketID: s.id, PID: l.pid, Epoch: l.epoch}
	l.mu.Unlock()
	if err := r.history.Release(ctx, saved, mayReturn); err != nil && !errors.Is(err, ErrSessionTaken) {
		s.ns.server.cfg.Logger.Debug("session not released", "namespace", s.ns.name, "error", err) // it expires
	}
}

// own notes that this node owns a session. It needs mu.
func (r *recoverable) own(s *Socket, pid string) {
	r.lives[pid] = s
	if len(r.lives) == 1 {
		r.ns.server.wakeKeeper() // it may sleep for longer than this namespace's Window
	}
	r.ns.server.keeping.Do(func() { r.ns.server.background(r.ns.server.keepSessions) })
}

// forget is the end of own, unless the session has gone on with another socket here.
func (r *recoverable) forget(s *Socket) {
	s.life.mu.Lock()
	pid := s.life.pid
	s.life.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lives[pid] == s {
		delete(r.lives, pid)
	}
}
