package socketio

import (
	"context"
	"errors"
	"slices"
	"time"
)

// The history of a Bus is one memory for all of its nodes. Each node follows it: what it
// does not hear for a while it gets later, or is told that it has missed it.

var _ HistoryAdapter = (*busAdapter)(nil)

func (a *busAdapter) historyNode() (HistoryNode, bool) {
	n, ok := a.node.(HistoryNode)
	return n, ok
}

// window is asked when a runs.
func (a *busAdapter) window(namespace string) time.Duration {
	if n, ok := a.historyNode(); ok {
		return n.Recovery(namespace).Window
	}
	return 0
}

var errNotRunning = errors.New("socketio: the adapter does not run")

func (a *busAdapter) isReady() bool {
	select {
	case <-a.ready:
		return true
	default:
		return false
	}
}

func (a *busAdapter) Record(b *Broadcast) error {
	if !a.isReady() {
		return errNotRunning
	}
	a.bus.memory.append(b, a.window(b.Namespace))
	a.bus.mu.RLock()
	nodes := a.bus.nodes
	a.bus.mu.RUnlock()
	for _, n := range nodes {
		n.wake()
	}
	confirm(b.Confirm)
	return nil
}

func (a *busAdapter) wake() {
	select {
	case a.recorded <- struct{}{}:
	default:
	}
}

// follow delivers what is recorded, until ctx ends.
func (a *busAdapter) follow(ctx context.Context) {
	n, ok := a.historyNode()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.recorded:
		}
		for _, namespace := range a.namespaces() {
			if ok {
				a.catchUp(ctx, n, namespace)
			}
		}
	}
}

// namespaces returns those that the node hears; none while it is deaf.
func (a *busAdapter) namespaces() (names []string) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for want := range a.wants {
		if want.room == "" && !a.deaf {
			names = append(names, want.namespace)
		}
	}
	return names
}

// catchUp delivers what lies behind the node's position. What it does not want to hear
// moves the position only.
func (a *busAdapter) catchUp(ctx context.Context, n HistoryNode, namespace string) {
	if n.Recovery(namespace).Window == 0 {
		return
	}
	_, err := a.bus.memory.read(ctx, namespace, n.Position(namespace), func(b *Broadcast, at Offset) bool {
		if a.isDeaf() {
			return false
		}
		if a.hears(Target{b.Namespace, b.Rooms, b.Except}) {
			_ = n.DeliverRecorded(b, at) // it counts what it refuses
		}
		n.Advance(namespace, at)
		return true
	})
	if errors.Is(err, ErrForgotten) {
		n.Missed(namespace, a.bus.memory.head(namespace), err)
	}
}

// Deafen keeps the node from hearing what is recorded, as a network might, until the
// function that it returns is called. For tests, which find it by assertion.
func (a *busAdapter) Deafen() (hear func()) {
	a.setDeaf(true)
	return func() {
		a.setDeaf(false)
		a.wake()
	}
}

func (a *busAdapter) setDeaf(deaf bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deaf = deaf
}

func (a *busAdapter) isDeaf() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.deaf
}

func (a *busAdapter) Read(ctx context.Context, namespace string, after Offset, f func(b *Broadcast, at Offset) bool) (Offset, error) {
	return a.bus.memory.read(ctx, namespace, after, f)
}

func (a *busAdapter) Save(_ context.Context, s *SavedSession) (Offset, error) {
	if !a.isReady() {
		return Offset{}, errNotRunning
	}
	return a.bus.memory.save(s, a.window(s.Namespace), a)
}

func (a *busAdapter) Look(_ context.Context, namespace, pid string) (*SavedSession, error) {
	return a.bus.memory.look(namespace, pid)
}

func (a *busAdapter) Take(_ context.Context, s *SavedSession) error {
	if !a.isReady() {
		return errNotRunning
	}
	former, err := a.bus.memory.take(s, a.window(s.Namespace), a)
	if err != nil || former == a || !a.bus.runs(former) {
		return err
	}
	if n, ok := former.historyNode(); ok {
		n.Taken(s.Namespace, s.PID, s.Epoch)
	}
	return nil
}

func (b *Bus) runs(a *busAdapter) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Contains(b.nodes, a)
}

func (a *busAdapter) Keep(_ context.Context, sessions []*SavedSession) ([]*SavedSession, error) {
	if !a.isReady() {
		return nil, errNotRunning
	}
	return a.bus.memory.keep(sessions, a.window), nil
}

func (a *busAdapter) Release(_ context.Context, s *SavedSession, mayReturn bool) error {
	if !a.isReady() {
		return errNotRunning
	}
	return a.bus.memory.release(s, a.window(s.Namespace), mayReturn)
}
