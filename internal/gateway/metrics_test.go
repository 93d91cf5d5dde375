package gateway

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsAreWellNamed(t *testing.T) {
	w := start(t, Config{Dev: true, Version: "v1"}, nil)
	w.join("r")
	problems, err := testutil.GatherAndLint(w.metrics)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "gateway_") { // others are not ours to name
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		name := f.GetName()
		if !strings.HasPrefix(name, "gateway_") && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is neither ours nor the runtime's", name)
		}
	}
}

func TestMetricsCountWhatHappens(t *testing.T) {
	w := start(t, Config{Dev: true, Version: "v1"}, nil)
	a, b, c := w.join("r"), w.join("r"), w.join("r")
	a.send(`421["publish","r","ev"]`)
	a.expect(`431[{"ok":true}]`)
	b.expect(`42["ev"]`)
	c.expect(`42["ev"]`)
	w.get(w.public + "/socket.io/?EIO=4&transport=nonsense")

	_, page := w.get(w.internal + "/metrics")
	for _, line := range []string{
		`gateway_build_info{version="v1"} 1`,
		`gateway_connections{transport="websocket"} 3`,
		`gateway_connections{transport="polling"} 0`,
		`gateway_connections_opened_total{transport="websocket"} 3`,
		`gateway_sessions{namespace="/"} 3`,
		`gateway_sessions{namespace="other"} 0`,
		`gateway_room_joins_total 3`,
		`gateway_emits_total 1`,
		`gateway_deliveries_total 2`,
		`gateway_relay_events_total{event="join",result="ok"} 3`,
		`gateway_relay_events_total{event="publish",result="ok"} 1`,
		`gateway_slow_consumers_closed_total 0`,
		`gateway_handler_panics_total 0`,
		`gateway_draining 0`,
		`gateway_rejected_total{reason="unknown_transport"} 1`,
		`gateway_received_packet_bytes_bucket{transport="websocket",le="64"} 7`,
		`gateway_received_packet_bytes_sum{transport="websocket"} 67`,
		`gateway_delivered_event_bytes_count 2`,
		`gateway_delivered_event_bytes_bucket{le="64"} 2`,
		`gateway_delivered_event_bytes_sum 14`,
		`gateway_connection_duration_seconds_count 0`,
		`gateway_ready{check="drain"} 1`,
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, part := range []string{"go_goroutines ", "process_resident_memory_bytes ", "gateway_sent_bytes_total{"} {
		if !strings.Contains(page, part) {
			t.Errorf("no %s", part)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestClientsCannotGrowTheMetrics(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	count := func() int {
		_, page := w.get(w.internal + "/metrics")
		return strings.Count(page, "\ngateway_")
	}
	before := count()
	for _, name := range []string{"a", "b", "c", "d"} {
		c := w.dial()
		c.send("40/" + name + ",")
		c.expectPrefix("40/" + name + ",")
		c.send(`42/` + name + `,0["join","` + name + `"]`)
		c.expectPrefix("43")
		c.send(`42/` + name + `,1["` + name + `"]`)
		w.get(w.public + "/socket.io/?EIO=4&transport=" + name)
		w.get(w.public + "/" + name)
	}
	if after := count(); after != before {
		t.Errorf("%d lines became %d", before, after)
	}
}
