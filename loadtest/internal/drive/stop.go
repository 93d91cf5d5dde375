package drive

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// finish is the stop: nothing more is sent, what is on its way arrives, or is given up,
// and clients go.
func (r *run) finish() {
	last := len(r.whole.Phases) - 1
	r.enter(last, &r.whole.Phases[last], r.clock())
	r.stopped.Store(int64(r.clock()))
	r.endSending()
	// Only by reading on do slow readers find out whether the server has closed them: its
	// farewell is behind all that they have not read.
	for _, g := range r.groups {
		for _, c := range g.slowOnes() {
			c.hurry()
		}
	}
	ctx := r.hooks.Abandon
	if ctx == nil {
		ctx = context.Background()
	}
	r.until(ctx, r.clock()+r.whole.Drain, r.drained)
	var others *audit.Others
	if h := r.hooks.Drained; h != nil {
		r.await(func() { others = h(r.audit) })
	}
	if others != nil {
		r.until(ctx, r.clock()+r.whole.Drain, r.gotAll(others))
	}
	if n := r.audit.Outstanding() + r.awaited(others); n > 0 {
		r.warn("%d deliveries had not come %v after the last message was sent", n, r.whole.Drain)
	}
	if n := r.away.Load(); n > 0 {
		r.warn("%d clients that had lost their connections were not back at the end", n)
	}
	r.endClients()
	r.cut()
}

// drained reports whether waiting longer brings nothing.
func (r *run) drained() bool {
	return r.lanes.Load() == 0 && r.unsettled.Load() == 0 && r.asked.Load() == 0 && r.away.Load() == 0 && r.audit.Outstanding() <= 0 && r.audit.Missing() == 0
}

// awaited is how much of what other parts have sent has not come.
func (r *run) awaited(others *audit.Others) (n int64) {
	if others == nil {
		return 0
	}
	for _, g := range r.groups {
		for _, c := range g.everybody() {
			c.mu.Lock()
			if c.state != gone {
				n += c.sub.Awaits(others)
			}
			c.mu.Unlock()
		}
	}
	return n
}

// gotAll returns what tells that nothing of it is awaited any more. Where that takes long
// to find out, it is not asked so often.
func (r *run) gotAll(others *audit.Others) func() bool {
	next := time.Duration(0)
	return func() bool {
		from := r.clock()
		if from < next {
			return false
		}
		left := r.awaited(others)
		next = r.clock() + 5*(r.clock()-from)
		return left == 0
	}
}

// endClients judges all clients and closes their connections, all at once: a server that
// does not answer the farewells costs a few seconds, however many there are.
func (r *run) endClients() {
	type connection struct {
		c *client
		w *wire.Client
	}
	var open []connection
	for _, g := range r.groups {
		for _, c := range g.closeDoor() {
			if w := c.end(true); w != nil {
				open = append(open, connection{c, w})
			}
		}
	}
	r.endLife()
	var next atomic.Int64
	var closing sync.WaitGroup
	for range min(len(open), mostAttempts) {
		closing.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(open)); i = next.Add(1) - 1 {
				r.close(open[i].c, open[i].w)
			}
		})
	}
	closing.Wait()
	r.work.Wait()
	r.watch.Close()
}

// result is what came of the run.
func (r *run) result(ended string) *result.Result {
	out := &result.Result{
		Version:   result.Version,
		Started:   r.start,
		Seconds:   r.intervals.end.Seconds(),
		Ended:     ended,
		Plan:      *r.whole,
		Phases:    r.rec.Phases(),
		Audit:     r.audit.Sums(),
		Intervals: r.intervals.all,
		Servers:   r.watch.Servers(),
		Before:    r.rec.Before(),
		Warnings:  append(r.warnings, r.watch.Warnings()...),
	}
	out.Counts, out.Latency, out.Errors = r.rec.Totals()
	for i := range out.Phases {
		ph := &r.whole.Phases[i]
		out.Phases[i].Name, out.Phases[i].Kind = ph.Name, ph.Kind
	}
	return out
}

// untilStop is the phases up to the first stop, of which there is one: the run is over then.
func untilStop(phases []plan.Phase) []plan.Phase {
	at := slices.IndexFunc(phases, func(ph plan.Phase) bool { return ph.Kind == plan.Stop })
	return phases[:at+1]
}
