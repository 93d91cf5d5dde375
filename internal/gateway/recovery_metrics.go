package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

var (
	descRecovered      = desc("recovery_recovered_total", "Sockets that came back and got all that they had missed.")
	descNotRecovered   = desc("recovery_refused_total", "Clients that came back and had to start afresh, by why.", "reason")
	descReplayed       = desc("recovery_replayed_events_total", "Events that sockets which came back had missed, and got.")
	descTakeovers      = desc("recovery_takeovers_total", "Sockets that ended here because their client goes on over another connection.")
	descAnnounced      = desc("recovery_announced_losses_total", "Sockets whose clients were told that they may have missed something: they were closed, and start afresh.", "cause")
	descPutOff         = desc("recovery_put_off_total", "Connections that were closed without an answer, so that the client tries again, because Redis did not answer for a moment.")
	descWithoutSession = desc("recovery_without_session_total", "Sockets that can't come back, because Redis did not take their session when they were connected.")
	descSaved          = desc("recovery_sessions", "Sessions of connected sockets that are saved.")
	descSkipped        = desc("recovery_volatile_skipped_total", "Volatile events not sent to a socket that had just got later ones.")

	descHistoryEvents = desc("history_events", "Events in the histories that this node uses; each node counts all of them.")
	descHistoryBytes  = desc("history_bytes", "What these histories take of Redis's memory, as Redis says.")
	descDoubted       = desc("history_doubted", "Namespaces for which this node reads what it may not have heard, now.")
	descCatchUps      = desc("history_catch_ups_total", "Times that this node began to read what it may not have heard.")
	descCaughtUp      = desc("history_caught_up_events_total", "Events that it delivered so.")
	descRepeated      = desc("history_repeated_events_total", "Events that came a second time, and were not delivered again.")
	descLossesFound   = desc("history_losses_total", "Times that a part of a history that this node had not heard was gone.")
)

var recordOpts = prometheus.HistogramOpts{
	Name:    "gateway_history_record_duration_seconds",
	Help:    "Time from an emit to Redis's answer that it is in the history.",
	Buckets: latencyOpts.Buckets,
}

// recoveries puts what became of clients that came back.
func (s sink) recoveries(st socketio.Stats) {
	s.counter(descRecovered, st.Recovered)
	counters(s, descNotRecovered, st.RecoveryRefused)
	s.counter(descReplayed, st.Replayed)
	s.counter(descTakeovers, st.TakenOver)
	counters(s, descAnnounced, st.Announced)
	s.counter(descPutOff, st.PutOff)
	s.counter(descWithoutSession, st.WithoutSession)
	s.gauge(descSaved, st.SavedSessions)
	s.counter(descSkipped, st.VolatileSkipped)
}

// histories puts what the bus knows of them.
func (s sink) histories(st redis.Stats) {
	s.gauge(descHistoryEvents, st.HistoryEvents)
	s.gauge(descHistoryBytes, st.HistoryBytes)
	s.gauge(descDoubted, int64(st.Doubted))
	s.counter(descCatchUps, int64(st.CatchUps))
	s.counter(descCaughtUp, int64(st.CaughtUp))
	s.counter(descRepeated, int64(st.Repeated))
	s.counter(descLossesFound, int64(st.MissedAnnounced))
}
