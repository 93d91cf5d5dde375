package prom

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func interval(to float64, times ...time.Duration) result.Interval {
	h := result.NewHistogram()
	for _, d := range times {
		h.Record(d)
	}
	return result.Interval{
		From: to - 1, To: to, Phase: 1, Open: 7, Wanted: 9,
		Counts: result.Counts{Received: 3, ConnectErrors: 1}, Audit: audit.Sums{Lost: 2, Due: 5}, Latency: result.Latency{Delivery: h.Packed()},
	}
}

// page is what a scrape sees.
func page(t *testing.T, e *Exporter) string {
	t.Helper()
	s, err := Serve("127.0.0.1:0", e)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	resp, err := http.Get("http://" + s.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	return string(b)
}

func TestMetricsAreTheSumOfIntervals(t *testing.T) {
	var e Exporter
	e.Interval(interval(1, time.Millisecond, 40*time.Millisecond))
	e.Interval(interval(2, 60*time.Millisecond, 2*time.Minute))
	got := page(t, &e)
	for _, line := range []string{
		"loadtest_connections 7", "loadtest_connections_wanted 9", "loadtest_phase 1", "loadtest_elapsed_seconds 2",
		"loadtest_received_total 6", "loadtest_connect_errors_total 2", "loadtest_audit_lost_total 4", "loadtest_audit_due_total 10",
		"loadtest_bytes_in_total 0",
		`loadtest_latency_seconds_bucket{metric="delivery",le="0.0005"} 0`,
		`loadtest_latency_seconds_bucket{metric="delivery",le="0.001"} 1`,
		`loadtest_latency_seconds_bucket{metric="delivery",le="0.05"} 2`,
		`loadtest_latency_seconds_bucket{metric="delivery",le="0.1"} 3`,
		`loadtest_latency_seconds_bucket{metric="delivery",le="60"} 3`,
		`loadtest_latency_seconds_bucket{metric="delivery",le="+Inf"} 4`,
		`loadtest_latency_seconds_count{metric="delivery"} 4`,
		`loadtest_latency_seconds_count{metric="ack"} 0`,
		`loadtest_latency_percentile_seconds{metric="delivery",percentile="p50",within="test"} 0.040`,
		`loadtest_latency_percentile_seconds{metric="delivery",percentile="p50",within="interval"} 0.060`,
		"process_cpu_seconds_total ", "go_goroutines ",
	} {
		if !strings.Contains(got, "\n"+line) {
			t.Errorf("there is no %s", line)
		}
	}
	if strings.Contains(got, `loadtest_latency_percentile_seconds{metric="ack"`) {
		t.Error("there are quantiles of no times")
	}
}

func TestMetricsOfATestThatHasNotBegunAreZero(t *testing.T) {
	if got := page(t, &Exporter{}); !strings.Contains(got, "\nloadtest_connections 0\n") || strings.Contains(got, "percentile_seconds") {
		t.Errorf("got %s", got)
	}
}

func TestNamesFollowPrometheusRules(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	var e Exporter
	e.Interval(interval(1, time.Millisecond))
	r.MustRegister(&e)
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestAddressThatIsTakenIsNamed(t *testing.T) {
	s, err := Serve("127.0.0.1:0", &Exporter{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Serve(s.Addr().String(), &Exporter{}); err == nil || !strings.Contains(err.Error(), s.Addr().String()) {
		t.Errorf("got %v", err)
	}
}

func TestIntervalsAndScrapesMayMeet(t *testing.T) {
	var e Exporter
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			e.Interval(interval(float64(i), time.Duration(i)*time.Millisecond))
		}
	}()
	for range 20 {
		if n := testutil.CollectAndCount(&e); n == 0 {
			t.Error("no metrics")
		}
	}
	<-done
	if e.latency.Delivery.Count() != 200 {
		t.Errorf("%d times, want 200", e.latency.Delivery.Count())
	}
}
