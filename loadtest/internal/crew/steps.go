package crew

import (
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// steps is the time series of all workers, as it is shown while the run lasts. The
// result's is made at the end.
type steps struct{ last time.Time } // when one was shown

// show shows the steps of which every worker has told, or, of those who take too long,
// without them: they may be about to be lost. All shows what is left.
func (c *crew) show(all bool) {
	late := !c.steps.last.IsZero() && time.Since(c.steps.last) > 2*c.plan.Interval+time.Second
	for {
		first, missing := -1, false
		for _, m := range c.members {
			if m.shown == len(m.intervals) {
				missing = missing || m.here() && !m.ended
				continue
			}
			if n := c.stepOf(&m.intervals[m.shown]); first < 0 || n < first {
				first = n
			}
		}
		if first < 0 || missing && !late && !all {
			return
		}
		c.step(first)
	}
}

// stepOf is the number of an interval's step. Phases are apart.
func (c *crew) stepOf(iv *result.Interval) int {
	const mostSteps = 1 << 32
	length := c.plan.Interval.Seconds()
	return iv.Phase*mostSteps + int(min(iv.From/length+.05, mostSteps-1))
}

// step shows the step of that number.
func (c *crew) step(number int) {
	var sum result.Interval
	sum.Tool = result.NoSample()
	begun := false
	for _, m := range c.members {
		if m.shown < len(m.intervals) && c.stepOf(&m.intervals[m.shown]) == number {
			iv := m.intervals[m.shown]
			m.shown++
			m.open = iv
			if !begun || iv.From < sum.From {
				sum.From = iv.From
			}
			begun = true
			sum.To, sum.Phase = max(sum.To, iv.To), iv.Phase
			sum.Counts.Add(iv.Counts)
			sum.Audit.Add(iv.Audit)
			sum.Latency.Merge(iv.Latency)
			sum.Tool = result.Together(sum.Tool, iv.Tool)
		}
		if m.here() {
			sum.Open += m.open.Open
			sum.Wanted += m.open.Wanted
		}
	}
	sum.Latency = sum.Latency.Packed()
	sum.Servers = c.observer.cut(sum.To, sum.Phase)
	c.steps.last = time.Now()
	if c.hooks.Interval != nil {
		ph := &c.plan.Phases[sum.Phase]
		c.hooks.Interval(sum, &drive.Progress{Phase: sum.Phase, Name: ph.Name, Kind: ph.Kind, Of: ph.Duration, Elapsed: time.Duration(sum.To * float64(time.Second))})
	}
}
