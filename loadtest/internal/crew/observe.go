package crew

import (
	"context"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/scrape"
)

// observer watches the servers from here, whose addresses and process ids the plan has.
// It belongs to the goroutine of Run.
type observer struct {
	watch     *scrape.Watch
	life      context.Context
	stop      context.CancelFunc
	first     []result.Sample
	began     time.Time
	rec       *measure.Recorder
	intervals []result.Interval
}

func newObserver(p *plan.Plan) (*observer, error) {
	w, err := scrape.NewWatch(p.Metrics, p.PIDs, p.Interval)
	if err != nil {
		return nil, err
	}
	o := &observer{watch: w}
	o.life, o.stop = context.WithCancel(context.Background())
	return o, nil
}

// begin takes a first sample.
func (o *observer) begin() { o.first = o.watch.Begin(o.life) }

// start is when the run began.
func (o *observer) start(at time.Time) {
	o.began = at
	o.rec = measure.NewRecorder(at)
	o.rec.Begin(o.first)
}

// cut ends an interval, so many seconds after the start, and returns the samples in it.
func (o *observer) cut(to float64, phase int) []result.Sample {
	if o.first == nil {
		return nil
	}
	iv := o.rec.Cut(o.began.Add(time.Duration(to*float64(time.Second))), phase, 0, 0, audit.Sums{}, o.watch.Latest())
	iv.Tool = result.NoSample()
	o.intervals = append(o.intervals, iv)
	return iv.Servers
}

// end ends the watching.
func (o *observer) end() {
	o.stop()
	o.watch.Close()
}

// part is what was seen, as a part of the result; nil: nothing.
func (o *observer) part(whole *result.Result) *result.Result {
	if o.first == nil {
		return nil
	}
	out := &result.Result{
		Version: result.Version, Started: whole.Started, Seconds: whole.Seconds, Ended: whole.Ended, Plan: whole.Plan,
		Phases: o.rec.Phases(), Intervals: o.intervals, Servers: o.watch.Servers(), Before: o.rec.Before(), Warnings: o.watch.Warnings(),
	}
	for i := range out.Phases {
		ph := &whole.Plan.Phases[i]
		out.Phases[i].Name, out.Phases[i].Kind = ph.Name, ph.Kind
	}
	return out
}
