package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-rt/causeway/pkg/adapter/redis"
)

var (
	descBusConnected     = desc("adapter_connected", "1 while everything that this node wants to hear from Redis is heard.")
	descBusPublished     = desc("adapter_published_total", "Emits that Redis has accepted.")
	descBusErrors        = desc("adapter_publish_errors_total", "Emits that did not reach Redis, or of which it is not known.", "reason")
	descBusQueue         = desc("adapter_queue_messages", "Emits waiting to be published.")
	descBusQueueBytes    = desc("adapter_queue_bytes", "Bytes of the emits waiting to be published.")
	descBusReceived      = desc("adapter_received_total", "Messages received from Redis.")
	descBusReceivedBytes = desc("adapter_received_bytes_total", "Bytes of the messages received from Redis.")
	descBusDelivered     = desc("adapter_delivered_total", "Messages of other nodes that were handed to this node's sockets.")
	descBusOwn           = desc("adapter_own_total", "Messages that came back to the node that had sent them.")
	descBusDropped       = desc("adapter_dropped_total", "Messages that were not delivered.", "reason")
	descBusRequests      = desc("adapter_requests_total", "Requests of other nodes.")
	descBusSubscriptions = desc("adapter_subscriptions", "Channels and patterns that this node wants to hear.", "state")
	descBusGaps          = desc("adapter_gaps_total", "Times that the subscriptions were lost.")
	descBusGapSeconds    = desc("adapter_gap_seconds_total", "Time during which emits of other nodes were not heard.")
)

var latencyOpts = prometheus.HistogramOpts{
	Name:    "gateway_adapter_publish_duration_seconds",
	Help:    "Time from an emit to Redis's answer.",
	Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
}

// collect puts the adapter's figures, if there is one.
func (b *bus) collect(m sink) {
	if b == nil {
		return
	}
	s := b.adapter.Stats()
	b.latency.Collect(m)
	m.gauge(descBusConnected, truth(s.Connected))
	m.counter(descBusPublished, int64(s.Published))
	m.counter(descBusErrors, int64(s.PublishFailed), "failed")
	m.counter(descBusErrors, int64(s.RefusedAway), "away")
	m.counter(descBusErrors, int64(s.RefusedFull), "queue full")
	m.counter(descBusErrors, int64(s.RefusedBad), "not sendable")
	m.gauge(descBusQueue, int64(s.QueuedMessages))
	m.gauge(descBusQueueBytes, int64(s.QueuedBytes))
	m.counter(descBusReceived, int64(s.Received))
	m.counter(descBusReceivedBytes, int64(s.ReceivedBytes))
	m.counter(descBusDelivered, int64(s.Delivered))
	m.counter(descBusOwn, int64(s.Own))
	for reason, n := range s.Dropped {
		m.counter(descBusDropped, int64(n), string(reason))
	}
	m.counter(descBusRequests, int64(s.Requests))
	m.gauge(descBusSubscriptions, int64(s.Subscriptions-s.Pending), "confirmed")
	m.gauge(descBusSubscriptions, int64(s.Pending), "pending")
	m.counter(descBusGaps, int64(s.Gaps))
	m <- prometheus.MustNewConstMetric(descBusGapSeconds, prometheus.CounterValue, gap(s, time.Now()).Seconds())
}

// gap is the length of all gaps, the one of now included.
func gap(s redis.Stats, now time.Time) time.Duration {
	if s.Connected || s.DownSince.IsZero() {
		return s.GapTotal
	}
	return s.GapTotal + now.Sub(s.DownSince)
}
