package drive

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/measure"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Hooks are told how a run gets on. Both may be nil; they are called from the goroutine
// of Run, and hold up its clock, but not the load, while they last.
type Hooks struct {
	Interval func(result.Interval, *Progress)
	Log      func(string) // for people: phases, what is given up
}

// What is used where a plan says 0.
const (
	defaultInterval       = time.Second
	defaultConnectTimeout = 20 * time.Second
	defaultAckTimeout     = 10 * time.Second
	defaultDrain          = 10 * time.Second
)

// run is one run of a plan.
type run struct {
	// Immutable.
	plan   *plan.Plan
	shapes *plan.Shapes
	hooks  Hooks
	start  time.Time
	rec    *measure.Recorder
	groups []*group
	dialer *dialer

	// life ends when clients are to be gone; traffic before that, when no more is to be
	// sent.
	life, traffic       context.Context
	endLife, endTraffic context.CancelFunc
	// quiet is true while nobody is to publish or ask.
	quiet atomic.Bool

	// work is every goroutine but those of the clients' connections.
	work sync.WaitGroup

	lastClient atomic.Int64 // number of the client that was made last
	open       atomic.Int64 // connections
	unsettled  atomic.Int64 // clients of whom it is not yet known whether they get in
	away       atomic.Int64 // clients that were in and are to come back
	asked      atomic.Int64 // acks that are waited for

	// Owned by the goroutine of Run.
	progress Progress
	clockEnd intervals
	warnings []string
}

// Run runs the plan, and returns when it is over and all clients are gone. When ctx is
// cancelled, it ends as it would have later: what is on its way is waited for, for at
// most the plan's Drain. The error is for a plan that cannot be run at all; whatever
// servers do ends in a result.
func Run(ctx context.Context, p plan.Plan, h Hooks) (*result.Result, error) {
	r, err := newRun(&p, h)
	if err != nil {
		return nil, err
	}
	r.begin()
	ended := r.pass(ctx)
	r.finish()
	return r.result(ended), nil
}

func newRun(p *plan.Plan, h Hooks) (*run, error) {
	setDefaults(p)
	shapes, err := plan.Compile(p.Events)
	if err != nil {
		return nil, err
	}
	r := &run{plan: p, shapes: shapes, hooks: h, start: time.Now()}
	r.rec = measure.NewRecorder(r.start)
	r.life, r.endLife = context.WithCancel(context.Background())
	r.traffic, r.endTraffic = context.WithCancel(r.life)
	if r.dialer, err = newDialer(r); err != nil {
		return nil, err
	}
	if len(p.Phases) == 0 || len(p.Groups) == 0 {
		return nil, fmt.Errorf("a plan needs a group and a phase")
	}
	for i := range p.Groups {
		r.groups = append(r.groups, newGroup(r, i))
	}
	return r, nil
}

func setDefaults(p *plan.Plan) {
	orElse := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	orElse(&p.Interval, defaultInterval)
	orElse(&p.ConnectTimeout, defaultConnectTimeout)
	orElse(&p.AckTimeout, defaultAckTimeout)
	orElse(&p.Drain, defaultDrain)
}

// clock is the time since the run began.
func (r *run) clock() time.Duration { return time.Since(r.start) }

// begin starts every goroutine of the run.
func (r *run) begin() {
	r.beginScraping()
	for _, g := range r.groups {
		g.begin()
	}
}

func (r *run) log(format string, args ...any) {
	if r.hooks.Log != nil {
		r.hooks.Log(fmt.Sprintf(format, args...))
	}
}

// warn notes what a reader of the result must know.
func (r *run) warn(format string, args ...any) {
	w := fmt.Sprintf(format, args...)
	r.warnings = append(r.warnings, w)
	r.log("%s", w)
}
