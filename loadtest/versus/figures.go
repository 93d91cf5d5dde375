package main

import (
	"math"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// figure is a number that is read from a run. more says that more of it is better.
type figure struct {
	name string
	unit string
	more bool
	of   func(run) float64
}

// run is one server under one workload.
type run struct {
	result *result.Result
	before int64 // bytes that the servers had before the first client
}

var (
	memoryPerClient = figure{"memory", "KiB per connection", false, func(r run) float64 {
		held := r.phase(plan.Hold)
		return float64(held.resident()-r.before) / 1024 / float64(r.result.Counts.Connected)
	}}
	cpuPerConnect = figure{"connect", "µs of CPU per connection", false, func(r run) float64 {
		return r.phase(plan.Ramp).cpu() * 1e6 / float64(r.result.Counts.Connected)
	}}
	cpuPerDelivery = figure{"cpu", "µs of CPU per delivery", false, func(r run) float64 {
		return r.phase(plan.Hold).cpu() * 1e6 / float64(r.phase(plan.Hold).Audit.Delivered)
	}}
	cpuPerAck = figure{"cpu", "µs of CPU per ack", false, func(r run) float64 {
		return r.phase(plan.Hold).cpu() * 1e6 / float64(r.phase(plan.Hold).Counts.Acks)
	}}
	deliveries = figure{"delivered", "a second", true, func(r run) float64 {
		return float64(r.phase(plan.Hold).Audit.Delivered) / r.phase(plan.Hold).seconds()
	}}
	acks = figure{"answered", "a second", true, func(r run) float64 {
		return float64(r.phase(plan.Hold).Counts.Acks) / r.phase(plan.Hold).seconds()
	}}
	delivery50 = figure{"p50", "ms", false, func(r run) float64 { return quantile(r.result.Latency.Delivery, .5) }}
	delivery99 = figure{"p99", "ms", false, func(r run) float64 { return quantile(r.result.Latency.Delivery, .99) }}
	ack99      = figure{"p99", "ms", false, func(r run) float64 { return quantile(r.result.Latency.Ack, .99) }}
)

func quantile(h *result.Histogram, q float64) float64 {
	if h.Count() == 0 {
		return math.NaN()
	}
	return float64(h.Quantile(q).Microseconds()) / 1000
}

// phase is the first one of a kind.
func (r run) phase(kind string) phase {
	for _, p := range r.result.Phases {
		if p.Kind == kind {
			return phase{p}
		}
	}
	return phase{}
}

type phase struct{ result.Phase }

func (p phase) seconds() float64 { return p.To - p.From }

func (p phase) cpu() (seconds float64) {
	for _, s := range p.Servers {
		seconds += s.CPUSeconds
	}
	return seconds
}

func (p phase) resident() (bytes int64) {
	for _, s := range p.Servers {
		bytes += s.ResidentBytes
	}
	return bytes
}

// wrong is what makes a run worthless: it says how many clients or messages are
// missing or wrong.
func wrong(r *result.Result) map[string]int64 {
	bad := map[string]int64{
		"connections failed": r.Counts.ConnectErrors,
		"connections lost":   r.Counts.Disconnects,
		"lost":               r.Audit.Lost + r.Audit.Gap + r.Audit.Absent,
		"duplicated":         r.Audit.Duplicated,
		"reordered":          r.Audit.Reordered,
		"corrupted":          r.Audit.Corrupted,
		"acks missing":       r.Counts.AckTimeouts,
	}
	for name, n := range bad {
		if n == 0 {
			delete(bad, name)
		}
	}
	return bad
}
