package gateway

import (
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// The metrics of a node. Labels have fixed sets of values: nothing that a client
// sends becomes one.
var (
	descBuild        = desc("build_info", "Version of this node; the value is 1.", "version")
	descProcessNodes = desc("process_nodes", "Nodes in this process, which have its CPU and memory in common: more than 1 with --nodes only.")

	descConnections = desc("connections", "Open connections (Engine.IO sessions).", "transport")
	descOpened      = desc("connections_opened_total", "Connections opened.", "transport")
	descClosed      = desc("connections_closed_total", "Connections closed.", "reason")
	descRejected    = desc("rejected_total", "Handshakes and requests that were refused.", "reason")
	descUpgrades    = desc("upgrades_total", "Upgrades from polling to WebSocket.", "result")
	descPacketsIn   = desc("received_packets_total", "Packets received from clients.", "transport")
	descPacketsOut  = desc("sent_packets_total", "Packets sent to clients.", "transport")
	descBytesIn     = desc("received_bytes_total", "Bytes received from clients.", "transport")
	descSizesIn     = desc("received_packet_bytes", "Sizes of the packets received from clients.", "transport")
	descLifetimes   = desc("connection_duration_seconds", "How long connections that are closed were open.")
	descBytesOut    = desc("sent_bytes_total", "Bytes sent to clients.", "transport")
	descQueue       = desc("queue_bytes", "Bytes waiting for all clients together.")
	descSlow        = desc("slow_consumers_closed_total", "Connections closed because their queue was full.")
	descVolatile    = desc("volatile_dropped_total", "Volatile messages dropped for clients that could not be written to.")
	descStalls      = desc("write_stalls_total", "Times that the kernel took no more for a client.")
	descParked      = desc("parked_connections", "Connections that are silent and have no goroutine.")

	descSessions    = desc("sessions", "Connected sockets by namespace; all but / are other.", "namespace")
	descRooms       = desc("rooms", "Rooms with a member here, by namespace; all but / are other. Rooms of one socket's id are left out.", "namespace")
	descConnected   = desc("sessions_opened_total", "Sockets connected.")
	descUnwanted    = desc("sessions_rejected_total", "Sockets that were not let into a namespace, or for which there was none.")
	descDisconnects = desc("disconnects_total", "Sockets disconnected.", "reason")
	descRefused     = desc("clients_refused_total", "Connections closed for what the client sent, or did not send.", "reason")
	descKinds       = desc("socketio_packets_total", "Socket.IO packets received.", "type")
	descEvents      = desc("events_total", "Events given to handlers.")
	descUnhandled   = desc("events_unhandled_total", "Events that no handler took.")
	descDropped     = desc("events_dropped_total", "Events that waited, or came, when their socket had been ended.")
	descInboxFull   = desc("inbox_full_total", "Times that a client was not read because its handlers were busy.")
	descPanics      = desc("handler_panics_total", "Handlers that panicked; each closed its client.")
	descJoins       = desc("room_joins_total", "Rooms joined by sockets.")
	descJoinsFull   = desc("room_joins_refused_total", "Joins refused because the socket was in too many rooms, or by relay events too often.", "limit")
	descEmits       = desc("emits_total", "Events emitted by this node.")
	descHeard       = desc("emits_heard_total", "Events emitted by other nodes and delivered here.")
	descBadHeard    = desc("emits_heard_refused_total", "Events emitted by other nodes that were not well formed.")
	descDeliveries  = desc("deliveries_total", "Events handed to the queues of this node's clients: the fan-out of emits.")
	descSizesOut    = desc("delivered_event_bytes", "Sizes of the events in gateway_deliveries_total, attachments included.")
	descWaits       = desc("event_wait_seconds", "How long events of clients waited for their handlers; one event in 64 is measured.")
	descAcks        = desc("acks_total", "Acks sent to clients (out), received from them (in), and what went wrong with them.", "result")

	descRelay  = desc("relay_events_total", "Relay events by what they were answered.", "event", "result")
	descTrims  = desc("memory_trims_total", "Times that memory was handed back after a burst of connections.")
	descMemory = desc("memory_limit_bytes", "What the process may use: the limit of its container, else GOMEMLIMIT. Absent if there is none.")
	descReady  = desc("ready", "1 while a check of /readyz lets this node get clients.", "check")
)

// descs is all of the above. It grows while this package is initialised only.
var descs []*prometheus.Desc

func desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("gateway_"+name, help, labels, nil)
	descs = append(descs, d)
	return d
}

