package socketio

import (
	"cmp"
	"slices"
)

// Reply is the arguments of an ack.
type Reply struct{ Args }

// Arg returns the argument with index i, counted from 0.
func (r Reply) Arg(i int) Raw { return r.At(i) }

// pendingAck is an ack that a socket owes. A socket keeps them in the order of
// their ids, which is that of their making but for broadcasts.
type pendingAck struct {
	id     int64
	waiter ackWaiter
}

// ackWaiter is told exactly once what became of an ack, unless the wait was
// forgotten before. Its methods must not block.
type ackWaiter interface {
	acked(s *Socket, r Reply)
	missed(s *Socket) // the socket has ended
}

// singleAck is the wait of one EmitWithAck.
type singleAck struct {
	done  chan struct{}
	reply Reply
	err   error
}

func (w *singleAck) acked(_ *Socket, r Reply) { w.reply = r; close(w.done) }
func (w *singleAck) missed(*Socket)           { w.err = ErrDisconnected; close(w.done) }

// expect registers a wait under a fresh id.
func (s *Socket) expect(w ackWaiter) (id int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = s.ns.ackIDs.Add(1) - 1
	return id, s.expectAs(id, w)
}

// expectAs needs mu. It must see the state under it: failAcks comes afterwards,
// or has come.
func (s *Socket) expectAs(id int64, w ackWaiter) error {
	if s.state.Load() != stateConnected {
		return ErrDisconnected
	}
	if len(s.acks) >= s.ns.server.cfg.MaxPendingAcks {
		s.ns.server.counters.acksRefused.Add(1)
		return ErrTooManyAcks
	}
	at, _ := s.findAck(id)
	s.acks = slices.Insert(s.acks, at, pendingAck{id, w})
	return nil
}

// findAck needs mu.
func (s *Socket) findAck(id int64) (at int, found bool) {
	return slices.BinarySearchFunc(s.acks, id, func(p pendingAck, id int64) int { return cmp.Compare(p.id, id) })
}

// takeAck ends a wait, and returns who waits.
func (s *Socket) takeAck(id int64) ackWaiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, found := s.findAck(id)
	if !found {
		return nil
	}
	w := s.acks[at].waiter
	s.acks = slices.Delete(s.acks, at, at+1)
	if len(s.acks) == 0 {
		s.acks = nil
	}
	return w
}

// forget ends a wait, and reports whether it still lasted.
func (s *Socket) forget(id int64) bool { return s.takeAck(id) != nil }

// failAcks ends all waits. The socket's state says already that it has ended.
func (s *Socket) failAcks() {
	s.mu.Lock()
	acks := s.acks
	s.acks = nil
	s.mu.Unlock()
	for _, p := range acks {
		p.waiter.missed(s)
	}
}

// ack takes an ack from the client. An ack that was waited for is not held back: who
// asked for it has a limit on these.
func (s *Socket) ack(id int64, r Reply) {
	w := s.takeAck(id)
	if w == nil {
		s.ns.server.counters.badAcks.Add(1)
		s.conn.pace()
		return
	}
	s.ns.server.counters.acksIn.Add(1)
	w.acked(s, r)
}
