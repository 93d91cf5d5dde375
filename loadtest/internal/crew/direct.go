package crew

import (
	"context"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

const (
	// lead is how long before a phase begins all are told that it does, besides the time
	// that the telling takes.
	lead = 20 * time.Millisecond
	// beyond is what a run may take longer than its plan allows.
	beyond = 2 * time.Minute
)

// direct brings the run to its end.
func (c *crew) direct(ctx context.Context) {
	limit := time.NewTimer(longest(c.plan))
	defer limit.Stop()
	every := time.NewTicker(min(c.plan.Interval, time.Second))
	defer every.Stop()
	interrupted := ctx.Done()
	for c.unfinished() {
		select {
		case e := <-c.events:
			c.hear(e)
		case <-every.C:
			c.broadcast(kindClocks, func(m *member) any { return c.clocksOf(m) })
		case <-interrupted:
			interrupted, c.stopped = nil, true
			c.broadcast(kindStop, nobody)
			limit.Reset(ending(c.plan))
		case <-limit.C:
			for _, m := range c.members {
				m.lose("it has not come to its end in time", c.seconds())
				m.link.fail(errClosed)
			}
		}
		c.meet()
		c.show(false)
	}
	c.show(true)
}

// longest is how long the plan can take, and a little more.
func longest(p *plan.Plan) time.Duration {
	total := ending(p)
	for i, ph := range p.Phases {
		total += lead + ph.Duration
		if ph.Kind == plan.Ramp && ph.Duration == 0 { // as drive bounds it
			clients := 0
			for g := range p.Groups {
				clients += int(p.Numbers(i, g).Clients.To) + p.Groups[g].Publishers
			}
			total += p.ConnectTimeout + p.AckTimeout + time.Duration(clients)*time.Second/100
		}
	}
	return total
}

// ending is how long the end can take.
func ending(p *plan.Plan) time.Duration {
	return 2*p.Drain + p.ConnectTimeout + p.AckTimeout + beyond
}

// seconds is the time since the run began.
func (c *crew) seconds() float64 { return time.Duration(c.clock.Now() - c.began).Seconds() }

// unfinished reports whether a worker is still at work.
func (c *crew) unfinished() bool {
	for _, m := range c.members {
		if m.here() && m.outcome == nil {
			return true
		}
	}
	return false
}

// hear takes what a worker said.
func (c *crew) hear(e event) {
	m := e.from
	err := e.lost
	switch {
	case err != nil || !m.here():
	case e.kind == kindSay:
		c.repeat(m, e.body)
	default:
		err = m.take(e.kind, e.body, c.plan)
	}
	if err != nil && m.here() && m.outcome == nil {
		m.lose(err.Error(), c.seconds())
		m.link.fail(err)
		c.log("worker %s is lost: %s", m.address, m.lost)
	}
}

// repeat says for all what a worker says, but that it has entered a phase: that is said
// once.
func (c *crew) repeat(m *member, body []byte) {
	s, err := decode[say](body)
	if err != nil {
		return
	}
	for _, ph := range c.plan.Phases {
		if s.Line == phaseLine(&ph) {
			return
		}
	}
	c.log("%s: %s", m.address, s.Line)
}

// phaseLine is what drive says when a phase begins.
func phaseLine(ph *plan.Phase) string { return ph.Kind + ": " + ph.Name }

// meet has all go on who wait for each other, if the last has come.
func (c *crew) meet() {
	next := len(c.plan.Phases) // that all have come to
	drained, ended := true, true
	for _, m := range c.members {
		if !m.here() {
			continue
		}
		drained = drained && m.drained
		ended = ended && m.ended
		if !m.drained { // who has ended early comes to no phase
			next = min(next, m.phase)
		}
	}
	if next > c.entered && next < len(c.plan.Phases) {
		c.enter(next)
	}
	if drained && !c.settled {
		c.settled = true
		c.log("%s", phaseLine(&c.plan.Phases[len(c.plan.Phases)-1]))
		c.broadcast(kindSettle, func(m *member) any { return c.skewsOf(m) })
	}
	if ended && !c.judged {
		c.judged = true
		c.broadcast(kindJudge, func(m *member) any { return c.skewsOf(m) })
	}
}

// enter has all enter a phase at the same moment.
func (c *crew) enter(phase int) {
	c.entered = phase
	c.log("%s", phaseLine(&c.plan.Phases[phase]))
	wait := lead
	for _, m := range c.members {
		if m.here() {
			_, bound := m.clock.overall(c.clock.Now())
			wait += min(4*bound, time.Second)
		}
	}
	at := c.clock.Now() + int64(wait)
	c.broadcast(kindEnter, func(m *member) any { return meeting{Phase: phase, At: at + int64(m.clock.ahead())} })
}

// broadcast says something to all who are there. A link that is broken is noticed by its
// reader.
func (c *crew) broadcast(k kind, what func(*member) any) {
	for _, m := range c.members {
		if m.here() && m.outcome == nil {
			_ = m.link.send(k, what(m))
		}
	}
}

// nobody has nothing to say.
func nobody(*member) any { return nil }
