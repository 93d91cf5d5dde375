package observe

// stat is a figure of now; six make a line.
func stat(title, unit, expr, about string) panel {
	return panel{kind: "stat", title: title, unit: unit, about: about, width: 4, height: 4, queries: []query{{expr, ""}}}
}

// graph is a third of a line.
func graph(title, unit, about string, queries ...query) panel {
	return panel{kind: "timeseries", title: title, unit: unit, about: about, width: 8, height: 8, queries: queries}
}

// stacked is a graph whose results add up to something.
func stacked(title, unit, about string, queries ...query) panel {
	p := graph(title, unit, about, queries...)
	p.stack = true
	return p
}

// quantiles are the median and the 99th percentile of a histogram, of all nodes together.
func quantiles(histogram, by string) []query {
	grouped, legend := "le", ""
	if by != "" {
		grouped, legend = by+", le", " {{"+by+"}}"
	}
	of := func(q string) string {
		return "histogram_quantile(" + q + ", sum by (" + grouped + ") (rate(" + histogram + "_bucket{@}[$__rate_interval])))"
	}
	return []query{{of("0.5"), "p50" + legend}, {of("0.99"), "p99" + legend}}
}

// Units, in Grafana's words.
const (
	number  = "short"
	percent = "percentunit"
	seconds = "s"
	size    = "bytes" // 1024 to the next
	flow    = "binBps"
	perSec  = "cps" // per second, of anything
)

