package measure

import (
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/scrape"
)

// sums is what intervals are added to.
type sums struct {
	counts  result.Counts
	latency result.Latency
}

// phase is the sums of one phase.
type phase struct {
	sums
	from, to float64
	audit    audit.Sums
	servers  []result.Usage
}

// Begin tells what the servers had used before the test. Without it, what they use in
// the first interval is not counted.
func (r *Recorder) Begin(servers []result.Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range servers {
		r.servers[i] = s
	}
}

// Cut ends an interval at now, and returns what happened in it. phase is the index in
// the plan; open and wanted are connections at this moment; a is what the audit has
// noticed since the last cut; servers are by their index in the result. Histograms of
// the interval are packed, and nil when empty.
func (r *Recorder) Cut(now time.Time, phase int, open, wanted int64, a audit.Sums, servers []result.Sample) result.Interval {
	r.mu.Lock()
	defer r.mu.Unlock()
	iv := result.Interval{
		From: r.last.Sub(r.start).Seconds(), To: now.Sub(r.start).Seconds(), Phase: phase,
		Open: open, Wanted: wanted, Audit: a, Tool: scrape.Self(), Servers: servers,
	}
	iv.Tool.Connections = open
	r.last = now

	p := r.enter(phase, iv.From)
	p.to = iv.To
	p.audit.Add(a)
	p.follow(r.servers, servers)

	iv.Counts = r.drainCounts()
	r.sums.counts.Add(iv.Counts)
	p.counts.Add(iv.Counts)

	dense := r.drainTimes()
	r.sums.latency.Merge(dense)
	p.latency.Merge(dense)
	iv.Latency = dense.Packed()
	for _, h := range r.scratch {
		h.Reset()
	}
	return iv
}

// enter returns the sums of a phase, which are made when it is new. Those of the phase
// before are packed: a phase seldom comes back.
func (r *Recorder) enter(n int, from float64) *phase {
	if n != r.current && r.current < len(r.phases) {
		before := &r.phases[r.current]
		before.latency = before.latency.Packed()
	}
	r.current = n
	for len(r.phases) <= n {
		r.phases = append(r.phases, phase{from: from, to: from})
	}
	return &r.phases[n]
}

// follow adds what each server used since the last sample of it that is not missing.
func (p *phase) follow(last map[int]result.Sample, servers []result.Sample) {
	for len(p.servers) < len(servers) {
		p.servers = append(p.servers, result.Usage{CPUSeconds: result.Missing, ResidentBytes: result.Missing, Connections: result.Missing})
	}
	for i, now := range servers {
		before, known := last[i]
		if !known {
			before = result.NoSample()
		}
		p.servers[i].Follow(before, now)
		if now.CPUSeconds >= 0 {
			last[i] = now
		}
	}
}

func (r *Recorder) drainCounts() result.Counts {
	var c result.Counts
	for s := range r.shards {
		for i, f := range result.CountFields {
			*f.Of(&c) += r.shards[s].counts[i].Swap(0)
		}
	}
	return c
}

// drainTimes returns the scratch histograms with what was recorded.
func (r *Recorder) drainTimes() result.Latency {
	var l result.Latency
	for m, f := range result.LatencyFields {
		for s := range r.shards {
			r.shards[s].times[m].drain(r.scratch[m])
		}
		*f.Of(&l) = r.scratch[m]
	}
	return l
}

// Totals are all intervals that have been cut, together, and all errors. Histograms are
// packed; none is nil.
func (r *Recorder) Totals() (result.Counts, result.Latency, []result.ErrorClass) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.sums.latency.Packed()
	for _, f := range result.LatencyFields {
		if h := f.Of(&l); *h == nil {
			*h = new(result.Histogram)
		}
	}
	return r.sums.counts, l, r.errors.list()
}

// Phases are the sums of each phase up to the last that had an interval, by their
// index. Names and kinds are the plan's, and are left to the caller.
func (r *Recorder) Phases() []result.Phase {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]result.Phase, len(r.phases))
	for i, p := range r.phases {
		out[i] = result.Phase{
			From: p.from, To: p.to, Counts: p.counts, Latency: p.latency.Packed(), Audit: p.audit,
			Servers: append([]result.Usage(nil), p.servers...),
		}
	}
	return out
}
