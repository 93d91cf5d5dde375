package result

import (
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// sample is a result of 3 s of ramp, 4 s of load and 1 s of stop, that counts 100
// deliveries in each second of load. Its worker began so long after noon.
func sample(later time.Duration) *Result {
	r := &Result{
		Version: Version, Tool: "loadtest test", Command: []string{"loadtest", "run"},
		Started: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC).Add(later), Seconds: 8, Ended: "complete",
		Plan: plan.Plan{Interval: time.Second, Phases: []plan.Phase{{Kind: plan.Ramp, Quiet: true}, {Kind: plan.Hold}, {Kind: plan.Stop}}},
		Phases: []Phase{
			{Name: "arrive", Kind: plan.Ramp, To: 3, Servers: []Usage{{CPUSeconds: .3, ResidentBytes: 1, Connections: 30}}},
			{Name: "load", Kind: plan.Hold, From: 3, To: 7, Servers: []Usage{{CPUSeconds: 2, ResidentBytes: 2, Connections: 30}}},
			{Name: "stop", Kind: plan.Stop, From: 7, To: 8, Servers: []Usage{{CPUSeconds: 5, ResidentBytes: 3}}},
		},
		Errors:  []ErrorClass{{Class: "connect: refused", Count: 2, Example: "first of a worker", First: 1}},
		Servers: []Server{{Name: "127.0.0.1:9090", Source: "metrics"}},
		Before:  []Sample{{CPUSeconds: 1, ResidentBytes: 1 << 20}},
	}
	for i := range 8 {
		r.second(i)
	}
	return r
}

func (r *Result) second(i int) {
	iv := Interval{
		From: float64(i), To: float64(i + 1), Phase: 0, Open: 30, Wanted: 30,
		Tool:    Sample{CPUSeconds: float64(i), ResidentBytes: 1000, Connections: 30, QueueBytes: Missing, PublishSeconds: Missing},
		Servers: []Sample{{CPUSeconds: float64(i), ResidentBytes: 1<<20 + 30<<10, Connections: 30, QueueBytes: int64(i), PublishSeconds: Missing}},
	}
	switch {
	case i < 3:
		iv.Counts = Counts{Attempts: 11, Connected: 10, ConnectErrors: 1}
		iv.Latency.Connect = of([]time.Duration{time.Duration(i+1) * time.Millisecond}).Packed()
	case i < 7:
		iv.Phase = 1
		iv.Counts = Counts{Published: 10, Received: 101}
		iv.Audit = audit.Sums{Published: 10, Due: 101, Delivered: 100, Lost: 1}
		iv.Latency.Delivery = of([]time.Duration{time.Duration(i) * time.Millisecond, 2048 * time.Millisecond}).Packed()
	default:
		iv.Phase = 2
	}
	r.Intervals = append(r.Intervals, iv)
	r.Counts.Add(iv.Counts)
	r.Audit.Add(iv.Audit)
	r.Latency.Merge(iv.Latency)
	p := &r.Phases[iv.Phase]
	p.Counts.Add(iv.Counts)
	p.Audit.Add(iv.Audit)
	p.Latency.Merge(iv.Latency)
}
