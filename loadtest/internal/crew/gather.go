package crew

import (
	"fmt"
	"slices"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// complete is how a run has ended that went as planned.
const complete = "complete"

// result makes one of all parts.
func (c *crew) result() (*result.Result, error) {
	var parts []*result.Result
	for _, m := range c.members {
		p := c.part(m)
		p.Warnings = slices.Concat(m.ready.Warnings, p.Warnings) // which were known first
		parts = append(parts, p)
	}
	c.nameWarnings(parts)
	if seen := c.observer.part(parts[0]); seen != nil {
		parts = append(parts, seen)
	}
	out, err := result.Merge(parts)
	if err != nil {
		return nil, err
	}
	c.tellOfLosses(out)
	return out, nil
}

// part is a worker's, or what is known of it.
func (c *crew) part(m *member) *result.Result {
	var p *result.Result
	if m.outcome != nil {
		p = &m.outcome.Result
		p.Intervals = m.intervals
		p.Settle(m.outcome.Audit)
	} else {
		p = c.remains(m)
	}
	p.Version, p.Plan, p.Started = result.Version, *c.plan, c.clock.Time(c.began)
	_, bound := m.clock.overall(c.clock.Now())
	p.Workers = []result.Worker{{Address: m.address, Clients: m.ready.Clients, Clock: bound.Seconds(), Machine: m.ready.Machine, Lost: m.loss()}}
	return p
}

// remains is what a worker told in its intervals before it was lost.
func (c *crew) remains(m *member) *result.Result {
	p := &result.Result{Ended: complete, Intervals: m.intervals}
	for _, iv := range m.intervals {
		p.Counts.Add(iv.Counts)
		p.Audit.Add(iv.Audit)
		p.Latency.Merge(iv.Latency)
		p.Seconds = max(p.Seconds, iv.To)
		for len(p.Phases) <= iv.Phase {
			ph := &c.plan.Phases[len(p.Phases)]
			p.Phases = append(p.Phases, result.Phase{Name: ph.Name, Kind: ph.Kind, From: iv.From, To: iv.From})
		}
		in := &p.Phases[iv.Phase]
		in.To = max(in.To, iv.To)
		in.Counts.Add(iv.Counts)
		in.Audit.Add(iv.Audit)
		in.Latency.Merge(iv.Latency)
	}
	return p
}

// nameWarnings says whose they are, unless they are everybody's.
func (c *crew) nameWarnings(parts []*result.Result) {
	if len(parts) == 1 {
		return
	}
	said := map[string]int{}
	for _, p := range parts {
		for _, w := range p.Warnings {
			said[w]++
		}
	}
	for i, p := range parts {
		for j, w := range p.Warnings {
			if said[w] < len(parts) {
				p.Warnings[j] = c.members[i].address + ": " + w
			}
		}
	}
}

// tellOfLosses warns of what is missing in the whole.
func (c *crew) tellOfLosses(out *result.Result) {
	lost := 0
	for _, m := range c.members {
		if m.tool != c.Tool {
			out.Warnings = append(out.Warnings, fmt.Sprintf("The worker %s is %s, and the coordinator %s: they may measure differently.", m.address, m.tool, c.Tool))
		}
		if m.here() {
			continue
		}
		lost++
		text := fmt.Sprintf("The worker %s was lost, at %s: what its %s clients did after that is in no figure", m.address, show.Clock(m.lostAt), result.Whole(int64(m.ready.Clients)))
		if !m.drained {
			text += ", and of what they published it is not known what did not arrive"
		}
		out.Warnings = append(out.Warnings, text+".")
	}
	if lost == len(c.members) {
		out.Ended = "given up: no worker is left"
	}
	if c.stopped && out.Ended == complete {
		out.Ended = "interrupted"
	}
}
