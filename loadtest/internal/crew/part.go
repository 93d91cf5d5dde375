package crew

import (
	"context"
	"errors"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// drive runs the part, in a goroutine of its own, and tells the coordinator of it. What
// cannot be told because the link is broken is not worth telling.
func (r *session) drive() {
	sent := sentLogs{}
	res, a, err := drive.RunPart(r.interrupted, r.plan, r.part, drive.Hooks{
		Enter:   r.enter,
		Drained: func(a *audit.Audit) *audit.Others { return r.others(a, sent) },
		Interval: func(iv result.Interval, _ *drive.Progress) {
			_ = r.link.send(kindInterval, iv)
		},
		Log:     func(line string) { _ = r.link.send(kindSay, say{Line: line}) },
		Abandon: r.abandoned,
	})
	if err != nil {
		r.cannot("run", err)
		return
	}
	sent.send(r.link, a.Logs())
	_ = r.link.send(kindEnded, nil)
	var t told
	select {
	case <-r.abandoned.Done():
		return
	case t = <-r.judge:
	}
	sums, err := a.Judge(t.logs, t.skew)
	if err != nil {
		r.cannot("audit", err)
		return
	}
	small := *res
	small.Intervals, small.Plan = nil, plan.Plan{}
	if r.link.send(kindResult, outcome{Result: small, Audit: sums}) == nil {
		r.ended = res.Ended
	}
}

// enter waits for the others at the start of a phase.
func (r *session) enter(ctx context.Context, phase int) error {
	if err := r.link.send(kindArrived, meeting{Phase: phase}); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m := <-r.enters:
			if m.Phase != phase {
				continue
			}
			return r.sleep(ctx, m.At)
		}
	}
}

// longestLead is how long before a phase begins it may be said that it does.
const longestLead = 10 * time.Second

// sleep waits for a time of our clock.
func (r *session) sleep(ctx context.Context, at int64) error {
	wait := time.Duration(at - r.clock.Now())
	if wait > longestLead {
		return errors.New("the phase is to begin too late")
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// others says what this part has sent, and waits for what others have; nil if that will
// not be known.
func (r *session) others(a *audit.Audit, sent sentLogs) *audit.Others {
	sent.send(r.link, a.Logs())
	_ = r.link.send(kindDrained, nil)
	select {
	case <-r.abandoned.Done():
		return nil
	case t := <-r.settle:
		o, err := a.Others(t.logs, t.skew)
		if err != nil {
			return nil // as Judge will say
		}
		return o
	}
}
