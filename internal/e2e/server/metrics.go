package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// writeMetrics writes the figures that the tests compare, under the gateway's names.
func writeMetrics(w io.Writer, s socketio.Stats) {
	_, _ = fmt.Fprintf(w, "go_goroutines %d\ngateway_queue_bytes %d\n", runtime.NumGoroutine(), s.Engine.QueueBytes)
	_, _ = fmt.Fprintf(w, "gateway_slow_consumers_closed_total %d\ngateway_handler_panics_total %d\n", s.Engine.SlowClosed, s.Panics)
	family(w, "gateway_connections", "transport", s.Engine.Sessions)
	family(w, "gateway_sessions", "namespace", s.Sockets)
	family(w, "gateway_rooms", "namespace", s.Rooms)
	family(w, "gateway_connections_closed_total", "reason", s.Engine.Closed)
	family(w, "gateway_rejected_total", "reason", s.Engine.Rejected)
	family(w, "gateway_clients_refused_total", "reason", s.Refused)
	family(w, "gateway_disconnects_total", "reason", s.Disconnects)
}

func family[K ~string, V int | int64](w io.Writer, name, label string, values map[K]V) {
	for key, v := range values {
		_, _ = fmt.Fprintf(w, "%s{%s=%q} %d\n", name, label, string(key), v)
	}
}
