package drive

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/scrape"
)

// Hooks are told how a run gets on. They may be nil. Enter and Drained hold up the run's
// phases, but neither its traffic nor its intervals, while they last: Interval and Log
// are called meanwhile, one at a time.
type Hooks struct {
	// Enter is called before each phase, which begins when it returns: so that the parts
	// of a run wait for each other. ctx ends when the run is interrupted; what is
	// returned, if that is not nil, ends the run, and is why.
	Enter func(ctx context.Context, phase int) error
	// Drained is called when this process sends nothing more, and what its clients were
	// sent by each other has come, or has been given up. What it returns, if that is not
	// nil, is what other parts have sent, which is then waited for in the same way before
	// the clients go.
	Drained func(*audit.Audit) *audit.Others
	// Interval is called at the end of each interval, and of each phase.
	Interval func(result.Interval, *Progress)
	// Log is called with what happens, for people.
	Log func(string)
	// Abandon, when it ends, ends the waiting for what is on its way: nobody is
	// interested in the result any more. nil: somebody is.
	Abandon context.Context
}

// run is one run of a plan.
type run struct {
	// Immutable.
	whole  *plan.Plan
	part   Part
	shapes *plan.Shapes
	hooks  Hooks
	start  time.Time
	base   int64 // start, by the audit's clock
	rec    *measure.Recorder
	audit  *audit.Audit
	groups []*group
	dialer *dialer
	watch  *scrape.Watch

	// sending ends when nothing more is to be sent, life when clients are to be gone.
	sending, life       context.Context
	endSending, endLife context.CancelFunc
	traffic             gate // open while clients are to publish and to ask

	// work is all goroutines but those of connections.
	work sync.WaitGroup

	stopped    atomic.Int64 // when sending ended, since start
	lastClient atomic.Int64 // how many clients there have been
	connected  atomic.Bool  // somebody was, once
	open       atomic.Int64 // connections
	unsettled  atomic.Int64 // clients, and crowds, of whom it is not known yet whether they get in
	away       atomic.Int64 // clients that lost their connection and are to come back
	asked      atomic.Int64 // acks that are waited for
	lanes      atomic.Int64 // lanes that are not at their end

	saying sync.Mutex
	// Guarded by saying.
	warnings []string

	// Owned by the goroutine of Run.
	timer     *time.Timer
	intervals intervals
	progress  Progress
	phaseAt   time.Duration
	endPhase  context.CancelFunc
}

// Run runs the plan, and returns when it is over and all clients are gone. When ctx is
// cancelled, it ends as it would have later: what is on its way is waited for, for
// at most the plan's Drain. The error is for a plan that cannot be run at all; whatever
// servers do ends in a result.
func Run(ctx context.Context, p plan.Plan, h Hooks) (*result.Result, error) {
	res, _, err := RunPart(ctx, p, Part{}, h)
	return res, err
}

// RunPart runs this process's part of a plan, which all parts are given whole. The
// result is of this part; what became of messages of other parts is judged by the
// audit that is returned, when all parts have ended and their logs are known.
func RunPart(ctx context.Context, p plan.Plan, part Part, h Hooks) (*result.Result, *audit.Audit, error) {
	part.Workers = max(part.Workers, 1)
	r, err := newRun(&p, part, h)
	if err != nil {
		return nil, nil, err
	}
	r.explain()
	r.beginWatch()
	for _, g := range r.groups {
		g.begin()
	}
	ended := r.pass(ctx)
	r.finish()
	return r.result(ended), r.audit, nil
}

func newRun(p *plan.Plan, part Part, h Hooks) (*run, error) {
	if err := p.Complete(); err != nil {
		return nil, err
	}
	p.Phases = untilStop(p.Phases)
	shapes, err := plan.Compile(p.Events)
	if err != nil {
		return nil, err
	}
	r := &run{whole: p, part: part, shapes: shapes, hooks: h, endPhase: func() {}}
	if r.dialer, err = newDialer(r); err != nil {
		return nil, err
	}
	if r.watch, err = scrape.NewWatch(p.Metrics, p.PIDs, p.Interval); err != nil {
		return nil, err
	}
	r.audit = audit.New(audit.Config{Run: uint32(p.Seed), Worker: part.Worker, Remote: part.Workers > 1, Clock: part.Clock})
	if r.start = part.Start; r.start.IsZero() {
		r.start = time.Now()
	}
	r.base = r.audit.Nanos(r.start)
	r.intervals.next = p.Interval
	r.rec = measure.NewRecorder(r.start)
	r.life, r.endLife = context.WithCancel(context.Background())
	r.sending, r.endSending = context.WithCancel(r.life)
	r.timer = newTimer()
	for i := range p.Groups {
		r.groups = append(r.groups, newGroup(r, i))
	}
	return r, nil
}

// explain warns of what a plan's figures do not show.
func (r *run) explain() {
	for i := range r.whole.Groups {
		g := &r.whole.Groups[i]
		if g.Slow.Share > 0 {
			r.warn("%s: what slow readers get is audited, but not in the delivery latencies", g.Name)
		}
		if !g.Rejoin.IsZero() && !r.shapes.JoinAck {
			r.warn("%s: nobody rejoins, because the server does not answer and so nobody knows when", g.Name)
		}
		if g.Binary && g.AckPublish {
			r.warn("%s: binary messages are published without asking for acks", g.Name)
		}
	}
}

// clock is the time since the run began.
func (r *run) clock() time.Duration { return time.Since(r.start) }

// nanos is a time since the run began by the audit's clock, and since is how long after
// such a time something was.
func (r *run) nanos(at time.Duration) int64 { return r.base + int64(at) }

func (r *run) since(nanos int64, at time.Time) time.Duration {
	return at.Sub(r.start) - time.Duration(nanos-r.base)
}

func (r *run) log(format string, args ...any) {
	if r.hooks.Log == nil {
		return
	}
	r.saying.Lock()
	defer r.saying.Unlock()
	r.hooks.Log(fmt.Sprintf(format, args...))
}

// warn notes what a reader of the result must know. It may be called from any goroutine.
func (r *run) warn(format string, args ...any) {
	r.saying.Lock()
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
	r.saying.Unlock()
	r.log(format, args...)
}

// roomName is the same in all processes of a run, and of no other run.
func (r *run) roomName(group, n int) string {
	return "load-" + strconv.FormatUint(r.whole.Seed, 36) + "-" + strconv.Itoa(group) + "-" + strconv.Itoa(n)
}

// newTimer returns a timer that does not run.
func newTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
