package redis

import (
	"sync"
	"time"
)

// gaps measures for how long one direction of the bus may not have worked. A gap begins
// at the last moment that is proven to have been good and ends when it is known to be
// good again, so it is never shorter than the time in which something was lost.
type gaps struct {
	mu sync.Mutex
	// Guarded by mu.
	up     bool
	since  time.Time // when it came up, or where the gap of now begins; zero before the first time
	proven time.Time // while up: nothing is missing until then
	count  uint64
	total  time.Duration // of the gaps that have ended
}

// prove says that nothing is missing until that moment.
func (g *gaps) prove(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until.After(g.proven) {
		g.proven = until
	}
}

// lost begins a gap at the last proven moment, or at from if that is not zero. It is
// counted at once, because its end may be far.
func (g *gaps) lost(from time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.up {
		return
	}
	if from.IsZero() {
		from = g.proven
	}
	g.up, g.since = false, from
	g.count++
}

// back says that everything from now on arrives, if nothing breaks, and that proven was
// the first moment of that. It returns the length of the gap that has ended, if any.
func (g *gaps) back(proven, now time.Time) (gap time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.up {
		return 0
	}
	if !g.since.IsZero() {
		gap = now.Sub(g.since)
		g.total += gap
	}
	g.up, g.since, g.proven = true, now, proven
	return gap
}

// read returns the state, and the figures with the gap of now in them.
func (g *gaps) read(now time.Time) (s side) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s = side{up: g.up, proven: g.proven, gaps: g.count, total: g.total}
	switch {
	case g.up:
		s.upSince = g.since
	case !g.since.IsZero():
		s.downSince = g.since
		s.total += now.Sub(g.since)
	}
	return s
}

// side is the state of a direction.
type side struct {
	up                         bool
	upSince, downSince, proven time.Time
	gaps                       uint64
	total                      time.Duration
}

// add counts a gap of a part of what is heard, which has ended.
func (g *gaps) add(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count++
	g.total += d
}
