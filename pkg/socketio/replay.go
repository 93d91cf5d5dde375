package socketio

import (
	"context"
	"errors"
)

// batchSize bounds how many clients are served by one reading of the history.
const batchSize = 1000

// readFor reads the history for one that comes back, together with others that wait: one
// reading serves all that have come since the last.
func (r *recoverable) readFor(ctx context.Context, back *comeback) error {
	back.done = make(chan struct{})
	r.order.Lock()
	back.timeline = r.timeline
	r.order.Unlock()
	r.mu.Lock()
	if !r.replaying {
		r.replaying = r.ns.server.background(r.replay)
	}
	if r.replaying {
		r.waiting = append(r.waiting, back)
	}
	replaying := r.replaying
	r.mu.Unlock()
	if !replaying {
		return refusedUnavailable
	}
	select {
	case <-back.done:
		return back.err
	case <-ctx.Done():
		return refusedUnavailable // whoever reads may still write to back: it is not looked at again
	}
}

// replay reads until nobody waits.
func (r *recoverable) replay(ctx context.Context) {
	for batch := r.takeWaiting(); len(batch) > 0; batch = r.takeWaiting() {
		for len(batch) > 0 {
			batch = r.readBatch(ctx, batch)
		}
	}
}

func (r *recoverable) takeWaiting() []*comeback {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), batchSize)
	batch := r.waiting[:n:n]
	if r.waiting = r.waiting[n:]; len(r.waiting) == 0 {
		r.waiting = nil
	}
	r.replaying = n > 0
	return batch
}

// visit is a stay of one that comes back.
type visit struct {
	back *comeback
	SavedRoom
}

// reading is a batch while the history is read for it.
type reading struct {
	batch   []*comeback
	visits  map[string][]visit     // by room
	from    map[Offset][]*comeback // by where they begin
	pending int                    // those that are not refused
}

// readBatch serves those that can be, and returns those for which the history must be read
// again: it does not reach back to where another one of the batch begins.
func (r *recoverable) readBatch(ctx context.Context, batch []*comeback) (rest []*comeback) {
	g, first := newReading(batch)
	ctx, cancel := context.WithTimeout(ctx, r.ns.server.cfg.ConnectTimeout)
	defer cancel()
	head, err := r.history.Read(ctx, r.ns.name, first, g.take)
	forgotten := errors.Is(err, ErrForgotten) || errors.Is(err, ErrDiverged)
	for _, back := range batch {
		switch {
		case forgotten && back.from != first:
			rest = append(rest, back)
			continue
		case forgotten:
			back.err = refusedForgotten
		case err != nil:
			back.err = refusedUnavailable
		case back.err == nil && !back.known && back.from != first && back.from != head:
			back.err = refusedForgotten // it is not in the history
		}
		back.head = head
		close(back.done)
	}
	return rest
}

func newReading(batch []*comeback) (g *reading, first Offset) {
	g = &reading{batch: batch, visits: make(map[string][]visit), from: make(map[Offset][]*comeback), pending: len(batch)}
	first = batch[0].from
	for _, back := range batch {
		if first.After(back.from) {
			first = back.from
		}
		g.from[back.from] = append(g.from[back.from], back)
		for _, room := range back.rooms {
			g.visits[room.Name] = append(g.visits[room.Name], visit{back, room})
		}
	}
	return g, first
}

// take gives an event to those that it is for, and reports whether anybody wants more.
func (g *reading) take(b *Broadcast, at Offset) bool {
	for _, back := range g.from[at] {
		back.known = true
	}
	e := recorded{Broadcast: b, at: at}
	if len(b.Rooms) == 0 {
		for _, back := range g.batch {
			g.give(back, &e)
		}
	}
	for _, name := range b.Rooms {
		for i := range g.visits[name] {
			if v := &g.visits[name][i]; v.covers(at) {
				g.give(v.back, &e)
			}
		}
	}
	return g.pending > 0
}

func (g *reading) give(back *comeback, e *recorded) {
	if back.err != nil || !e.at.After(back.last) || back.in(e.Except, e.at) {
		return
	}
	if e.packets == nil && !e.bad {
		e.bad = !back.socket.ns.recovery.checks(e.Broadcast)
	}
	if e.bad {
		return // nobody has been sent it either
	}
	if back.add(e); back.err != nil {
		g.pending--
	}
}

// checks refuses an event of the history that would break a client.
func (r *recoverable) checks(b *Broadcast) bool {
	n := node{r.ns.server}
	if b.Namespace == r.ns.name && n.checkEvent(b.Data, b.Attachments) == nil {
		return true
	}
	n.server.counters.deliverRefused.Add(1)
	return false
}
