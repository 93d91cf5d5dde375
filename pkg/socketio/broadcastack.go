package socketio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// defaultAckTimeout is for broadcasts with acks, where a client that never answers
// must not hold the caller for ever.
const defaultAckTimeout = 5 * time.Second

// EmitWithAck sends an event and waits for the ack of every socket that it
// reaches. Replies come in no order. If Timeout has passed or ctx has ended, the
// error is ErrAckTimeout or ctx's cause, and the replies are those that have come; a
// *PartialError in it says how many acks are missing, and how many other nodes have answered.
// A socket that ends is no longer waited for. One that owes Config.MaxPendingAcks acks
// does not get the event, and the error is ErrTooManyAcks. ErrRepliesTooLarge says
// that some acks were left out. Sockets of other nodes take part if
// the adapter is a ClusterAdapter.
func (e Emitter) EmitWithAck(ctx context.Context, event string, args ...any) ([]Reply, error) {
	b, err := e.broadcast(event, args)
	if err != nil {
		return nil, err
	}
	e.ns.server.counters.emits.Add(1)
	ctx, cancel := e.withTimeout(ctx)
	defer cancel()
	w := newAckCollector(e.ns)
	deliver := func() { w.deliver(b) }
	var remote error
	if cluster := e.ns.server.cluster; cluster != nil && !e.local {
		remote = cluster.BroadcastWithAck(ctx, b, deliver, w.addRemote)
	} else {
		deliver()
	}
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	replies, own := w.stop()
	return replies, e.ns.server.ackError(ctx, own, w.lacking(), remote)
}

// ackError is the error of a wait in which this node's part ended with own, and without the
// acks of lacking sockets, and that of the others with remote.
func (s *Server) ackError(ctx context.Context, own error, lacking int, remote error) error {
	if own == nil && remote == nil {
		return nil
	}
	partial := PartialError{Err: cmp.Or(ctx.Err(), own, remote)}
	var others *PartialError
	if errors.As(remote, &others) {
		partial = *others
	}
	partial.MissingAcks += lacking
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", s.ackTimeout(ctx), &partial)
	case own != nil:
		return fmt.Errorf("%w: %w", own, &partial)
	}
	return remote
}

func (e Emitter) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := e.timeout
	if _, ok := ctx.Deadline(); !ok && timeout == 0 {
		timeout = defaultAckTimeout
	}
	if timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// maxReplyBytes bounds what is kept for one caller: clients choose how large their acks are.
const maxReplyBytes = 16 << 20

// ackCollector gathers the acks of a broadcast.
type ackCollector struct {
	ns   *Namespace
	id   int64
	done chan struct{} // closed when nothing is missing

	mu sync.Mutex
	// Guarded by mu.
	asked   []*Socket
	missing int // acks, and one for the sending itself
	sent    int // sockets that were asked
	refused int // sockets that could not be, or whose reply was too much
	replies []Reply
	bytes   int         // of replies, those that were too much included
	onReply func(Reply) // takes replies instead, if not nil
	onDone  func()      // told when nothing is missing, if not nil
	err     error       // a socket could not be asked
	stopped bool
}

func newAckCollector(n *Namespace) *ackCollector {
	return &ackCollector{ns: n, id: n.ackIDs.Add(1) - 1, missing: 1, done: make(chan struct{})}
}

// deliver sends b to this node's sockets.
func (w *ackCollector) deliver(b *Broadcast) {
	w.ns.deliverAs(b, w.id, w.expect)
	w.settle(nil)
}

// expect registers the wait for s before it is sent to. If the waits have been stopped
// meanwhile, s gets the event, but nobody waits for it.
func (w *ackCollector) expect(s *Socket) bool {
	w.mu.Lock()
	w.asked = append(w.asked, s)
	w.missing++
	w.mu.Unlock()
	s.mu.Lock()
	err := s.expectAs(w.id, w)
	s.mu.Unlock()
	w.mu.Lock()
	if err == nil {
		w.sent++
	} else if !errors.Is(err, ErrDisconnected) {
		w.err = err
		w.refused++
	}
	stopped := w.stopped
	w.mu.Unlock()
	if err != nil {
		w.settle(nil)
		return false
	}
	if stopped { // stop may not have seen this one
		s.forget(w.id)
	}
	return true
}

func (w *ackCollector) acked(_ *Socket, r Reply) { w.settle(&r) }
func (w *ackCollector) missed(*Socket)           { w.settle(nil) }

// settle notes that one thing less is missing, and the reply if there is one.
func (w *ackCollector) settle(r *Reply) {
	w.mu.Lock()
	w.missing--
	last := w.missing == 0
	onReply, onDone := w.onReply, w.onDone
	if r != nil && onReply == nil {
		w.keep(*r)
	}
	w.mu.Unlock()
	if r != nil && onReply != nil {
		onReply(*r)
	}
	if last {
		close(w.done)
		if onDone != nil {
			onDone()
		}
	}
}

// lacking returns how many sockets have got the event without an ack having come, or have
// been left out.
func (w *ackCollector) lacking() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.missing + w.refused
}

// addRemote takes a reply from another node.
func (w *ackCollector) addRemote(a Ack) {
	args, err := parseArgs(a.Data, a.Attachments, &w.ns.server.limits)
	if err != nil {
		w.ns.server.counters.deliverRefused.Add(1)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep(Reply{args})
}

// keep needs mu.
func (w *ackCollector) keep(r Reply) {
	if w.bytes += r.size(); w.bytes > maxReplyBytes {
		w.refused++
		w.err = ErrRepliesTooLarge
		return
	}
	w.replies = append(w.replies, r)
}

// stop ends the wait, and returns what has come.
func (w *ackCollector) stop() ([]Reply, error) {
	w.mu.Lock()
	asked := w.asked
	w.asked = nil
	w.stopped = true
	incomplete := w.missing > 0
	w.mu.Unlock()
	if incomplete {
		for _, s := range asked {
			s.forget(w.id)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.missing > 0 && w.err == nil { // the last may have come in between
		w.err = ErrAckTimeout
	}
	return w.replies, w.err
}
