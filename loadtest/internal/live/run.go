package live

import (
	"fmt"
	"math"
	"net/url"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// history is how many intervals sparklines remember: as many as the widest terminal
// has room for.
const history = 240

// run is what has been seen of a run so far. It is not safe for concurrent use.
type run struct {
	plan    plan.Plan
	title   string
	length  float64 // seconds of all phases, 0 if it is not known
	servers []string

	begun     bool
	last      result.Interval // without histograms
	rates     rates           // of the last interval
	phaseFrom float64         // when the present phase began
	counts    result.Counts
	audit     audit.Sums
	latency   result.Latency // of all
	recent    result.Latency // of the last interval
	cores     []float64      // of servers, then of this program; NaN: not known
	previous  []result.Sample
	sampled   float64   // when previous was
	p99s      []float64 // of the last intervals, NaN where there is none
	received  []float64 // per second

	news string
}

// rates are counts by the second.
type rates struct{ published, received, requests, acks, connected float64 }

func newRun(p plan.Plan) *run {
	r := &run{plan: p, title: title(p)}
	for _, ph := range p.Phases {
		if ph.Duration == 0 && ph.Kind != plan.Stop {
			r.length = 0
			break
		}
		r.length += ph.Duration.Seconds()
	}
	for _, m := range p.Metrics {
		name := m
		if u, err := url.Parse(m); err == nil && u.Host != "" {
			name = u.Host
		}
		r.servers = append(r.servers, show.Plain(name, 40))
	}
	for _, pid := range p.PIDs {
		r.servers = append(r.servers, fmt.Sprintf("process %d", pid))
	}
	return r
}

// title is what runs where.
func title(p plan.Plan) string {
	name := ""
	for i, g := range p.Groups {
		if i > 0 {
			name += ", "
		}
		if g.Name == "" {
			g.Name = g.Scenario
		}
		name += show.Plain(g.Name, 30)
	}
	if len(p.URLs) == 0 {
		return name
	}
	name += "  " + show.Plain(show.Address(p.URLs[0]), 60)
	if more := len(p.URLs) - 1; more > 0 {
		name += fmt.Sprintf(" and %d more", more)
	}
	return name
}

func (r *run) add(iv *result.Interval) {
	if !r.begun || iv.Phase != r.last.Phase {
		r.phaseFrom = iv.From
	}
	r.counts.Add(iv.Counts)
	r.audit.Add(iv.Audit)
	r.latency.Merge(iv.Latency)
	if seconds := iv.To - iv.From; !r.begun || seconds >= r.whole() {
		r.measure(iv, seconds)
	}
	r.begun = true
	r.last = *iv
	r.last.Latency = result.Latency{}
}

// whole is the length from which on an interval is long enough for rates: one that the
// end of a phase cut short would have rates made of a few milliseconds.
func (r *run) whole() float64 {
	if r.plan.Interval <= 0 {
		return 0.5
	}
	return r.plan.Interval.Seconds() / 2
}

// measure takes the figures of an interval for those of now.
func (r *run) measure(iv *result.Interval, seconds float64) {
	r.rates = rates{per(iv.Counts.Published, seconds), per(iv.Counts.Received, seconds), per(iv.Counts.Requests, seconds), per(iv.Counts.Acks, seconds), per(iv.Counts.Connected, seconds)}
	r.recent = result.Latency{}
	r.recent.Merge(iv.Latency)
	r.use(iv)
	p99 := math.NaN()
	if _, h := mainLatency(iv.Latency); h.Count() > 0 {
		p99 = h.Quantile(.99).Seconds()
	}
	r.p99s = keep(r.p99s, p99)
	r.received = keep(r.received, r.flow())
}

// use reckons what processes used since they were looked at before.
func (r *run) use(iv *result.Interval) {
	samples := append(append([]result.Sample(nil), iv.Servers...), iv.Tool)
	r.cores = nil
	for i, now := range samples {
		before := result.NoSample()
		if len(r.previous) == len(samples) {
			before = r.previous[i]
		}
		r.cores = append(r.cores, result.CPUPercent(before, now, iv.To-r.sampled)/100)
	}
	r.previous, r.sampled = samples, iv.To
}

// flow is the rate that the run is about: what is received, or else answered, or
// else connected.
func (r *run) flow() float64 {
	switch {
	case r.counts.Received > 0:
		return r.rates.received
	case r.counts.Acks > 0:
		return r.rates.acks
	}
	return r.rates.connected
}

func (r *run) flowName() string {
	switch {
	case r.counts.Received > 0:
		return "received/s"
	case r.counts.Acks > 0:
		return "acks/s"
	}
	return "connects/s"
}

// mainLatency is what the run is about so far.
func mainLatency(l result.Latency) (string, *result.Histogram) {
	switch {
	case l.Delivery.Count() > 0:
		return "delivery", l.Delivery
	case l.Ack.Count() > 0:
		return "ack", l.Ack
	}
	return "connect", l.Connect
}

// server is the name of server i.
func (r *run) server(i int) string {
	if len(r.servers) == len(r.last.Servers) {
		return r.servers[i]
	}
	return fmt.Sprintf("server %d", i+1)
}

// phase is the present phase, and how much of it is over: from 0 to 1, or NaN if its
// length is not known.
func (r *run) phase() (ph plan.Phase, share float64) {
	if r.last.Phase < 0 || r.last.Phase >= len(r.plan.Phases) {
		return plan.Phase{}, math.NaN()
	}
	ph = r.plan.Phases[r.last.Phase]
	if ph.Name == "" {
		ph.Name = ph.Kind
	}
	ph.Name = show.Plain(ph.Name, 30)
	length := ph.Duration.Seconds()
	if length <= 0 {
		return ph, math.NaN()
	}
	return ph, min(max((r.last.To-r.phaseFrom)/length, 0), 1)
}

// failed is how many things went wrong that are not the audit's.
func failed(c *result.Counts) int64 {
	return c.ConnectErrors + c.Disconnects + c.ReconnectErrors + c.AckTimeouts + c.Refused + c.Unsent
}

func keep(values []float64, v float64) []float64 {
	if len(values) == history {
		copy(values, values[1:])
		values = values[:history-1]
	}
	return append(values, v)
}

func per(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}
