package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

var (
	descConnectionsLimit = desc("connections_limit", "Connections that this node takes; 0 without a limit.")
	descAddresses        = desc("handshake_addresses", "Addresses whose handshakes are being counted.")
	descUncounted        = desc("handshakes_uncounted_total", "Handshakes let in because the table of addresses was full.")
	descUserFull         = desc("user_connections_refused_total", "Sockets refused because their user had too many on this node.")
	descThrottled        = desc("clients_throttled_total", "Times that a client was not read for a while because it sent too fast.")
	descThrottledFor     = desc("clients_throttled_seconds_total", "How long clients were not read because they sent too fast, all together.")
	descNamespaces       = desc("namespaces_refused_total", "Sockets refused because their connection was in too many namespaces, or the node had too many.")
)

// limits puts what the limits did, where it is not told with what they limit.
func (s sink) limits(g *gateway, st socketio.Stats) {
	s.gauge(descConnectionsLimit, int64(g.cfg.Limits.Connections))
	s.counter(descRejected, g.doors.nodeRefused.Load(), "handshake_rate")
	s.counter(descRejected, g.doors.addressRefused.Load(), "address_rate")
	addresses, uncounted := g.doors.addresses.Size()
	s.gauge(descAddresses, int64(addresses))
	s.counter(descUncounted, uncounted)
	s.counter(descUserFull, g.users.refused.Load())
	s.counter(descThrottled, st.Throttled)
	s <- prometheus.MustNewConstMetric(descThrottledFor, prometheus.CounterValue, st.ThrottledFor.Seconds())
	s.counter(descNamespaces, st.NamespacesRefused)
	s.counter(descJoinsFull, g.relay.joins.refused.Load(), "rate")
}
