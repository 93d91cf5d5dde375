package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Half a thousand clients behind a balancer without any affinity.
func TestNobodyNoticesABalancerWithoutStickiness(t *testing.T) {
	nodes := startThree(t, gatewayProgram, "--dev")
	balancer := startHAProxy(t, nodes)
	s := startScript(t, "nobodyNoticesTheBalancer", balancer.url(), options{
		"count": 500, "visitors": 6, "messages": 5, "pause": 1500, "seconds": 150,
	})
	s.patience = 3 * time.Minute
	s.expect("connected")
	t.Log(s.expect("talked").Error)

	for _, name := range []string{"hrsp_4xx", "hrsp_5xx", "econ", "eresp"} {
		if n := balancer.sum(name); n != 0 {
			t.Errorf("%s is %d:\n%s", name, n, balancer.refusals())
		}
	}
	total := map[string]float64{}
	for _, n := range nodes {
		m := n.metrics()
		for name, v := range m {
			switch {
			case strings.HasPrefix(name, "gateway_rejected_total"), strings.HasPrefix(name, "gateway_forward_failures_total") && !strings.Contains(name, "client_gone"):
				if v != 0 {
					t.Errorf("%s: %s is %v", n.public, name, v)
				}
			case strings.HasPrefix(name, "gateway_forwarded_requests_total"), name == "gateway_tunnels":
				total[name] += v
			}
		}
	}
	t.Logf("requests at the balancer: %d; at the nodes: %v", balancer.sum("stot"), total)
	for _, name := range []string{`{kind="get"}`, `{kind="post"}`, `{kind="upgrade"}`} {
		if total["gateway_forwarded_requests_total"+name] == 0 {
			t.Errorf("no request of %s was forwarded", name)
		}
	}
	s.tell("done")
	s.expect("passed")
	for _, n := range nodes {
		eventually(t, 20*time.Second, "all tunnels to end", func() error {
			if open := n.metrics()["gateway_tunnels"]; open != 0 {
				return fmt.Errorf("%v are open", open)
			}
			return nil
		})
	}
}

// The figure that the nodes keep: without the race detector, and without the load that
// makes every process of this machine wait.
func TestForwardingAddsLessThanAMillisecondToAPoll(t *testing.T) {
	nodes := startThree(t, plainProgram, "--dev")
	balancer := startHAProxy(t, nodes)
	s := startScript(t, "nobodyNoticesTheBalancer", balancer.url(), options{"count": 30, "visitors": 1, "messages": 10, "pause": 600})
	s.expect("connected")
	s.expect("talked")
	for _, kind := range []string{"get", "post"} {
		h := histogram{}
		for _, n := range nodes {
			h.add(n.metrics(), "gateway_forward_added_seconds", `kind="`+kind+`"`)
		}
		median, most := h.quantile(0.5), h.quantile(0.9)
		t.Logf("forwarding added to %d forwarded %ss: median %v, 90th percentile %v", int(h.count), kind, median, most)
		if h.count < 100 {
			t.Errorf("only %v %ss were forwarded", h.count, kind)
		}
		if median >= time.Millisecond {
			t.Errorf("the median of %ss is %v", kind, median)
		}
	}
	s.tell("done")
	s.expect("passed")
}

func TestClientsOfADeadNodeComeBack(t *testing.T) {
	nodes := startThree(t, gatewayProgram, "--dev")
	balancer := startHAProxy(t, nodes)
	victim := nodes[1]
	sid := pollingSession(t, victim)
	if status, body := ask(t, nodes[0], sid); status != http.StatusOK {
		t.Fatalf("a living node's session through another: %d %s", status, body)
	}
	s := startScript(t, "clientsOfADeadNodeComeBack", balancer.url(), options{"count": 60, "dead": sid[:4]})
	s.expect("connected")
	victim.kill()
	began := time.Now()
	for _, n := range []*server{nodes[0], nodes[2]} {
		if status, body := ask(t, n, sid); status != http.StatusBadRequest || body != `{"code":1,"message":"Session ID unknown"}` {
			t.Errorf("a dead node's session: %d %s", status, body)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("two refusals took %v", took)
	}
	s.tell("killed")
	t.Logf("%s within %v", s.expect("reconnected").Error, time.Since(began))
	s.expect("passed")
}

// A node that was stopped for so long that another has its tag gives way: no two nodes
// serve one tag.
func TestNodeWhoseTagIsTakenEnds(t *testing.T) {
	nodes := startThree(t, gatewayProgram, "--dev")
	sid := pollingSession(t, nodes[0])
	usurp(t, nodes[0], sid[:4], `{"id":"another","address":"127.0.0.1:1","version":"","draining":false,"started":"2026-01-01T00:00:00Z"}`)
	select {
	case <-nodes[0].exited:
	case <-time.After(20 * time.Second):
		t.Fatal("the node goes on")
	}
	nodes[0].killed = true // its exit status is judged here
	if nodes[0].cmd.ProcessState.ExitCode() != 1 || !strings.Contains(nodes[0].log.String(), "taken by another node") {
		t.Errorf("ended with %v:\n%s", nodes[0].cmd.ProcessState, nodes[0].log.String())
	}
}

// usurp writes another node's entry over the one of a tag.
func usurp(t *testing.T, n *server, tag, entry string) {
	t.Helper()
	flag := func(name string) string { return n.flags[slices.Index(n.flags, name)+1] }
	options, err := goredis.ParseURL(flag("--redis-url"))
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	if err := client.SetArgs(t.Context(), flag("--redis-prefix")+":{nodes}:"+tag, entry, goredis.SetArgs{Mode: "XX", TTL: time.Minute}).Err(); err != nil {
		t.Fatal(err)
	}
}

// pollingSession opens one on a node, as a client does that has then gone silent.
func pollingSession(t *testing.T, n *server) (sid string) {
	t.Helper()
	status, body := request(t, n.url()+"/socket.io/?EIO=4&transport=polling", "")
	found := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(body)
	if status != http.StatusOK || found == nil {
		t.Fatalf("handshake: %d %s", status, body)
	}
	return found[1]
}

// ask posts a ping's answer to a session through a node.
func ask(t *testing.T, n *server, sid string) (status int, body string) {
	t.Helper()
	return request(t, n.url()+"/socket.io/?EIO=4&transport=polling&sid="+sid, "3")
}

// request posts a body, or gets without one.
func request(t *testing.T, url, body string) (int, string) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

// histogram is the sum of some histograms of one name.
type histogram struct {
	buckets map[float64]float64 // cumulative, by upper bound in seconds
	count   float64
}

func (h *histogram) add(metrics map[string]float64, name, label string) {
	if h.buckets == nil {
		h.buckets = map[float64]float64{}
	}
	for key, v := range metrics {
		if !strings.Contains(key, label) {
			continue
		}
		switch {
		case strings.HasPrefix(key, name+"_count"):
			h.count += v
		case strings.HasPrefix(key, name+"_bucket"):
			_, le, _ := strings.Cut(key, `le="`)
			le, _, _ = strings.Cut(le, `"`)
			if bound, err := strconv.ParseFloat(le, 64); err == nil {
				h.buckets[bound] += v
			}
		}
	}
}

// quantile estimates where the share q ends, between the bounds around it.
func (h *histogram) quantile(q float64) time.Duration {
	low, below := 0.0, 0.0
	for _, bound := range slices.Sorted(maps.Keys(h.buckets)) {
		n := h.buckets[bound]
		if n >= q*h.count {
			return time.Duration((low + (bound-low)*(q*h.count-below)/(n-below)) * float64(time.Second))
		}
		low, below = bound, n
	}
	return time.Hour
}
