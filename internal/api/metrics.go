package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the API's figures. Their labels are routes, statuses and the names of configured
// keys: nothing that a request can choose.
type metrics struct {
	requests *prometheus.CounterVec
	byKey    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	once     *prometheus.CounterVec
	all      []prometheus.Collector
}

func newMetrics(a *API) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_api_requests_total", Help: "Requests to the API, by what was asked for and the answer's status.",
		}, []string{"route", "code"}),
		byKey: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_api_key_requests_total", Help: "Requests to the API by the name of their key, none without a valid one, and the class of the answer's status.",
		}, []string{"key", "class"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gateway_api_request_duration_seconds", Help: "Time that requests to the API took, with the wait for acks.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route"}),
		once: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_api_idempotency_total", Help: "Requests with an Idempotency-Key; evicted are answers forgotten before their time.",
		}, []string{"result"}),
	}
	for _, result := range []string{onceNew, onceReplayed, onceReused, onceEvicted} {
		m.once.WithLabelValues(result)
	}
	gauge := func(name, help string, of func(*key) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			sum := 0
			for _, k := range a.keys {
				sum += of(k)
			}
			return float64(sum)
		})
	}
	m.all = []prometheus.Collector{
		m.requests, m.byKey, m.took, m.once,
		gauge("gateway_api_requests", "Requests to the API that are under way.", func(k *key) int { return int(k.underWay.Load()) }),
		gauge("gateway_api_idempotency_answers", "Answers that are kept for their Idempotency-Key.", func(k *key) int { n, _ := k.answers.sizes(); return n }),
		gauge("gateway_api_idempotency_bytes", "Memory of these answers, about.", func(k *key) int { _, n := k.answers.sizes(); return n }),
	}
	return m
}

func (m *metrics) observe(c *call, status int, took time.Duration) {
	m.requests.WithLabelValues(c.route.name, strconv.Itoa(status)).Inc()
	m.byKey.WithLabelValues(c.keyName(), strconv.Itoa(status/100)+"xx").Inc()
	m.took.WithLabelValues(c.route.name).Observe(took.Seconds())
}

// Describe implements prometheus.Collector.
func (a *API) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range a.metrics.all {
		m.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (a *API) Collect(ch chan<- prometheus.Metric) {
	for _, m := range a.metrics.all {
		m.Collect(ch)
	}
}