// costOfGC is how much of the processor the collector takes, and how much there is.
var costOfGC = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/cpu/classes/(gc/total|total):`)}

// newMetrics returns what /metrics shows: the node's figures, and those of the
// process and of Go's runtime under the names that they have everywhere.
func newMetrics(g *gateway) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collector{g},
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsScheduler, collectors.MetricsGC, collectors.MetricsMemory, costOfGC)),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if g.api != nil {
		r.MustRegister(g.api)
	}
	return r
}

// collector turns the parts' own figures into metrics when it is asked.
type collector struct{ g *gateway }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d
	}
	if c.g.bus != nil {
		c.g.bus.latency.Describe(ch)
		c.g.bus.records.Describe(ch)
	}
	c.g.cluster.describe(ch)
	c.g.handshakes.vec.Describe(ch)
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	m := sink(ch)
	stats := c.g.sockets.Stats()
	m.engine(stats.Engine)
	m.sockets(stats)
	m.recoveries(stats)
	c.g.bus.collect(m)
	c.g.cluster.collect(m)
	collectAccess(c.g.access, m)
	m.limits(c.g, stats)
	c.g.handshakes.vec.Collect(ch)

	for event := range c.g.relay.counts {
		for outcome := range c.g.relay.counts[event] {
			m.counter(descRelay, c.g.relay.counts[event][outcome].Load(), relayEventNames[event], relayCodes[outcome])
		}
	}
	m.gauge(descBuild, 1, c.g.cfg.Version)
	m.gauge(descProcessNodes, int64(max(len(c.g.neighbours), 1)))
	m.counter(descTrims, c.g.trim.count.Load())
	if c.g.memory > 0 {
		m.gauge(descMemory, c.g.memory)
	}
	for _, check := range c.g.health.checks {
		_, ok := check.state()
		m.gauge(descReady, truth(ok), check.name)
	}
	c.g.progress.collect(m)
}

// sink is where metrics go, with words for putting them there.
type sink chan<- prometheus.Metric

func (s sink) counter(d *prometheus.Desc, n int64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func (s sink) gauge(d *prometheus.Desc, n int64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
}

// value and seconds are gauges that are no whole numbers.
func (s sink) value(d *prometheus.Desc, v float64) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
}

func (s sink) seconds(d *prometheus.Desc, t time.Duration) { s.value(d, t.Seconds()) }

// histogram puts what was counted by class, in units of which there are per to one.
func (s sink) histogram(d *prometheus.Desc, c engineio.Histogram, per float64, labels ...string) {
	buckets := make(map[float64]uint64, len(c.Bounds))
	var below uint64
	for i, bound := range c.Bounds {
		below += uint64(c.Counts[i])
		buckets[float64(bound)/per] = below
	}
	s <- prometheus.MustNewConstHistogram(d, uint64(c.Total()), float64(c.Sum)/per, buckets, labels...)
}

// counters puts one counter for each entry of a map with a fixed set of keys.
func counters[K ~string](s sink, d *prometheus.Desc, m map[K]int64) {
	for label, n := range m {
		s.counter(d, n, string(label))
	}
}

func (s sink) engine(e engineio.Stats) {
	for transport, n := range e.Sessions {
		s.gauge(descConnections, int64(n), string(transport))
	}
	counters(s, descOpened, e.Opened)
	counters(s, descClosed, e.Closed)
	counters(s, descRejected, e.Rejected)
	s.counter(descUpgrades, e.Upgrades, "ok")
	s.counter(descUpgrades, e.UpgradesFailed, "failed")
	counters(s, descPacketsIn, e.PacketsIn)
	counters(s, descPacketsOut, e.PacketsOut)
	counters(s, descBytesIn, e.BytesIn)
	counters(s, descBytesOut, e.BytesOut)
	for transport, sizes := range e.SizesIn {
		s.histogram(descSizesIn, sizes, 1, string(transport))
	}
	s.histogram(descLifetimes, e.Lifetimes, float64(time.Second))
	s.gauge(descQueue, e.QueueBytes)
	s.counter(descSlow, e.SlowClosed)
	s.counter(descVolatile, e.VolatileDropped)
	s.counter(descStalls, e.Stalls)
	s.gauge(descParked, int64(e.Parked))
}

func (s sink) sockets(st socketio.Stats) {
	byNamespace(s, descSessions, st.Sockets)
	byNamespace(s, descRooms, st.Rooms)
	s.counter(descConnected, st.Connected)
	s.counter(descUnwanted, st.Rejected)
	counters(s, descDisconnects, st.Disconnects)
	counters(s, descRefused, st.Refused)
	counters(s, descKinds, st.PacketsIn)
	s.counter(descEvents, st.Events)
	s.counter(descUnhandled, st.Unhandled)
	s.counter(descDropped, st.EventsDropped)
	s.counter(descInboxFull, st.InboxFull)
	s.counter(descPanics, st.Panics)
	s.counter(descJoins, st.Joins)
	s.counter(descJoinsFull, st.JoinsRefused, "rooms")
	s.counter(descEmits, st.Emits)
	s.counter(descHeard, st.Heard)
	s.counter(descBadHeard, st.DeliverRefused)
	s.counter(descDeliveries, st.Delivered)
	s.histogram(descSizesOut, st.DeliveredSizes, 1)
	s.histogram(descWaits, st.Waits, float64(time.Second))
	s.counter(descAcks, st.AcksOut, "out")
	s.counter(descAcks, st.AcksIn, "in")
	s.counter(descAcks, st.BadAcks, "unexpected")
	s.counter(descAcks, st.AckTimeouts, "timeout")
	s.counter(descAcks, st.AcksRefused, "refused")
}

// byNamespace puts the figures of "/", and the sum of all others: clients choose
// the names of those.
func byNamespace(s sink, d *prometheus.Desc, m map[string]int64) {
	var other int64
	for name, n := range m {
		if name != "/" {
			other += n
		}
	}
	s.gauge(d, m["/"], "/")
	s.gauge(d, other, "other")
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
