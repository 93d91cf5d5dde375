package socketio

import (
	"context"
	"errors"
	"sync"
)

// link is what the adapter has been told about one room, or one namespace: that
// this node wants to hear it, or no longer. At most one call to the adapter is
// under way for a link, so that a Leave and a Join of the same name can't
// overtake each other. The owner's lock guards it.
type link struct {
	joined bool      // Join has returned without error, and no Leave has begun since
	call   *linkCall // the call under way, or nil
}

// linkCall is a call of the adapter's Join or Leave.
type linkCall struct {
	done chan struct{}
	err  error // set before done is closed
}

// linked is what has a link: a room or a namespace.
type linked interface {
	theLink() (*link, sync.Locker)
	address() (namespace, room string)
	unused() bool // needs the lock
	drop()        // forgets the owner, whose link has ended; needs the lock
}

// openLink returns nil when the adapter has confirmed the link, or when nobody
// wants it any more. Whoever finds no call under way makes it; the others wait
// for the same answer. The caller calls closeLink if its own use ends.
func (s *Server) openLink(ctx context.Context, owner linked) error {
	if s.cfg.Adapter == nil {
		return nil
	}
	l, mu := owner.theLink()
	for {
		mu.Lock()
		if l.joined || l.call == nil && owner.unused() {
			mu.Unlock()
			return nil
		}
		if l.call == nil {
			defer s.closeLink(owner) // it may have become unused meanwhile
			return s.joinLink(ctx, owner)
		}
		call := l.call
		mu.Unlock()
		select {
		case <-call.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if call.err != nil && !givenUp(call.err) {
			return call.err
		}
	}
}

// givenUp reports whether a call failed only because its own caller went, so
// that the others make it again.
func givenUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// joinLink is called with the lock held, and releases it.
func (s *Server) joinLink(ctx context.Context, owner linked) error {
	l, mu := owner.theLink()
	namespace, room := owner.address()
	call := &linkCall{done: make(chan struct{})}
	l.call = call
	mu.Unlock()
	call.err = s.cfg.Adapter.Join(ctx, namespace, room)
	mu.Lock()
	defer mu.Unlock()
	l.joined = call.err == nil
	l.call = nil
	close(call.done)
	return call.err
}

// closeLink ends a link that is unused, and drops its owner. If a call is under
// way, whoever made it sees to that afterwards.
func (s *Server) closeLink(owner linked) {
	l, mu := owner.theLink()
	mu.Lock()
	defer mu.Unlock()
	for owner.unused() && l.call == nil {
		if !l.joined {
			owner.drop()
			return
		}
		s.leaveLink(owner)
	}
}

// leaveLink is called with the lock held, and returns with it.
func (s *Server) leaveLink(owner linked) {
	l, mu := owner.theLink()
	namespace, room := owner.address()
	call := &linkCall{done: make(chan struct{})}
	l.joined, l.call = false, call
	mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	err := s.cfg.Adapter.Leave(ctx, namespace, room)
	cancel()
	if err != nil {
		s.cfg.Logger.Warn("adapter did not leave", "namespace", namespace, "room", room, "error", err)
	}
	mu.Lock()
	l.call = nil
	close(call.done)
}
