package gateway

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// After a burst of connections Go keeps the memory of their handshakes, or of
// the sessions that went, for minutes: it expects the next burst. A node's
// memory is what its neighbours on the machine and its own limit see, so it is
// handed back once things are calm.
const (
	trimLook  = time.Second      // how often the number of sessions is looked at
	trimEvery = 10 * time.Second // handing back costs a collection: at most so often
	trimLeast = 500              // sessions by which the number must have changed
)

// trimmer hands memory back after the number of sessions has changed by a lot
// and has then been calm for a look.
type trimmer struct {
	sessions func() int64
	free     func()
	count    atomic.Int64 // how often it did

	// Owned by run.
	settled int64 // sessions when memory was last handed back
	last    int64 // sessions at the last look
	freed   time.Time
}

func newTrimmer(sessions func() int64) *trimmer {
	return &trimmer{sessions: sessions, free: debug.FreeOSMemory}
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
	if !calm || now.Sub(t.freed) < trimEvery || distance(n, t.settled) < max(trimLeast, max(n, t.settled)/4) {
		return
	}
	t.settled, t.freed = n, now
	t.count.Add(1)
	t.free()
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
