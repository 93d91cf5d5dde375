package scrape

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

const (
	defaultTimeout = time.Second
	maxBody        = 4 << 20 // bytes; a gateway's metrics are some 20 KiB
)

// Scraper watches servers. It is used by one goroutine at a time.
type Scraper struct {
	targets []*target
	client  *http.Client
	timeout time.Duration
}

// target is one server: of url or, if that is empty, of pid.
type target struct {
	server  result.Server
	url     string
	host    string // of url, without the port
	pid     int
	publish mean
	born    float64 // when its process began, in Unix seconds; 0: not known
	with    *target // one before it, which is the same process; nil: none
	failed  int
	because error // of the last failure
}

// New returns a Scraper of the metrics at urls and the processes pids, in this order.
// timeout bounds the wait for one answer; 0 means 1 s. An error names the URL that is
// none.
func New(urls []string, pids []int, timeout time.Duration) (*Scraper, error) {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	s := &Scraper{
		timeout: timeout,
		// without compression: the server should not work for us more than it must
		client: &http.Client{Transport: &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: 64 << 10, Proxy: nil}},
	}
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("metrics %q: not a URL as http://127.0.0.1:9090/metrics", raw)
		}
		s.targets = append(s.targets, &target{url: raw, host: u.Hostname(), server: result.Server{Name: u.Host, Source: "metrics"}})
	}
	for _, pid := range pids {
		s.targets = append(s.targets, &target{pid: pid, server: result.Server{Name: processName(pid), Source: "process"}})
	}
	return s, nil
}

// processName is as "node (4711)".
func processName(pid int) string {
	program, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		program = []byte("process")
	}
	return fmt.Sprintf("%s (%d)", strings.TrimSpace(string(program)), pid)
}

// Servers are those watched, in the order of samples.
func (s *Scraper) Servers() []result.Server {
	out := make([]result.Server, len(s.targets))
	for i, t := range s.targets {
		out[i] = t.server
	}
	return out
}

// Sample asks all servers at once and returns when each has answered or its time is
// over. What is not known is result.Missing.
func (s *Scraper) Sample(ctx context.Context) []result.Sample {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	out := make([]result.Sample, len(s.targets))
	var asking sync.WaitGroup
	for i, t := range s.targets {
		asking.Go(func() { out[i] = s.sample(ctx, t) })
	}
	asking.Wait()
	s.countOnce(out)
	return out
}

// countOnce leaves what several servers of one process use to the first of them, as of
// gateway --dev --nodes 3.
func (s *Scraper) countOnce(samples []result.Sample) {
	for i, t := range s.targets {
		for _, first := range s.targets[:i] {
			if t.with == nil && first.with == nil && t.born > 0 && t.born == first.born && t.host == first.host {
				t.with = first
			}
		}
		if t.with != nil {
			samples[i].CPUSeconds, samples[i].ResidentBytes = 0, 0
		}
	}
}

func (s *Scraper) sample(ctx context.Context, t *target) result.Sample {
	if t.url == "" {
		return t.note(process(t.pid))
	}
	families, err := s.fetch(ctx, t.url)
	if err != nil {
		return t.note(result.NoSample(), err)
	}
	if nodes, _ := families.sum(nameNodes); nodes > 1 {
		t.born, _ = families.sum(nameBorn)
	}
	return t.note(families.sample(&t.publish), nil)
}

// note counts a failure.
func (t *target) note(s result.Sample, err error) result.Sample {
	if err != nil {
		t.failed++
		t.because = err
	}
	return s
}

// Warnings says, one line for each, which servers could not always be read.
func (s *Scraper) Warnings() []string {
	var out []string
	for _, t := range s.targets {
		if also := s.inOneProcessWith(t); len(also) > 0 {
			out = append(out, fmt.Sprintf("%s is one process with %s, whose CPU and memory are counted there", t.server.Name, strings.Join(also, " and ")))
		}
		if t.failed > 0 {
			out = append(out, fmt.Sprintf("%s: what it uses could not be read %d times, lastly: %v", t.server.Name, t.failed, t.because))
		}
	}
	return out
}

// inOneProcessWith names the servers whose use is counted with that of first.
func (s *Scraper) inOneProcessWith(first *target) (names []string) {
	for _, t := range s.targets {
		if t.with == first {
			names = append(names, t.server.Name)
		}
	}
	return names
}

// Close ends idle connections.
func (s *Scraper) Close() { s.client.CloseIdleConnections() }
