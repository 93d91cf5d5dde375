package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// metrics are the series of one scrape, by name with labels as they stand.
type metrics map[string]float64

func (s *server) metrics() metrics {
	s.t.Helper()
	text, err := s.get("/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	m := metrics{}
	for line := range strings.SplitSeq(text, "\n") {
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			m[line[:at]] = v
		}
	}
	return m
}

// sum adds the series of a name whose labels contain each of labels.
func (m metrics) sum(name string, labels ...string) (total float64) {
series:
	for key, v := range m {
		if key != name && !strings.HasPrefix(key, name+"{") {
			continue
		}
		for _, l := range labels {
			if !strings.Contains(key, l) {
				continue series
			}
		}
		total += v
	}
	return total
}

// descriptors counts the open files of the process.
func (s *server) descriptors() float64 {
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "fd"))
	if err != nil {
		s.t.Fatal(err)
	}
	return float64(len(entries))
}

// residentKiB is the memory of the process that is in RAM.
func (s *server) residentKiB() int {
	s.t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "status"))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	s.t.Fatal("no VmRSS")
	return 0
}

// gauges are the figures that say what is there now: after all clients of a test
// have gone they are what they were.
func (s *server) gauges() map[string]float64 {
	m := s.metrics()
	return map[string]float64{
		"sessions":    m.sum("gateway_connections"),
		"sockets":     m.sum("gateway_sessions"),
		"rooms":       m.sum("gateway_rooms"),
		"queue bytes": m.sum("gateway_queue_bytes"),
		"goroutines":  m.sum("go_goroutines"),
		"descriptors": s.descriptors(),
	}
}

// slack is by how much a gauge may differ from its baseline: the scrape itself
// has a connection and its goroutines, and Go's runtime and the parking of
// readers keep a few pipes and an epoll instance from their first use on.
var slack = map[string]float64{"goroutines": 4, "descriptors": 8}

// expectGauges waits until the gauges are those of the baseline.
func (s *server) expectGauges(t *testing.T, baseline map[string]float64, limit time.Duration) {
	t.Helper()
	eventually(t, limit, "gauges to return to their baseline", func() error {
		for name, v := range s.gauges() {
			if v > baseline[name]+slack[name] {
				return fmt.Errorf("%s: %v, at first %v", name, v, baseline[name])
			}
		}
		return nil
	})
}

// labelled returns the series of a name, for messages.
func (m metrics) labelled(name string) metrics {
	found := metrics{}
	for key, v := range m {
		if strings.HasPrefix(key, name+"{") && v != 0 {
			found[strings.TrimPrefix(key, name)] = v
		}
	}
	return found
}
