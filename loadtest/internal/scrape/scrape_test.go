package scrape

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every GET with what page returns, and gives a Scraper of it.
func serve(t *testing.T, page http.HandlerFunc) *Scraper {
	t.Helper()
	server := httptest.NewServer(page)
	s, err := New([]string{server.URL + "/metrics"}, nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); server.Close() })
	return s
}

const gatewayPage = `# HELP gateway_connections Open connections (Engine.IO sessions).
# TYPE gateway_connections gauge
gateway_connections{transport="polling"} 3
gateway_connections{transport="websocket"} 40
# TYPE gateway_queue_bytes gauge
gateway_queue_bytes 1234
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 2.097152e+07
# TYPE gateway_adapter_publish_duration_seconds histogram
gateway_adapter_publish_duration_seconds_bucket{le="0.001"} %[1]d
gateway_adapter_publish_duration_seconds_bucket{le="+Inf"} %[1]d
gateway_adapter_publish_duration_seconds_sum %[2]g
gateway_adapter_publish_duration_seconds_count %[1]d
`

func TestGatewayIsReadInFull(t *testing.T) {
	asked := 0
	publishes := []struct {
		count int
		sum   float64
	}{{10, 1}, {30, 1.5}, {30, 1.5}, {4, .2}} // the last after a restart
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, gatewayPage, publishes[asked].count, publishes[asked].sum)
		asked++
	})
	for i, publish := range []float64{result.Missing, .025, result.Missing, .05} {
		got := s.Sample(context.Background())
		want := result.Sample{CPUSeconds: 12.5, ResidentBytes: 20 << 20, Connections: 43, QueueBytes: 1234, PublishSeconds: publish}
		if math.Abs(got[0].PublishSeconds-publish) < 1e-9 {
			got[0].PublishSeconds = publish
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("sample %d is %+v, want %+v", i, got, want)
		}
	}
	if w := s.Warnings(); len(w) != 0 {
		t.Errorf("warnings %v", w)
	}
}

func TestNodeServerIsReadByPromClientsNames(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `# HELP process_cpu_user_seconds_total Total user CPU time spent in seconds.
# TYPE process_cpu_user_seconds_total counter
process_cpu_user_seconds_total 1.5

# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1.75

# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 52428800
# TYPE nodejs_eventloop_lag_seconds gauge
nodejs_eventloop_lag_seconds Nan
# TYPE nodejs_gc_duration_seconds histogram
nodejs_gc_duration_seconds_bucket{le="0.001",kind="minor"} 4
nodejs_gc_duration_seconds_bucket{le="+Inf",kind="minor"} 5
nodejs_gc_duration_seconds_sum{kind="minor"} 0.003
nodejs_gc_duration_seconds_count{kind="minor"} 5
`)
	})
	want := result.Sample{CPUSeconds: 1.75, ResidentBytes: 50 << 20, Connections: -1, QueueBytes: -1, PublishSeconds: -1}
	if got := s.Sample(context.Background())[0]; got != want {
		t.Errorf("got %+v, want %+v; %v", got, want, s.Warnings())
	}
}

func TestServersOfOneProcessAreCountedOnce(t *testing.T) {
	born := []float64{100.25, 100.25, 100.5, 100.25} // the third is a process of its own
	nodes := []int{2, 2, 2, 1}                       // and so is the fourth, which was started in the same moment
	var urls []string
	for i, at := range born {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "process_start_time_seconds %g\nprocess_cpu_seconds_total 3\nprocess_resident_memory_bytes 1000\ngateway_connections 7\ngateway_process_nodes %d\n", at, nodes[i])
		}))
		t.Cleanup(server.Close)
		urls = append(urls, server.URL)
	}
	s, err := New(urls, nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		got := s.Sample(context.Background())
		for i, cpu := range []float64{3, 0, 3, 3} {
			if got[i].CPUSeconds != cpu || got[i].ResidentBytes != int64(cpu)*1000/3 || got[i].Connections != 7 {
				t.Errorf("server %d: %+v, want %v s of CPU", i, got[i], cpu)
			}
		}
	}
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "one process") {
		t.Errorf("warnings %q", w)
	}
}

