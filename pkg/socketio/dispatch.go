package socketio

import (
	"fmt"
	"runtime/debug"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

func (c *conn) run(j *job) {
	s := j.event.socket
	switch j.kind {
	case jobOpen:
		s.begin()
	case jobEvent:
		if j.since != 0 {
			c.server.counters.waits.Add(int64(j.since.until(now())), 1)
		}
		if s.state.Load() == stateKicked {
			c.server.counters.eventsDropped.Add(1)
			return
		}
		c.server.counters.eventsIn.Add(1)
		s.dispatch(&j.event)
	case jobEnd:
		s.finish(j.reason, j.err)
	}
}

// begin calls the functions that wait for new sockets.
func (s *Socket) begin() {
	// The CONNECT packet goes out under the barrier: whoever has been through it
	// emits after it.
	s.ns.inFlight.RLock()
	s.ns.inFlight.RUnlock() //nolint:staticcheck // as in pass
	for _, f := range hooked(s.ns, func(h *hooks) []func(*Socket) { return h.connect }) {
		if !s.protect("connect", func() { f(s) }) {
			return
		}
	}
}

// dispatch gives an event to its handlers (protocol.md 3.4).
func (s *Socket) dispatch(e *Event) {
	defer s.recoverPanic(e.name)
	heard := s.heard()
	for _, f := range heard.any {
		f(e)
	}
	for _, f := range heard.use {
		if err := f(e); err != nil {
			for _, f := range heard.errors {
				f(err)
			}
			return
		}
	}
	handled := handle(e, hooked(s.ns, func(h *hooks) []handler { return h.events }))
	heard = s.heard() // what came before may have added some
	if !handle(e, heard.events) && !handled && len(heard.any) == 0 {
		s.ns.server.counters.unhandled.Add(1)
	}
}

func handle(e *Event, handlers []handler) (handled bool) {
	for _, h := range handlers {
		if h.event == e.name {
			h.f(e)
			handled = true
		}
	}
	return handled
}

// finish is the last thing that happens to a socket. A panic in one function
// keeps no other from being called.
func (s *Socket) finish(reason Reason, err error) {
	heard := s.heard()
	if err != nil {
		for _, f := range heard.errors {
			s.protect("error", func() { f(err) })
		}
	}
	for _, f := range heard.disconnecting {
		s.protect("disconnecting", func() { f(reason) })
	}
	s.leaveAll()
	for _, f := range hooked(s.ns, func(h *hooks) []func(*Socket, Reason) { return h.disconnect }) {
		s.protect("disconnect", func() { f(s, reason) })
	}
	for _, f := range s.heard().disconnect {
		s.protect("disconnect", func() { f(reason) })
	}
	s.stopOverhearing()
	s.release(reason.recoverable())
	s.ns.server.counters.ended(reason)
	s.ns.server.leave(s.ns)
}

// protect calls f, and reports whether it returned without a panic.
func (s *Socket) protect(event string, f func()) (ok bool) {
	defer s.recoverPanic(event)
	f()
	return true
}

// recoverPanic closes the connection whose handler panicked; deferred.
func (s *Socket) recoverPanic(event string) {
	if v := recover(); v != nil {
		s.conn.panicked(s.ns.name, s.id, event, v)
	}
}

// panicked is called while the panic's stack still stands.
func (c *conn) panicked(namespace, id, event string, v any) {
	c.server.logPanic(v, "namespace", namespace, "socket", id, "event", event)
	if c.shut(ReasonForcedServer, stateKicked, errPanic) {
		c.session.Close(engineio.ReasonForcedClose)
	}
}

// logPanic counts a panic that has been recovered, and writes it down with its stack.
func (s *Server) logPanic(v any, attrs ...any) {
	s.counters.panics.Add(1)
	s.cfg.Logger.Error("handler panicked", append(attrs, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))...)
}
