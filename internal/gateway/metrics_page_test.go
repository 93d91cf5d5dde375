package gateway

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/causeway-rt/causeway/internal/api"
	"github.com/causeway-rt/causeway/internal/redistest"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

const metricsPage = "../../docs/metrics.md"

// metricsIntro stands above the tables.
const metricsIntro = `# Metrics

What a node shows on ` + "`/metrics`" + ` of its internal listener, for Prometheus. Names stay; more may be added. No label has a value that a client can choose: their number does not grow
with rooms, users or namespaces. [alerts.md](alerts.md) says what is worth an alert. Beside these there are those of the process (` + "`process_`" + `: memory, processor, descriptors) and of Go's
runtime (` + "`go_`" + `: goroutines, collections, scheduling), under the names that they have everywhere.

Counters count from the start of the node. Durations are in seconds, sizes in bytes. Histograms are counted where messages go by with two atomic additions per event, not per recipient.

This page is written from a running node: ` + "`go test ./internal/gateway -run TestMetricsPage -update`" + `.
`

// metricSections are the page's headings, and the beginnings of the names below each. A
// metric belongs to the first that fits.
var metricSections = []struct {
	title    string
	prefixes []string
}{
	{"The bus", []string{"adapter_"}},
	{"Recovery", []string{"recovery_", "history_"}},
	{"Between nodes", []string{"forward", "tunnel", "peer_", "registry_"}},
	{"Tokens", []string{"access_"}},
	{"Server API", []string{"api_"}},
	{"The node", []string{"build_", "ready", "drain", "memory_", "process_"}},
	{"Connections", []string{"connection", "handshake", "parked", "received_", "sent_", "queue_", "slow_", "write_", "upgrades", "rejected", "volatile"}},
	{"Sockets, rooms and events", []string{""}},
}

func TestMetricsPageIsThatOfARunningNode(t *testing.T) {
	cfg := withTokens(nil) // and with all else that has metrics of its own
	cfg.Dev, cfg.RedisURL, cfg.RedisPrefix, cfg.Version = true, redistest.Start(t), redistest.Prefix(t), "v1"
	cfg.APIKeys = []APIKey{{Name: "page", Secret: "0123456789abcdef", Scopes: []api.Scope{"read"}}}
	w := start(t, cfg, func(g *gateway) { g.memory = 1 << 30 }) // as in a container
	w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	w.until(w.internal+"/metrics", 200, "\ngateway_adapter_proven_timestamp_seconds ")
	w.until(w.internal+"/api/v1/nodes", 401, "")
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	page := metricsIntro
	for i := range metricSections {
		page += metricTable(families, i)
	}
	if *update {
		if err := os.WriteFile(metricsPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if written, err := os.ReadFile(metricsPage); err != nil || string(written) != page {
		t.Errorf("docs/metrics.md is not what a running node shows (%v): go test ./internal/gateway -run TestMetricsPage -update", err)
	}
	// A metric that is described and not shown would be missing from the page.
	described := make(chan *prometheus.Desc)
	go func() { collector{w.gateway}.Describe(described); close(described) }()
	for d := range described {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
		if !slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name }) {
			t.Errorf("%s is described, and a running node does not show it", name)
		}
	}
}

func metricTable(families []*dto.MetricFamily, section int) string {
	var rows strings.Builder
	for _, f := range families {
		name, ours := strings.CutPrefix(f.GetName(), "gateway_")
		if ours && sectionOf(name) == section {
			fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), labelsCell(f), f.GetHelp())
		}
	}
	return fmt.Sprintf("\n## %s\n\n| name | type | labels | meaning |\n|---|---|---|---|\n%s", metricSections[section].title, rows.String())
}

func sectionOf(name string) int {
	return slices.IndexFunc(metricSections, func(s struct {
		title    string
		prefixes []string
	}) bool {
		return slices.ContainsFunc(s.prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	})
}

// labelsCell names the labels with their values, but for a version.
func labelsCell(f *dto.MetricFamily) string {
	var names []string
	values := map[string][]string{}
	for _, m := range f.Metric {
		for _, l := range m.Label {
			if !slices.Contains(names, l.GetName()) {
				names = append(names, l.GetName())
			}
			if !slices.Contains(values[l.GetName()], l.GetValue()) {
				values[l.GetName()] = append(values[l.GetName()], l.GetValue())
			}
		}
	}
	var cells []string
	for _, name := range names {
		cell := "`" + name + "`"
		if name != "version" {
			cell += ": " + strings.Join(values[name], ", ")
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, "; ")
}
