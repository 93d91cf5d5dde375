package e2e

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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
}

const haproxyConfig = `
global
  maxconn 8000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  option redispatch
frontend clients
  bind %s
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
	h := &haproxy{t: t, address: freeAddress(t), stats: "http://" + figures + "/;csv"}
	var servers strings.Builder
	for i, n := range nodes {
		_, checked, _ := strings.Cut(n.internal, ":")
		fmt.Fprintf(&servers, "  server node%d %s check port %s inter 200ms fall 1 rise 1\n", i, n.public, checked)
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, haproxyConfig, h.address, &servers, figures), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-db", "-f", file)
	cmd.Stdout, cmd.Stderr = &h.log, &h.log
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
