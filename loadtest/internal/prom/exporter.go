// Package prom shows a running test as Prometheus metrics, so that it can stand on one
// dashboard with the servers'. Names begin with loadtest_. They are as new as the last
// interval; nothing is measured for them anew.
package prom

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

var (
	descOpen     = desc("connections", "Open connections at the end of the last interval.")
	descWanted   = desc("connections_wanted", "Connections that there should have been.")
	descPhase    = desc("phase", "Index of the phase of the last interval.")
	descSeconds  = desc("elapsed_seconds", "Time since the test began, at the end of the last interval.")
	descLatency  = desc("latency_seconds", "Times, by what they are of.", "metric")
	descQuantile = desc("latency_percentile_seconds", "Quantiles, exact to three digits, of the last interval and of the test so far.", "metric", "percentile", "within")

	descCounts = make([]*prometheus.Desc, len(result.CountFields))
	descSums   = make([]*prometheus.Desc, len(result.SumFields))
)

func init() {
	for i, f := range result.CountFields {
		descCounts[i] = desc(f.Name+"_total", "What clients counted: "+f.Name+".")
	}
	for i, f := range result.SumFields {
		descSums[i] = desc("audit_"+f.Name+"_total", "What the audit counted, by messages and subscribers: "+f.Name+".")
	}
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("loadtest_"+name, help, labels, nil)
}

// bounds are those of the histograms' buckets, in seconds.
var bounds = []float64{
	.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .15, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60,
}

// Exporter is what the metrics are made of. The zero value is ready. Its methods may be
// called from any goroutine.
type Exporter struct {
	mu sync.Mutex
	// Guarded by mu.
	last    result.Interval
	counts  result.Counts
	audit   audit.Sums
	latency result.Latency
}

// Interval adds an interval.
func (e *Exporter) Interval(iv result.Interval) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = iv
	e.counts.Add(iv.Counts)
	e.audit.Add(iv.Audit)
	e.latency.Merge(iv.Latency)
}

// Handler answers with the metrics, and those of this process under their usual names.
func (e *Exporter) Handler() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(e, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Describe is for the registry.
func (e *Exporter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descOpen, descWanted, descPhase, descSeconds, descLatency, descQuantile} {
		ch <- d
	}
	for _, d := range append(descCounts[:len(descCounts):len(descCounts)], descSums...) {
		ch <- d
	}
}

// Collect is for the registry.
func (e *Exporter) Collect(ch chan<- prometheus.Metric) {
	for _, m := range e.metrics() {
		ch <- m
	}
}

func (e *Exporter) metrics() []prometheus.Metric {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []prometheus.Metric{
		gauge(descOpen, float64(e.last.Open)), gauge(descWanted, float64(e.last.Wanted)),
		gauge(descPhase, float64(e.last.Phase)), gauge(descSeconds, e.last.To),
	}
	for i, f := range result.CountFields {
		out = append(out, counter(descCounts[i], *f.Of(&e.counts)))
	}
	for i, f := range result.SumFields {
		out = append(out, counter(descSums[i], *f.Of(&e.audit)))
	}
	for _, f := range result.LatencyFields {
		all := *f.Of(&e.latency)
		out = append(out, histogram(f.Name, all))
		out = append(out, quantiles(f.Name, "interval", *f.Of(&e.last.Latency))...)
		out = append(out, quantiles(f.Name, "test", all)...)
	}
	return out
}

func gauge(d *prometheus.Desc, v float64) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
}

func counter(d *prometheus.Desc, n int64) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
}

func histogram(metric string, h *result.Histogram) prometheus.Metric {
	buckets := make(map[float64]uint64, len(bounds))
	for b, n := range cumulative(h) {
		buckets[bounds[b]] = n
	}
	return prometheus.MustNewConstHistogram(descLatency, uint64(h.Count()), h.Sum(), buckets, metric)
}

// cumulative is, for each of the bounds, how many times were not longer.
func cumulative(h *result.Histogram) []uint64 {
	out := make([]uint64, len(bounds))
	b := 0
	var below int64
	for longest, seen := range h.Curve() {
		for b < len(bounds) && longest.Seconds() > bounds[b] {
			out[b] = uint64(below)
			b++
		}
		below = seen
	}
	for ; b < len(bounds); b++ {
		out[b] = uint64(below)
	}
	return out
}

// quantiles are none of an empty histogram: 0 would look fast.
func quantiles(metric, within string, h *result.Histogram) []prometheus.Metric {
	if h.Count() == 0 {
		return nil
	}
	var out []prometheus.Metric
	for _, q := range result.Quantiles {
		out = append(out, prometheus.MustNewConstMetric(descQuantile, prometheus.GaugeValue, h.Quantile(q.Q).Seconds(), metric, q.Name, within))
	}
	return out
}
