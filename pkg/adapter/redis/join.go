package redis

import (
	"context"
	"time"
)

// want is a subscription that a namespace or a room needs.
type want struct {
	name string
	kind channelKind
}

// classicWants returns what a node must hear for a room, or with an empty room for a namespace.
func (a *Adapter) classicWants(namespace, room string) []want {
	if room != "" {
		return []want{{a.names.room(namespace, room), kindBroadcast}}
	}
	a.mu.Lock()
	tag := a.tag
	a.mu.Unlock()
	wants := []want{
		{a.names.all(namespace), kindBroadcast},
		{a.names.requests(namespace), kindRequest},
		{a.names.answers(namespace, ""), kindResponse},
		{a.names.answers(namespace, a.uid), kindResponse},
	}
	if !a.PrivateRooms() {
		wants = append(wants, want{a.names.private(namespace, tag), kindPrivate})
	}
	return wants
}

// Join implements socketio.Adapter. Before Redis is reached for the first time it waits
// for that. While Redis is away it returns at once: the room is then in the same state
// as those that were joined before, and is subscribed with them. An error is that of
// ctx, or ErrClosed, and means that the interest is given up. Calls of Join and Leave
// for one name must not overlap.
func (a *Adapter) Join(ctx context.Context, namespace, room string) error {
	select {
	case <-a.started:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-a.ended:
		return ErrClosed
	default:
	}
	var history *track
	if room == "" {
		history = a.openHistory(namespace)
	}
	wants := a.wants(namespace, room)
	ready := make([]<-chan struct{}, len(wants))
	for i, w := range wants {
		ready[i] = a.interests.add(w.name, w.kind, namespace)
	}
	for _, r := range ready {
		if r == nil {
			continue
		}
		select {
		case <-r:
		case <-ctx.Done():
			_ = a.Leave(ctx, namespace, room)
			return context.Cause(ctx)
		}
	}
	a.settleHistory(ctx, history)
	return nil
}

// Leave implements socketio.Adapter. It does not wait: the channel is left after
// Config.Linger, unless the room is joined again. It never fails.
func (a *Adapter) Leave(_ context.Context, namespace, room string) error {
	now := time.Now()
	for _, w := range a.wants(namespace, room) {
		a.interests.remove(w.name, namespace, now)
	}
	if room == "" {
		a.closeHistory(namespace)
	}
	return nil
}