func TestRefreshBringsASampleAndDoesNotWaitForOneThatHangs(t *testing.T) {
	var asked atomic.Int64
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n > 2 {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
		fmt.Fprintf(w, "process_cpu_seconds_total %d\n", asked.Load())
	}))
	defer server.Close()
	defer close(hang)
	w, err := NewWatch([]string{server.URL}, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.Begin(ctx)
	w.Refresh(10 * time.Second)
	if got := w.Latest()[0].CPUSeconds; got != 2 {
		t.Errorf("the second sample says %v", got)
	}
	begin := time.Now()
	w.Refresh(20 * time.Millisecond) // which hangs
	w.Refresh(20 * time.Millisecond) // and this one behind it
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("waited %v", took)
	}
	if got := w.Latest()[0].CPUSeconds; got != 2 {
		t.Errorf("then it is %v", got)
	}
	cancel()
	w.Close()
}

func TestServerThatCannotBeReadCostsItsOwnFiguresOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		page http.HandlerFunc
		says string
	}{
		"status":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "503"},
		"no metrics":  {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>\n") }, "text format parsing"},
		"endless":     {endless, "more than"},
		"breaks off":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"redirected":  {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "redirects"},
		"endless one": {func(w http.ResponseWriter, _ *http.Request) { forever(w, "x") }, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := serve(t, tt.page)
			good := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "process_cpu_seconds_total 2\n") })
			both := &Scraper{targets: append(bad.targets, good.targets...), client: bad.client, timeout: bad.timeout}
			got := both.Sample(context.Background())
			if got[0] != result.NoSample() || got[1].CPUSeconds != 2 {
				t.Errorf("samples %+v", got)
			}
			if w := both.Warnings(); len(w) != 1 || !strings.Contains(w[0], tt.says) || strings.Contains(w[0], "\n") {
				t.Errorf("warnings %q, want one with %q", w, tt.says)
			}
		})
	}
}

// endless is a page of metrics without an end. Most of it are comments: millions of metrics
// take the race detector longer to read than a busy machine has time.
func endless(w http.ResponseWriter, _ *http.Request) {
	forever(w, "a_total 1\n# "+strings.Repeat("x", 1000)+"\n")
}

func forever(w io.Writer, s string) {
	s = strings.Repeat(s, 1000)
	for {
		if _, err := io.WriteString(w, s); err != nil {
			return
		}
	}
}

func TestServerThatHangsIsWaitedForOnlySoLong(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.timeout = 20 * time.Millisecond
	if got := s.Sample(context.Background())[0]; got != result.NoSample() {
		t.Errorf("got %+v", got)
	}
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "deadline") {
		t.Errorf("warnings %q", w)
	}
}

func TestNonsenseFiguresAreMissing(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "process_cpu_seconds_total NaN\nprocess_resident_memory_bytes -5\ngateway_connections +Inf\ngateway_queue_bytes 1e300\n")
	})
	if got := s.Sample(context.Background())[0]; got != result.NoSample() {
		t.Errorf("got %+v, want all missing", got)
	}
}

func TestWrongURLIsNamed(t *testing.T) {
	for _, u := range []string{"", "localhost:9090", "ftp://localhost/metrics", "http://", ":%", "/metrics"} {
		_, err := New([]string{u}, nil, 0)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", u)) {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestProcessOfThisMachineIsRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	s, err := New(nil, []int{os.Getpid()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Sample(context.Background())[0]
	if before.ResidentBytes < 1<<20 || before.CPUSeconds < 0 {
		t.Fatalf("got %+v", before)
	}
	for until := time.Now().Add(5 * time.Second); result.CPUBetween(before, s.Sample(context.Background())[0]) <= 0; {
		if time.Now().After(until) {
			t.Fatal("5 s of reading cost no CPU")
		}
	}
	if name := s.Servers()[0].Name; !strings.HasSuffix(name, fmt.Sprintf(" (%d)", os.Getpid())) {
		t.Errorf("its name is %q", name)
	}
}

func TestProcessThatEndedIsMissing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	child := exec.Command("true")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	s, err := New(nil, []int{child.Process.Pid}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Sample(context.Background())[0]; got != result.NoSample() {
		t.Errorf("got %+v", got)
	}
	if len(s.Warnings()) != 1 {
		t.Errorf("warnings %v, want one", s.Warnings())
	}
}

func TestProcessNameMayHaveBracketsAndBlanks(t *testing.T) {
	cpu, err := parseStat([]byte("4711 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 17 18 19 20 21\n"))
	if err != nil || cpu != 2 {
		t.Errorf("%v s of CPU, %v, want 2", cpu, err)
	}
	for _, bad := range []string{"", "4711", "4711 (x) S 1 2", "1 (x) S 1 2 3 4 5 6 7 8 9 10 x y 13", "1 (x) S 1 2 3 4 5 6 7 8 9 10 -1 -1 13"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	for _, bad := range []string{"", "5", "5 x"} {
		if _, err := parseStatm([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
