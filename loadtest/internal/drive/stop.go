package drive

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/causeway-rt/causeway/internal/wire"
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
	r.until(context.Background(), r.clock()+r.whole.Drain, r.drained)
	if r.hooks.Drained != nil {
		r.hooks.Drained()
	}
	if n := r.audit.Outstanding(); n > 0 {
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
	r.watch.scraper.Close()
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
		Servers:   r.watch.scraper.Servers(),
		Before:    r.rec.Before(),
		Warnings:  append(r.warnings, r.watch.scraper.Warnings()...),
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
