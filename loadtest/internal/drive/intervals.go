package drive

import (
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// intervals are the steps of the time series so far. It belongs to the goroutine of Run.
type intervals struct {
	all   []result.Interval
	end   time.Duration // of the last
	next  time.Duration // when the current one is to end
	audit audit.Sums    // up to the last
}

// left is how long the current interval lasts yet.
func (i *intervals) left(now time.Duration) time.Duration { return i.next - now }

// cut ends the current interval now, and tells of it.
func (r *run) cut() {
	now := r.clock()
	i := &r.intervals
	if now <= i.end {
		return
	}
	for _, g := range r.groups {
		g.countBytes()
	}
	sums := r.audit.Sums()
	iv := r.rec.Cut(r.start.Add(now), r.progress.Phase, r.open.Load(), r.wanted(), less(sums, i.audit), r.watch.Latest())
	i.audit, i.end = sums, now
	i.next = now - now%r.whole.Interval + r.whole.Interval
	i.all = append(i.all, iv)
	if r.hooks.Interval != nil {
		p := r.progress
		p.Elapsed, p.In = now, now-r.phaseAt
		r.hooks.Interval(iv, &p)
	}
}

// countBytes has every connection's bytes counted up to now.
func (g *group) countBytes() {
	for _, c := range g.everybody() {
		c.mu.Lock()
		c.count(c.wire)
		c.mu.Unlock()
	}
}

// less is a without b.
func less(a, b audit.Sums) audit.Sums {
	return audit.Sums{
		Published:    a.Published - b.Published,
		Due:          a.Due - b.Due,
		Delivered:    a.Delivered - b.Delivered,
		Lost:         a.Lost - b.Lost,
		Gap:          a.Gap - b.Gap,
		Absent:       a.Absent - b.Absent,
		Unjudged:     a.Unjudged - b.Unjudged,
		Duplicated:   a.Duplicated - b.Duplicated,
		Reordered:    a.Reordered - b.Reordered,
		Corrupted:    a.Corrupted - b.Corrupted,
		AfterLeaving: a.AfterLeaving - b.AfterLeaving,
		Unknown:      a.Unknown - b.Unknown,
	}
}

// beginWatch takes a first sample of the servers, and one before the end of every interval.
func (r *run) beginWatch() {
	if first := r.watch.Begin(r.life); first != nil {
		r.rec.Begin(first)
	}
}
