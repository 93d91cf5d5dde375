package socketio

import "context"

// begin connects a socket with a session of its own, or without one if it can't be saved.
func (c *conn) begin(ctx context.Context, s *Socket) {
	r, l := s.ns.recovery, s.life
	r.order.Lock()
	timeline := r.timeline
	r.order.Unlock()
	pid := newPID()
	l.mu.Lock()
	l.pid = pid
	l.mu.Unlock()
	short, cancel := context.WithTimeout(ctx, saveTimeout)
	err := s.save(short)
	cancel()
	if err == nil {
		r.mu.Lock()
		r.own(s, pid)
		r.mu.Unlock()
	}
	r.order.Lock()
	if err != nil || timeline != r.timeline {
		c.server.counters.withoutSession.Add(1)
		r.forgo(s)
	}
	there := c.connected(s, l.greeting(s.id), nil)
	r.order.Unlock()
	if err != nil {
		c.server.cfg.Logger.Warn("session not saved", "namespace", s.ns.name, "error", err)
	}
	if !there {
		s.abandon()
	}
}

// forgo has a socket begin without a session. It needs order.
func (r *recoverable) forgo(s *Socket) {
	l, x := s.life, &r.ns.rooms
	l.mu.Lock()
	l.pid = "" // the record, if there is one, expires
	l.mu.Unlock()
	l.since = Offset{}
	x.mu.Lock()
	for i := range l.stays {
		l.stays[i].Since = Offset{}
	}
	x.mu.Unlock()
	r.settleAt(s, nil, found(r.position))
}

// greeting is what a CONNECT packet says.
func (l *life) greeting(id string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pid == "" {
		return `{"sid":"` + id + `"}`
	}
	return `{"sid":"` + id + `","pid":"` + l.pid + `"}`
}
