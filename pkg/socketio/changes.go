package socketio

import (
	"context"
	"sync"
)

// maxChanges bounds what other nodes have ordered and is not carried out yet.
const maxChanges = 10_000

// changes are what other nodes have ordered to be done to a namespace's sockets. They
// are carried out one after the other, since a leave may follow a join; and not in the
// adapter's goroutine, since a join waits for the adapter.
type changes struct {
	mu sync.Mutex
	// Guarded by mu.
	queue   []*Change
	working bool
}

// order queues c.
func (n *Namespace) order(c *Change) error {
	q := &n.changes
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) >= maxChanges {
		return ErrTooManyChanges
	}
	q.queue = append(q.queue, c)
	if !q.working {
		q.working = n.server.background(n.carryOut)
	}
	return nil
}

// carryOut works until there is nothing left to do.
func (n *Namespace) carryOut(ctx context.Context) {
	for {
		batch := n.changes.take()
		if len(batch) == 0 {
			return
		}
		for _, c := range batch {
			if err := n.apply(ctx, c); err != nil && ctx.Err() == nil {
				n.server.cfg.Logger.Warn("change of sockets incomplete", "namespace", n.name, "error", err)
			}
		}
	}
}

func (q *changes) take() []*Change {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := q.queue
	q.queue = nil
	q.working = len(batch) > 0
	return batch
}
