package drive

import (
	"context"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// How a run may have ended.
const (
	complete    = "complete"
	interrupted = "interrupted"
	nobody      = "given up: no client could connect"
)

// look is how often it is asked whether a phase without a set length is over.
const look = 5 * time.Millisecond

// askServers is how long servers may take to answer what they used at the end of a phase.
const askServers = 200 * time.Millisecond

// never is later than any run lasts.
const never = time.Duration(1<<63 - 1)

// Progress is how far a run has come.
type Progress struct {
	Phase   int // index in the plan
	Name    string
	Kind    string
	Elapsed time.Duration // of the run
	In      time.Duration // of the phase
	Of      time.Duration // the phase's length; 0: not known beforehand
}

// pass goes through the phases up to the stop, and returns how it ended.
func (r *run) pass(ctx context.Context) string {
	at := time.Duration(0)
	for i := range r.whole.Phases {
		ph := &r.whole.Phases[i]
		if ph.Kind == plan.Stop {
			break
		}
		if h := r.hooks.Enter; h != nil {
			var err error
			r.await(func() { err = h(ctx, i) })
			if err != nil {
				return givenUp(ctx, err)
			}
			at = r.clock()
		}
		r.enter(i, ph, at)
		planned := never
		if ph.Duration > 0 {
			planned = at + ph.Duration
		}
		if !r.until(ctx, planned, r.over(ph)) {
			return interrupted
		}
		at = min(planned, r.clock())
		r.missing(ph)
		if r.hopeless() {
			r.warn("%s", nobody)
			return nobody
		}
	}
	return complete
}

// await has something wait that is not the run's to end, and cuts the intervals that end
// meanwhile.
func (r *run) await(wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait()
	}()
	for {
		r.timer.Reset(r.intervals.left(r.clock()))
		select {
		case <-done:
			return
		case <-r.timer.C:
			if r.intervals.left(r.clock()) <= 0 {
				r.cut()
			}
		}
	}
}

// givenUp is how a run has ended that was kept from going on.
func givenUp(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return interrupted
	}
	return "given up: " + err.Error()
}

// enter begins a phase, at a time that may have just gone by. What servers use is divided
// between this one and the one before as exactly as they let themselves be asked.
func (r *run) enter(i int, ph *plan.Phase, at time.Duration) {
	if i > 0 {
		r.watch.Refresh(askServers)
	}
	r.cut()
	r.progress = Progress{Phase: i, Name: ph.Name, Kind: ph.Kind, Of: ph.Duration}
	r.phaseAt = at
	r.log("%s: %s", ph.Kind, ph.Name)
	r.endPhase()
	var phase context.Context
	phase, r.endPhase = context.WithCancel(r.sending)
	for _, g := range r.groups {
		g.enter(phase, i, at, ph.Duration)
	}
	r.traffic.set(!ph.Quiet && ph.Kind != plan.Stop)
	for _, g := range r.groups {
		g.resume()
	}
}

// over returns what tells that a phase has ended before its time, nil if nothing does.
func (r *run) over(ph *plan.Phase) func() bool {
	if ph.Kind == plan.Ramp && ph.Duration == 0 {
		patience := r.clock() + r.rampPatience()
		return func() bool { return r.unsettled.Load() == 0 || r.clock() > patience }
	}
	if r.countsMessages() {
		return r.allSent
	}
	return nil
}

// rampPatience is how long a ramp without a length may last: an answer from each server
// takes the connection's and the join's timeout, and one that lets in fewer than a
// hundred clients a second has been given time enough.
func (r *run) rampPatience() time.Duration {
	return r.whole.ConnectTimeout + r.whole.AckTimeout + time.Duration(r.wanted())*time.Second/100
}

// hopeless: all clients have tried to connect and failed. None will come later, but
// those that arrive by a rate and those that replace others, who would fare the same.
func (r *run) hopeless() bool {
	return !r.connected.Load() && r.unsettled.Load() == 0 && r.wanted() > 0
}

// missing says if a ramp has not come to its number.
func (r *run) missing(ph *plan.Phase) {
	if open, wanted := r.open.Load(), r.wanted(); ph.Kind == plan.Ramp && open < wanted {
		r.warn("%s: %d of %d clients are connected", ph.Name, open, wanted)
	}
}

// wanted is how many clients there should be now.
func (r *run) wanted() (n int64) {
	for _, g := range r.groups {
		n += int64(g.size())
	}
	return n
}

// countsMessages: the run is over when so many have been sent.
func (r *run) countsMessages() bool {
	for _, g := range r.groups {
		if g.plan.Messages == 0 {
			return false
		}
	}
	return true
}

// allSent: no group has more messages to send.
func (r *run) allSent() bool {
	for _, g := range r.groups {
		if g.plan.Messages > 0 && !g.sent.Load() {
			return false
		}
	}
	return true
}

// until passes the time up to end, and cuts the intervals that end meanwhile. It returns
// early, and true, when over says so; false when ctx has ended.
func (r *run) until(ctx context.Context, end time.Duration, over func() bool) bool {
	for {
		if ctx.Err() != nil {
			return false
		}
		now := r.clock()
		if now >= end || over != nil && over() {
			return true
		}
		wait := min(end-now, r.intervals.left(now))
		if over != nil {
			wait = min(wait, look)
		}
		r.timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-r.timer.C:
		}
		if r.intervals.left(r.clock()) <= 0 {
			r.cut()
		}
	}
}
