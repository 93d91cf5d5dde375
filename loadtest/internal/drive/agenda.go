package drive

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda does things at their times, one after the other, in one goroutine, so that
// twenty thousand waiting clients cost no timers.
type agenda struct {
	clock func() time.Duration

	mu   sync.Mutex
	due  dueHeap       // guarded by mu
	wake chan struct{} // has room for one: there is something earlier than there was
}

// dueThing is something to be done to a client.
type dueThing struct {
	at   time.Duration
	what action
	who  *client
	// life is the connection that it was meant for: a client that came back since has
	// another, and the thing is dropped.
	life uint32
}

func newAgenda(clock func() time.Duration) *agenda {
	return &agenda{clock: clock, wake: make(chan struct{}, 1)}
}

// add puts a thing on the agenda. It may be called from any goroutine, the one that
// does things included.
func (a *agenda) add(d dueThing) {
	a.mu.Lock()
	heap.Push(&a.due, d)
	first := a.due[0].at == d.at
	a.mu.Unlock()
	if first {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}

// run does what comes due until ctx ends.
func (a *agenda) run(ctx context.Context, do func(dueThing)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d, wait, ok := a.take()
		if ok {
			do(d)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
	}
}

// take removes the first thing if it is due, and says else how long there is to wait.
func (a *agenda) take() (d dueThing, wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.due) == 0 {
		return d, time.Hour, false
	}
	if wait = a.due[0].at - a.clock(); wait > 0 {
		return d, wait, false
	}
	return heap.Pop(&a.due).(dueThing), 0, true
}

type dueHeap []dueThing

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueThing)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
