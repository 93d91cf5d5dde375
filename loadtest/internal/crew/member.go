package crew

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// member is a worker, as the coordinator sees it.
type member struct {
	// Immutable, from prepare on.
	address string
	number  int
	link    *link
	tool    string
	ready   ready

	clock estimate

	// Owned by the goroutine of Run.
	phase     int  // that it has come to
	drained   bool // it sends nothing more, and its logs are with the others
	ended     bool // its clients are gone
	outcome   *outcome
	lost      string // why; "" if it is there
	lostAt    float64
	intervals []result.Interval
	shown     int             // of intervals
	open      result.Interval // the last that was shown
}

// event is what a worker said, or that it is lost.
type event struct {
	from *member
	kind kind
	body []byte
	lost error
}

// prepare connects to the worker, tells it what to do, and compares the clocks.
func (m *member) prepare(ctx context.Context, c *crew, key []byte) error {
	l, h, err := dial(ctx, m.address, c.Config)
	if err != nil {
		return err
	}
	m.link, m.tool = l, h.Tool
	defer context.AfterFunc(ctx, func() { l.fail(ctx.Err()) })()
	p := *c.plan
	p.Metrics, p.PIDs, p.Expect = nil, nil, ""
	err = l.send(kindPlan, assignment{Plan: p, TokenKey: key, Worker: m.number, Workers: len(c.Workers), Silence: c.silence()})
	if err != nil {
		return err
	}
	if m.ready, err = expect[ready](l, kindReady); err != nil {
		return err
	}
	if err := m.compare(c); err != nil {
		return err
	}
	c.reading.Go(func() { m.read(c) })
	c.reading.Go(func() { m.pings(c) })
	return nil
}

// gone is why the link is broken; nil if it is not.
func (m *member) gone() error {
	if m.link == nil {
		return nil
	}
	select {
	case <-m.link.broken:
		return m.link.why
	default:
		return nil
	}
}

// expect is what the worker must say next.
func expect[T any](l *link, want kind) (v T, err error) {
	k, body, _, err := l.read()
	if err != nil {
		return v, err
	}
	if err := faultIn(k, body); err != nil {
		return v, err
	}
	if k != want {
		return v, errBabble
	}
	return decode[T](body)
}

var errBabble = errors.New("it said something that does not belong there")

// compare compares its clock with ours.
func (m *member) compare(c *crew) error {
	var best *comparison
	for range rounds {
		if err := m.link.send(kindPing, ping{Sent: c.clock.Now()}); err != nil {
			return err
		}
		p, err := expect[pong](m.link, kindPong)
		if err != nil {
			return err
		}
		if one, ok := compare(p, c.clock.Now()); ok && (best == nil || one.margin < best.margin) {
			best = &one
		}
	}
	if best == nil {
		return errBabble
	}
	m.clock.begin(*best, c.clock.Now())
	return nil
}

// read hears the worker until it is gone. Send logs are passed on to the others here, so
// that who sends them faster than others take them waits.
func (m *member) read(c *crew) {
	for {
		k, body, raw, err := m.link.read()
		back := c.clock.Now()
		if err == nil {
			err = faultIn(k, body)
		}
		switch {
		case err != nil:
			c.tell(event{from: m, lost: err})
			m.link.fail(err)
			return
		case k == kindPong:
			if p, err := decode[pong](body); err == nil {
				if one, ok := compare(p, back); ok {
					m.clock.add(one, back)
				}
			}
		case k == kindLogs:
			select {
			case <-c.begun:
			case <-c.over:
				return
			}
			for _, other := range c.members {
				if other != m {
					_ = other.link.pass(raw) // who is lost needs them no more
				}
			}
		default:
			c.tell(event{from: m, kind: k, body: body})
		}
	}
}

func (c *crew) tell(e event) {
	select {
	case c.events <- e:
	case <-c.over:
	}
}

// pings keeps the connection alive, and the comparison of the clocks fresh.
func (m *member) pings(c *crew) {
	every := time.NewTicker(min(pingEvery, c.silence()/4))
	defer every.Stop()
	for {
		select {
		case <-c.over:
			return
		case <-m.link.broken:
			return
		case <-every.C:
			m.link.try(kindPing, ping{Sent: c.clock.Now()})
		}
	}
}

// here reports whether the worker takes part.
func (m *member) here() bool { return m.lost == "" }

// take takes what an interval has, or the result at the end. The error is for what no
// worker says.
func (m *member) take(k kind, body []byte, p *plan.Plan) error {
	switch k {
	case kindInterval:
		iv, err := decode[result.Interval](body)
		if err != nil {
			return err
		}
		most := 2*int(longest(p)/p.Interval) + 1000 // with those that phases cut short
		if iv.Phase < 0 || iv.Phase >= len(p.Phases) || !(iv.From >= 0 && iv.To >= iv.From) || len(m.intervals) >= most {
			return errBabble
		}
		iv.Servers = nil
		m.intervals = append(m.intervals, iv)
	case kindArrived:
		at, err := decode[meeting](body)
		if err != nil {
			return err
		}
		m.phase = at.Phase
	case kindDrained:
		m.drained = true
	case kindEnded:
		m.ended = true
	case kindResult:
		o, err := decode[outcome](body)
		if err != nil {
			return err
		}
		if len(o.Result.Phases) > len(p.Phases) || len(o.Result.Servers) > 0 {
			return errBabble
		}
		for _, iv := range m.intervals {
			if iv.Phase >= len(o.Result.Phases) {
				return errBabble
			}
		}
		m.outcome = &o
	default:
		return errBabble
	}
	return nil
}

// lose notes that the worker takes part no more.
func (m *member) lose(why string, at float64) {
	if m.here() && m.outcome == nil {
		m.lost, m.lostAt = show.Plain(why, 500), at
	}
}

// loss is for the result: why, and what is missing.
func (m *member) loss() string {
	if m.here() {
		return ""
	}
	return fmt.Sprintf("%s, at %s; its figures end there", m.lost, show.Clock(m.lostAt))
}
