package e2e

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// haproxy is a running balancer that deals requests in turn, whatever session they
// belong to.
type haproxy struct {
	t       *testing.T
	address string // host:port
	stats   string // URL
	log     logBuffer
	// requests is the file to which it writes a line for each request. It does not wait
	// for who reads a pipe, and would leave lines out.
	requests string
}

const haproxyConfig = `
global
  maxconn 8000
  log stdout len 4096 format raw local0 info
defaults
  mode http
  timeout connect 2s
  timeout check 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  option redispatch
frontend clients
  bind %s
  log global
  option httplog
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /readyz
%sfrontend figures
  bind %s
  stats enable
  stats uri /
`

// startHAProxy puts a balancer in front of nodes until the test ends.
func startHAProxy(t *testing.T, nodes []*server) *haproxy {
	t.Helper()
	path := program(t, "haproxy", "/usr/sbin/haproxy")
	figures := freeAddress(t)
	h := &haproxy{t: t, address: freeAddress(t), stats: "http://" + figures + "/;csv", requests: filepath.Join(t.TempDir(), "requests")}
	var servers strings.Builder
	for i, n := range nodes {
		_, checked, _ := strings.Cut(n.internal, ":")
		fmt.Fprintf(&servers, "  server node%d %s check port %s inter 200ms fall 1 rise 1\n", i, n.public, checked)
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, haproxyConfig, h.address, &servers, figures), 0o600); err != nil {
		t.Fatal(err)
	}
	requests, err := os.Create(h.requests)
	if err != nil {
		t.Fatal(err)
	}
	defer requests.Close()
	cmd := exec.Command(path, "-db", "-f", file)
	cmd.Stdout, cmd.Stderr = requests, &h.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("haproxy said:\n%s", shorten(h.log.String()))
		}
	})
	eventually(t, 10*time.Second, "haproxy to see all nodes", func() error {
		for _, row := range h.figures() {
			if row["pxname"] == "nodes" && strings.HasPrefix(row["svname"], "node") && row["check_status"] != "L7OK" {
				return fmt.Errorf("%s: %s", row["svname"], row["status"])
			}
		}
		if len(h.figures()) == 0 {
			return fmt.Errorf("no figures yet: %s", h.log.String())
		}
		return nil
	})
	return h
}

func (h *haproxy) url() string { return "http://" + h.address }

// figures are the balancer's, a map of names to values for each server and proxy.
func (h *haproxy) figures() (rows []map[string]string) {
	request, err := http.NewRequest(http.MethodGet, h.stats, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	table, err := csv.NewReader(response.Body).ReadAll()
	if err != nil || len(table) == 0 {
		return nil
	}
	for _, values := range table[1:] {
		row := map[string]string{}
		for i, v := range values {
			row[strings.TrimPrefix(table[0][i], "# ")] = v
		}
		rows = append(rows, row)
	}
	return rows
}

// sum adds a figure of all nodes.
func (h *haproxy) sum(names ...string) (n int) {
	for _, row := range h.figures() {
		if row["pxname"] == "nodes" && strings.HasPrefix(row["svname"], "node") {
			for _, name := range names {
				v, _ := strconv.Atoi(row[name]) // empty: none
				n += v
			}
		}
	}
	return n
}

// A line of option httplog: … [time] frontend backend/server timers status bytes - - end …
// "request", where the first letter of the end says whether it was the server that broke
// off; and the session that a request names.
var (
	httpBegan  = regexp.MustCompile(`\[(\d\d/\w{3}/\d{4}:[\d:.]+)\] `)
	httpResult = regexp.MustCompile(` nodes/\S+ \S+ (-?\d+) \d+ - - (\S)`)
	sidInQuery = regexp.MustCompile(`[?&]sid=([\w-]+)`)
)

// refusals returns the lines of requests that got 4xx, 5xx or no whole answer, and for
// each of them those of its session's other requests: in the order in which they ended.
func (h *haproxy) refusals() string {
	h.t.Helper()
	log, err := os.ReadFile(h.requests)
	if err != nil {
		h.t.Fatal(err)
	}
	lines := strings.Split(string(log), "\n")
	bad, ill := make([]bool, len(lines)), map[string]bool{}
	for i, line := range lines {
		found := httpResult.FindStringSubmatch(line)
		if found == nil || found[1] < "400" && found[1] != "-1" && !strings.Contains("SsPRI", found[2]) { // three digits
			continue
		}
		bad[i] = true
		if sid := sidInQuery.FindStringSubmatch(line); sid != nil {
			ill[sid[1]] = true
		}
	}
	var out strings.Builder
	for i, line := range lines {
		if sid := sidInQuery.FindStringSubmatch(line); bad[i] || sid != nil && ill[sid[1]] {
			out.WriteString(line + "\n")
		}
	}
	return shorten(out.String())
}

// balanced is a request that the balancer has passed on, once it is over.
type balanced struct {
	at     time.Time // when it began
	status int       // -1: none came
	sid    string    // that it names
	broken bool      // by the node, in the middle
	line   string
}

// failed reports whether its client got something else than a good answer.
func (b balanced) failed() bool { return b.status >= 400 || b.broken }

// over returns the requests that are over, in the order in which they ended.
func (h *haproxy) over() (all []balanced) {
	h.t.Helper()
	log, err := os.ReadFile(h.requests)
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		began, result := httpBegan.FindStringSubmatch(line), httpResult.FindStringSubmatch(line)
		if began == nil || result == nil {
			continue
		}
		b := balanced{line: strings.TrimSpace(line), broken: strings.Contains("SsPRI", result[2])}
		if b.at, err = time.ParseInLocation("02/Jan/2006:15:04:05.000", began[1], time.Local); err != nil {
			h.t.Fatal(err)
		}
		b.status, _ = strconv.Atoi(result[1]) // it is a number
		if sid := sidInQuery.FindStringSubmatch(line); sid != nil {
			b.sid = sid[1]
		}
		all = append(all, b)
	}
	return all
}
