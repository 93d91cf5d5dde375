package gateway

import "github.com/prometheus/client_golang/prometheus"

var (
	descForwarded     = desc("forwarded_requests_total", "Requests for sessions of other nodes that those answered.", "kind")
	descForwardFailed = desc("forward_failures_total", "Requests for sessions of other nodes that were refused here as unknown, by what went wrong.", "reason")
	descForwarding    = desc("forwarded_pending", "Polls and posts that wait for another node's answer.")
	descTunnels       = desc("tunnels", "WebSockets of clients whose session is on another node.")
	descTunnelsOpened = desc("tunnels_opened_total", "WebSockets that were taken through to another node.")
	descTunnelBytes   = desc("tunnel_bytes_total", "Bytes moved through tunnels, both ways together.")
	descTunnelStalls  = desc("tunnel_stalls_total", "Times that one side of a tunnel took no more.")
	descTunnelsCut    = desc("tunnels_cut_total", "Tunnels ended because one side stalled, or stayed after the other had ended.")
	descPeerRequests  = desc("peer_requests_total", "Requests that other nodes sent here.", "result")
	descNodes         = desc("registry_nodes", "Nodes of the cluster that this one knows, itself included.")
	descRegistryFails = desc("registry_failures_total", "Times that the registry could not be read or written, or did not make sense.", "what")
	descTagTaken      = desc("registry_tag_taken_total", "Times that another node had this node's tag; this one ends then.")
)

// addedOpts is about the nodes' own work and the way between them: the owner says how
// long it took itself, so that the time for which a poll is held is no part of it.
var addedOpts = prometheus.HistogramOpts{
	Name:    "gateway_forward_added_seconds",
	Help:    "What forwarding cost a request: from its arrival until the other node's answer began to arrive, less the time that the other node's session took to answer.",
	Buckets: []float64{.0001, .0002, .0003, .0004, .0005, .00075, .001, .0015, .0025, .005, .01, .025, .05, .1, .25, 1},
}

// addedKinds are the kinds of forwarded requests that are measured.
var addedKinds = []string{"get", "post", "upgrade"}

func (c *cluster) describe(ch chan<- *prometheus.Desc) {
	if c != nil {
		c.added.Describe(ch)
	}
}

// collect puts the cluster's figures, if there is one.
func (c *cluster) collect(m sink) {
	if c == nil {
		return
	}
	c.added.Collect(m)
	f := c.forwarder.Stats()
	counters(m, descForwarded, f.Forwarded)
	counters(m, descForwardFailed, f.Failed)
	m.gauge(descForwarding, int64(f.UnderWay))
	m.gauge(descTunnels, int64(f.Tunnels))
	m.counter(descTunnelsOpened, f.TunnelsOpened)
	m.counter(descTunnelBytes, f.TunnelBytes)
	m.counter(descTunnelStalls, f.TunnelStalls)
	m.counter(descTunnelsCut, f.TunnelsCut)
	p := c.receiver.Stats()
	m.counter(descPeerRequests, p.Served, "served")
	m.counter(descPeerRequests, p.Refused, "refused")
	r := c.registry.Stats()
	m.gauge(descNodes, int64(r.Nodes))
	m.counter(descRegistryFails, r.RenewFailures, "write")
	m.counter(descRegistryFails, r.LookFailures, "read")
	m.counter(descRegistryFails, r.BadEntries, "bad_entry")
	m.counter(descTagTaken, r.Taken)
}
