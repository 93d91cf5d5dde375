package gateway

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// After a burst of connections Go keeps the memory of their handshakes, or of
// the sessions that went, for minutes: it expects the next burst. A node's
// memory is what its neighbours on the machine and its own limit see, so it is
// handed back once things are calm.
const (
	trimLook  = 250 * time.Millisecond  // how often the number of sessions is looked at
	trimCalm  = 2250 * time.Millisecond // of calm: silent connections have given up their readers by then
	trimEvery = 10 * time.Second        // handing back costs a collection: at most so often
	trimLeast = 500                     // sessions by which the number must have changed
)

// trimmer hands memory back after the number of sessions has changed by a lot
// and has then been calm for a while.
type trimmer struct {
	sessions func() int64 // now
	opened   func() int64 // since the node began
	free     func()
	count    atomic.Int64 // how often it did

	// Owned by run.
	settled int64     // sessions when memory was last handed back
	before  int64     // sessions opened until then
	last    int64     // sessions at the last look
	moved   time.Time // the last look at which it was not calm
	freed   time.Time
}

func newTrimmer(sessions, opened func() int64) *trimmer {
	return &trimmer{sessions: sessions, opened: opened, free: freeMemory}
}

// run looks until ctx ends.
func (t *trimmer) run(ctx context.Context) {
	tick := time.NewTicker(trimLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			t.look(now)
		}
	}
}

func (t *trimmer) look(now time.Time) {
	n := t.sessions()
	// One in a hundred comes or goes all the time; that is calm.
	calm := distance(n, t.last) <= max(n, t.last)/100
	t.last = n
	if !calm {
		t.moved = now
	}
	opened := t.opened()
	// Sessions that came and went between two looks leave memory behind as well.
	moved := max(distance(n, t.settled), opened-t.before)
	if now.Sub(t.moved) < trimCalm || now.Sub(t.freed) < trimEvery || moved < max(trimLeast, max(n, t.settled)/4) {
		return
	}
	t.settled, t.before, t.freed = n, opened, now
	t.free()
	t.count.Add(1)
}

// freeMemory collects twice before it hands back: what lies in a sync.Pool survives
// the first collection.
func freeMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
