package access

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// watch sends clients away when their tokens end. It is one heap, one timer and one
// goroutine for all of them.
type watch struct {
	sooner alarm // rung when the next end is nearer than it was

	mu sync.Mutex
	// Guarded by mu.
	heap  endings
	ended int64 // clients sent away
}

// longestWait is how long the alarm waits at most, so that a clock that is set right
// in between does not leave tokens valid for ever.
const longestWait = time.Minute

// add begins to watch a member.
func (w *watch) add(m *Member, conn Connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.conn = conn
	heap.Push(&w.heap, m)
	if m.at == 0 {
		w.sooner.ring()
	}
}

// extend takes notice of a new end. Who has been sent away meanwhile has gone.
func (w *watch) extend(m *Member, ends int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.ends = ends
	if m.conn != nil {
		heap.Fix(&w.heap, int(m.at))
		w.sooner.ring() // it may also be sooner
	}
}

// drop ends the watch of a member, if it is watched.
func (w *watch) drop(m *Member) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.conn != nil {
		heap.Remove(&w.heap, int(m.at))
	}
}

// run sends clients away until ctx ends.
func (w *watch) run(ctx context.Context) {
	w.sooner.run(ctx, func() time.Duration {
		gone, wait := w.over(time.Now())
		for _, conn := range gone {
			conn.SendAway()
		}
		return wait
	})
}

// over takes out whose tokens have ended, and returns the time until the next one's.
func (w *watch) over(now time.Time) (gone []Connection, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.heap) > 0 {
		m := w.heap[0]
		if left := time.UnixMilli(m.ends).Sub(now); left > 0 {
			return gone, min(left, longestWait)
		}
		gone = append(gone, m.conn)
		heap.Pop(&w.heap)
		w.ended++
	}
	return gone, longestWait
}

func (w *watch) count() (watched int, ended int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.heap), w.ended
}

// endings is a heap of members, the nearest end first.
type endings []*Member

func (h endings) Len() int           { return len(h) }
func (h endings) Less(i, j int) bool { return h[i].ends < h[j].ends }

func (h endings) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = int32(i), int32(j)
}

func (h *endings) Push(x any) {
	m := x.(*Member)
	m.at = int32(len(*h))
	*h = append(*h, m)
}

func (h *endings) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	m.conn, m.at = nil, 0
	(*h)[last] = nil
	*h = (*h)[:last]
	if cap(*h) > 64 && last < cap(*h)/4 { // what a burst took is given back
		*h = append(make(endings, 0, cap(*h)/2), *h...)
	}
	return m
}
