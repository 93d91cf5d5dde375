package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	descBusQuestions     = desc("adapter_questions", "Questions of this node that wait for answers of others.")
	descBusBusy          = desc("adapter_questions_refused_total", "Questions that were not asked because too many waited for answers.")
	descBusAnswers       = desc("adapter_answers_total", "Answers to questions.", "kind")
	descBusAcksGivenUp   = desc("adapter_acks_given_up_total", "Broadcasts of other nodes whose acks were not waited for because too many were.")
	descBusFormer        = desc("adapter_former_connections_total", "Connections that Redis still had after they were replaced, and that were ended.")
	descBusSubscriptions = desc("adapter_subscriptions", "Channels and patterns that this node wants to hear.", "state")
	descBusCanPublish    = desc("adapter_can_publish", "1 while Redis takes what this node emits, as far as is known.")
	descBusGaps          = desc("adapter_gaps_total", "Times that one direction of the bus was lost.", "side")
	descBusGapSeconds    = desc("adapter_gap_seconds_total", "Time in which emits of other nodes may not have been heard, or own ones not have been published. Never too short.", "side")
	descBusProbes        = desc("adapter_probes_total", "Probes with which this node has heard itself through Redis.")
	descBusProbeSeconds  = desc("adapter_probe_duration_seconds", "Time that the last probe took that came back.")
	descBusStrayProbes   = desc("adapter_stray_probes_total", "Messages by the probes' channel that were no probe of this node, or one too late.")
	descBusUnproven      = desc("adapter_unproven_seconds", "Time since the last moment until which nothing is known to be missing.")
	descBusProven        = desc("adapter_proven_timestamp_seconds", "The moment until which nothing is known to be missing: in general, when the last probe that came back was sent.")
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
	b.records.Collect(m)
	m.histories(s)
	m.gauge(descBusConnected, truth(s.Connected))
	m.counter(descBusPublished, int64(s.Published))
	m.gauge(descBusCanPublish, truth(s.CanPublish))
	m.counter(descBusErrors, int64(s.PublishFailed), "failed")
	m.counter(descBusErrors, int64(s.PublishUnknown), "unknown")
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
	m.gauge(descBusQuestions, int64(s.Questions))
	m.counter(descBusBusy, int64(s.RefusedBusy))
	m.counter(descBusAnswers, int64(s.ResponsesSent), "given")
	m.counter(descBusAnswers, int64(s.Responses), "taken")
	m.counter(descBusAnswers, int64(s.ResponsesOfOthers), "for others")
	m.counter(descBusAcksGivenUp, int64(s.AcksGivenUp))
	m.counter(descBusFormer, int64(s.FormerEnded))
	m.gauge(descBusSubscriptions, int64(s.Subscriptions-s.Pending), "confirmed")
	m.gauge(descBusSubscriptions, int64(s.Pending), "pending")
	m.counter(descBusGaps, int64(s.Gaps), "hearing")
	m.counter(descBusGaps, int64(s.PublishGaps), "publishing")
	m <- prometheus.MustNewConstMetric(descBusGapSeconds, prometheus.CounterValue, s.GapTotal.Seconds(), "hearing")
	m <- prometheus.MustNewConstMetric(descBusGapSeconds, prometheus.CounterValue, s.PublishGapTotal.Seconds(), "publishing")
	m.counter(descBusProbes, int64(s.Probes))
	m.counter(descBusStrayProbes, int64(s.StrayProbes))
	m.seconds(descBusProbeSeconds, s.ProbeTime)
	if !s.ProvenUntil.IsZero() {
		m.seconds(descBusUnproven, time.Since(s.ProvenUntil))
		m.value(descBusProven, float64(s.ProvenUntil.UnixMilli())/1000)
	}
}
