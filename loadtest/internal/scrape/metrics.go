package scrape

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// The names of what is read. The first three are those of every Prometheus client
// library, prom-client of Node.js included.
const (
	nameCPU     = "process_cpu_seconds_total"
	nameMemory  = "process_resident_memory_bytes"
	nameBorn    = "process_start_time_seconds"
	nameNodes   = "gateway_process_nodes" // more than 1: its process has other nodes as well
	nameQueue   = "gateway_queue_bytes"
	namePublish = "gateway_adapter_publish_duration_seconds"
)

// namesConnections are the gateway's, and that of socket.io-prometheus; the first that
// a server has counts.
var namesConnections = []string{"gateway_connections", "socket_io_connected"}

// families are metrics by name.
type families map[string]*dto.MetricFamily

func (s *Scraper) fetch(ctx context.Context, url string) (families, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	body := &io.LimitedReader{R: resp.Body, N: maxBody + 1}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	f, err := parser.TextToMetricFamilies(body)
	if body.N <= 0 {
		return nil, fmt.Errorf("GET %s: more than %d bytes", url, maxBody)
	}
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	return f, nil
}

func (f families) sample(publish *mean) result.Sample {
	s := result.NoSample()
	if cpu, ok := f.sum(nameCPU); ok {
		s.CPUSeconds = cpu
	}
	s.ResidentBytes = f.count(nameMemory)
	s.QueueBytes = f.count(nameQueue)
	for _, name := range namesConnections {
		if s.Connections < 0 {
			s.Connections = f.count(name)
		}
	}
	s.PublishSeconds = publish.since(f.durations(namePublish))
	return s
}

// count is the sum of a gauge over all labels, or result.Missing.
func (f families) count(name string) int64 {
	v, ok := f.sum(name)
	if !ok || v > math.MaxInt64/2 {
		return result.Missing
	}
	return int64(v)
}

// sum adds up a metric over all its labels. There is none if it is missing, negative
// or no number.
func (f families) sum(name string) (float64, bool) {
	family := f[name]
	if family == nil {
		return 0, false
	}
	var sum float64
	for _, m := range family.GetMetric() {
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
	}
	return sum, sum >= 0 && !math.IsInf(sum, 0)
}

// durations is the sum and the number of a histogram or summary.
func (f families) durations(name string) (sum, count float64) {
	for _, m := range f[name].GetMetric() {
		sum += m.GetHistogram().GetSampleSum() + m.GetSummary().GetSampleSum()
		count += float64(m.GetHistogram().GetSampleCount() + m.GetSummary().GetSampleCount())
	}
	return sum, count
}

// mean is of durations between one look and the next. The zero value has not looked yet.
type mean struct {
	looked     bool
	sum, count float64
}

// since returns the mean of what was added since the last call. Missing at the first,
// and when there was none. Of a server that began anew it is the mean since then.
func (m *mean) since(sum, count float64) float64 {
	before := *m
	*m = mean{looked: true, sum: sum, count: count}
	if count < before.count || sum < before.sum {
		before.sum, before.count = 0, 0
	}
	n := count - before.count
	if !before.looked || n <= 0 || math.IsNaN(sum) || math.IsInf(sum, 0) {
		return result.Missing
	}
	return (sum - before.sum) / n
}