var rows = []row{
	{"Overview", []panel{
		stat("Nodes", number, `count(up{@} == 1)`, "Nodes that answer Prometheus."),
		stat("Connections", number, `sum(gateway_connections{@})`, "Clients that are connected, on all nodes."),
		stat("Deliveries", perSec, `sum(rate(gateway_deliveries_total{@}[$__rate_interval]))`, "Events handed to clients per second: an event to 100 clients counts 100 times."),
		stat("Publish p99", seconds, `histogram_quantile(0.99, sum by (le) (rate(gateway_adapter_publish_duration_seconds_bucket{@}[$__rate_interval])))`, "Time from an emit to Redis's answer. A network's round trip is usual; 0.1 s is a queue."),
		stat("Gaps", number, `sum(increase(gateway_adapter_gaps_total{@}[1h]))`, "Times in the last hour that a node lost the bus. Events of those times did not arrive everywhere."),
		stat("Slow consumers", number, `sum(increase(gateway_slow_consumers_closed_total{@}[1h]))`, "Clients closed in the last hour because too much waited for them."),

		stacked("Connections by node", number, "A node far above the others: see GatewayImbalance in docs/alerts.md.",
			query{`sum by (instance) (gateway_connections{@})`, "{{instance}}"}),
		graph("Connects and disconnects", perSec, "Connections opened, and closed by reason. A storm of reconnects has one reason for most of them.",
			query{`sum(rate(gateway_connections_opened_total{@}[$__rate_interval]))`, "opened"},
			query{`sum by (reason) (rate(gateway_connections_closed_total{@}[$__rate_interval]))`, "{{reason}}"}),
		stacked("Deliveries by node", perSec, "Events handed to the queues of clients.",
			query{`sum by (instance) (rate(gateway_deliveries_total{@}[$__rate_interval]))`, "{{instance}}"}),
		graph("Publish latency", seconds, "Time from an emit to Redis's answer.", quantiles("gateway_adapter_publish_duration_seconds", "")...),
		graph("Gaps in the bus", percent, "Share of the time in which a node did not hear the others, or did not reach them.",
			query{`sum by (instance, side) (rate(gateway_adapter_gap_seconds_total{@}[$__rate_interval]))`, "{{instance}} {{side}}"}),
		graph("Errors", perSec, "What should be 0, but for single clients that misbehave.",
			query{`sum by (reason) (rate(gateway_adapter_publish_errors_total{@}[$__rate_interval]))`, "publish: {{reason}}"},
			query{`sum(rate(gateway_slow_consumers_closed_total{@}[$__rate_interval]))`, "slow consumers"},
			query{`sum(rate(gateway_handler_panics_total{@}[$__rate_interval]))`, "handler panics"},
			query{`sum by (reason) (rate(gateway_clients_refused_total{@}[$__rate_interval]))`, "client refused: {{reason}}"}),
	}},
	{"Cluster", []panel{
		graph("Nodes known", number, "How many nodes each node knows, itself included: all should agree.",
			query{`gateway_registry_nodes{@}`, "{{instance}}"}),
		graph("Bus", number, "1 while a node hears the others, and while it can publish.",
			query{`gateway_adapter_connected{@}`, "{{instance}} hears"},
			query{`gateway_adapter_can_publish{@}`, "{{instance}} publishes"}),
		graph("Unproven", seconds, "Time since the last moment until which a node knows that it has heard everything: about 2 s while all is well.",
			query{`gateway_adapter_unproven_seconds{@}`, "{{instance}}"}),
		graph("Messages of the bus", perSec, "Published by nodes, received by nodes, and of these what reached a client.",
			query{`sum(rate(gateway_adapter_published_total{@}[$__rate_interval]))`, "published"},
			query{`sum(rate(gateway_adapter_received_total{@}[$__rate_interval]))`, "received"},
			query{`sum(rate(gateway_adapter_delivered_total{@}[$__rate_interval]))`, "delivered"}),
		graph("Dropped by receivers", perSec, "Messages of the bus that were not delivered. Some of unknown channel, no such socket and late answer are normal.",
			query{`sum by (reason) (rate(gateway_adapter_dropped_total{@}[$__rate_interval]))`, "{{reason}}"}),
		graph("Waiting to be published", size, "Above 0 for long: Redis takes less than is made.",
			query{`gateway_adapter_queue_bytes{@}`, "{{instance}}"}),
		graph("Forwarded requests", perSec, "Requests for sessions of other nodes. None are lost; each costs a hop.",
			query{`sum by (kind) (rate(gateway_forwarded_requests_total{@}[$__rate_interval]))`, "{{kind}}"},
			query{`sum(rate(gateway_forward_failures_total{@}[$__rate_interval]))`, "failed"}),
		graph("What forwarding adds", seconds, "Time that the hop to another node takes, without what the other node does.", quantiles("gateway_forward_added_seconds", "")...),
		graph("Tunnels", number, "WebSockets whose session is on another node.",
			query{`gateway_tunnels{@}`, "{{instance}}"}),
		graph("Subscriptions", number, "Channels that a node listens to; pending ones are not confirmed by Redis yet.",
			query{`gateway_adapter_subscriptions{@}`, "{{instance}} {{state}}"}),
		graph("Drain", number, "Sessions left on nodes that are stopping.",
			query{`sum by (instance) (gateway_connections{@}) * on (instance) gateway_draining{@}`, "{{instance}}"}),
		graph("Readiness", number, "1 while a check of /readyz is passed.",
			query{`min by (instance, check) (gateway_ready{@})`, "{{instance}} {{check}}"}),
	}},
	{"Recovery", []panel{
		graph("Clients that come back", perSec, "With all that they had missed, or afresh by reason: unknown is who comes too late.",
			query{`sum(rate(gateway_recovery_recovered_total{@}[$__rate_interval]))`, "recovered"},
			query{`sum by (reason) (rate(gateway_recovery_refused_total{@}[$__rate_interval]))`, "afresh: {{reason}}"}),
		graph("Made up for", perSec, "Events that clients had missed and got, those that nodes had not heard and read, and those that came twice and were left out.",
			query{`sum(rate(gateway_recovery_replayed_events_total{@}[$__rate_interval]))`, "to clients"},
			query{`sum(rate(gateway_history_caught_up_events_total{@}[$__rate_interval]))`, "to nodes"},
			query{`sum(rate(gateway_history_repeated_events_total{@}[$__rate_interval]))`, "repeated"}),
		graph("Announced losses", number, "Sockets in the last minutes that had to start afresh, as a part of the history was gone. See GatewayLossAnnounced in docs/alerts.md.",
			query{`sum by (cause) (increase(gateway_recovery_announced_losses_total{@}[$__rate_interval]))`, "{{cause}}"},
			query{`sum(increase(gateway_recovery_without_session_total{@}[$__rate_interval]))`, "without a session"}),
		graph("Takeovers and catch-ups", perSec, "Sessions that went on over another connection while the old one looked alive, and times that nodes read what they may not have heard.",
			query{`sum(rate(gateway_recovery_takeovers_total{@}[$__rate_interval]))`, "takeovers"},
			query{`sum(rate(gateway_history_catch_ups_total{@}[$__rate_interval]))`, "catch-ups"}),
		graph("Histories", size, "What the histories take of Redis's memory. Sessions come beside it.",
			query{`max(gateway_history_bytes{@})`, "bytes"}),
		graph("Time to be recorded", seconds, "From an emit to Redis's answer that it is in the history.", quantiles("gateway_history_record_duration_seconds", "")...),
	}},
	{"Clients", []panel{
		graph("Connections by transport", number, "Polling costs more than WebSocket: much of it means that something between clients and nodes blocks WebSockets.",
			query{`sum by (transport) (gateway_connections{@})`, "{{transport}}"},
			query{`sum(gateway_parked_connections{@})`, "parked"}),
		graph("Handshakes", perSec, "New connections asked for, by what became of them.",
			query{`sum by (transport, result) (rate(gateway_handshake_duration_seconds_count{@}[$__rate_interval]))`, "{{transport}} {{result}}"}),
		graph("Handshake duration", seconds, "From the request for a connection to its answer.", quantiles("gateway_handshake_duration_seconds", "transport")...),
		graph("Refused requests", perSec, "By reason. unknown_session is normal when a node has ended; origin and forbidden are settings.",
			query{`sum by (reason) (rate(gateway_rejected_total{@}[$__rate_interval]))`, "{{reason}}"}),
		graph("Upgrades", perSec, "From polling to WebSocket.",
			query{`sum by (result) (rate(gateway_upgrades_total{@}[$__rate_interval]))`, "{{result}}"}),
		graph("Length of connections", seconds, "Of those that were closed. A drop of the median is seen before a storm of reconnects is.", quantiles("gateway_connection_duration_seconds", "")...),
		graph("Sockets and rooms", number, "Sockets in namespaces, and rooms with a member on a node, summed over nodes.",
			query{`sum by (namespace) (gateway_sessions{@})`, "sockets in {{namespace}}"},
			query{`sum by (namespace) (gateway_rooms{@})`, "rooms in {{namespace}}"}),
		graph("Events of clients", perSec, "Events given to handlers, and relay events by result.",
			query{`sum(rate(gateway_events_total{@}[$__rate_interval]))`, "events"},
			query{`sum by (event, result) (rate(gateway_relay_events_total{@}[$__rate_interval]))`, "{{event}} {{result}}"}),
		graph("Wait of events", seconds, "For their handlers; one event in 64 is measured. Handlers wait for Redis when a room gets its first member.", quantiles("gateway_event_wait_seconds", "")...),
		graph("Traffic", flow, "Bytes from and to clients, without HTTP and WebSocket headers on the way in.",
			query{`sum by (transport) (rate(gateway_received_bytes_total{@}[$__rate_interval]))`, "in {{transport}}"},
			query{`sum by (transport) (rate(gateway_sent_bytes_total{@}[$__rate_interval]))`, "out {{transport}}"}),
		graph("Sizes", size, "Of packets received, and of events delivered.",
			append(quantiles("gateway_received_packet_bytes", "transport"), quantiles("gateway_delivered_event_bytes", "")...)...),
		graph("Queues of clients", size, "Bytes that wait for all clients of a node together. What waits for one is bounded by --max-queue.",
			query{`gateway_queue_bytes{@}`, "{{instance}}"}),
		graph("Clients that do not keep up", perSec, "Full buffers of the kernel, volatile events dropped, clients closed, and times that a client was not read because its handlers were busy.",
			query{`sum(rate(gateway_write_stalls_total{@}[$__rate_interval]))`, "stalls"},
			query{`sum(rate(gateway_volatile_dropped_total{@}[$__rate_interval]))`, "volatile dropped"},
			query{`sum(rate(gateway_slow_consumers_closed_total{@}[$__rate_interval]))`, "closed"},
			query{`sum(rate(gateway_inbox_full_total{@}[$__rate_interval]))`, "inbox full"}),
		graph("Acks", perSec, "Sent to clients (out), received from them (in), and what went wrong.",
			query{`sum by (result) (rate(gateway_acks_total{@}[$__rate_interval]))`, "{{result}}"}),
		graph("Sockets ended", perSec, "By reason.",
			query{`sum by (reason) (rate(gateway_disconnects_total{@}[$__rate_interval]))`, "{{reason}}"}),
	}},
	{"Process", []panel{
		graph("Processor", percent, "1 is one core.",
			query{`rate(process_cpu_seconds_total{@}[$__rate_interval])`, "{{instance}}"}),
		graph("Memory", size, "Resident, and the limit if there is one.",
			query{`process_resident_memory_bytes{@}`, "{{instance}}"},
			query{`max(gateway_memory_limit_bytes{@})`, "limit"}),
		graph("Memory per connection", size, "Resident memory by connections: an idle one costs about 10 KiB beside what the process needs itself.",
			query{`process_resident_memory_bytes{@} / (sum without (transport) (gateway_connections{@}) > 0)`, "{{instance}}"}),
		graph("Heap", size, "Objects that are in use, or not collected yet.",
			query{`go_memstats_heap_inuse_bytes{@}`, "{{instance}}"}),
		graph("Collector", percent, "Share of the processor that Go's garbage collector takes.",
			query{`sum by (instance) (rate(go_cpu_classes_gc_total_cpu_seconds_total{@}[$__rate_interval])) / sum by (instance) (rate(go_cpu_classes_total_cpu_seconds_total{@}[$__rate_interval]))`, "{{instance}}"}),
		graph("Wait for a processor", seconds, "How long goroutines that could run did not: above some ms the machine is too small.", quantiles("go_sched_latencies_seconds", "instance")[1]),
		graph("Goroutines", number, "An idle WebSocket has none; a poll has one.",
			query{`go_goroutines{@}`, "{{instance}}"}),
		graph("File descriptors", percent, "Share of the limit. Each connection takes one.",
			query{`process_open_fds{@} / process_max_fds{@}`, "{{instance}}"}),
		graph("Versions", number, "Nodes by version: two of them during a rollout.",
			query{`count by (version) (gateway_build_info{@})`, "{{version}}"}),
	}},
}
