package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// stack is docker-compose.yml, running under a name and on ports of its own.
type stack struct {
	t          *testing.T
	command    []string // docker compose, or docker-compose
	environ    []string
	public     string // URL of the balancer
	api        string // URL of its port for backends
	prometheus string // URL
}

// services are those that are started, and what they need. There is no Grafana: it has
// nothing to say before somebody looks at it.
var services = []string{"balancer", "prometheus"}

const (
	buildTime = 8 * time.Minute // of an image, with nothing to begin with, on a busy machine
	stopTime  = time.Minute
)

// startStack builds the image and starts the services. Everything that it makes is gone
// after the test, but what the builder keeps.
func startStack(t *testing.T) *stack {
	t.Helper()
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		skip(t, "no Docker engine: %s", lastLine(out))
	}
	command := []string{"docker", "compose"}
	if exec.Command("docker", "compose", "version").Run() != nil {
		command = []string{"docker-compose"}
		if _, err := exec.LookPath(command[0]); err != nil {
			skip(t, "neither docker compose nor docker-compose is installed")
		}
	}
	public, backends, prometheus := freePort(t), freePort(t), freePort(t)
	proxy, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{
		t: t, command: command,
		public: "http://127.0.0.1:" + public, api: "http://127.0.0.1:" + backends, prometheus: "http://127.0.0.1:" + prometheus,
		environ: append(os.Environ(), fmt.Sprintf("COMPOSE_PROJECT_NAME=causeway-test-%08x", rand.Uint32()), "VERSION=test",
			"GATEWAY_PORT="+public, "API_PORT="+backends, "PROMETHEUS_PORT="+prometheus, "GOPROXY="+strings.TrimSpace(string(proxy))),
	}
	t.Cleanup(s.remove)
	began := time.Now()
	s.compose(buildTime, append([]string{"up", "-d"}, services...)...)
	t.Logf("built and started in %v", time.Since(began).Round(time.Second))
	return s
}

// compose runs one of Compose's commands, which must succeed.
func (s *stack) compose(limit time.Duration, args ...string) string {
	s.t.Helper()
	out, err := s.try(limit, args...)
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", strings.Join(s.command, " "), strings.Join(args, " "), err, tail(out))
	}
	return string(out)
}

func (s *stack) try(limit time.Duration, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.command[0], slices.Concat(s.command[1:], args)...)
	cmd.Dir, cmd.Env = root, s.environ
	return cmd.CombinedOutput()
}

// remove is the cleanup. The nodes' drain is not waited for.
func (s *stack) remove() {
	if s.t.Failed() {
		out, _ := s.try(stopTime, "logs", "--no-color", "--tail", "40")
		s.t.Logf("the services said:\n%s", out)
	}
	if out, err := s.try(stopTime, "down", "--volumes", "--rmi", "local", "--timeout", "1"); err != nil {
		s.t.Errorf("not everything could be removed: %v\n%s", err, tail(out))
	}
}

// answer is a result of Prometheus' HTTP API.
type answer struct {
	Data struct {
		ActiveTargets []struct{ Health, ScrapeURL string }
		Groups        []struct {
			Rules []struct{ Name, Health, LastError string }
		}
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
}

// ask asks Prometheus; an answer that is not there yet has nothing in it.
func (s *stack) ask(path string) (a answer) {
	s.t.Helper()
	get(s.t, s.prometheus+path, &a)
	return a
}

// query returns the series that an expression has now, spelt as the labels given.
func (s *stack) query(expr string, names ...string) (series []string) {
	s.t.Helper()
	for _, r := range s.ask("/api/v1/query?query=" + url.QueryEscape(expr)).Data.Result {
		values := make([]string, len(names))
		for i, name := range names {
			values[i] = r.Metric[name]
		}
		series = append(series, strings.Join(values, " "))
	}
	slices.Sort(series)
	return series
}

// handshake opens a session and returns the tag of the node that has it; none if there
// is no node.
func (s *stack) handshake() string {
	s.t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(s.public + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if m := regexp.MustCompile(`^0\{"sid":"([\w-]{4})`).FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

// tag is what the ids of a node's sessions begin with.
func (s *stack) tag(node string) string {
	s.t.Helper()
	m := regexp.MustCompile(`gateway serving .* node ([\w-]{4}),`).FindStringSubmatch(s.compose(stopTime, "logs", "--no-color", node))
	if m == nil {
		s.t.Fatalf("%s has not said its tag", node)
	}
	return m[1]
}

// freePort returns a port that nobody listens on, outside the range from which the
// kernel gives ports to clients.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := fmt.Sprint(15000 + rand.IntN(15000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port among 100")
	return ""
}

// tail is the end of a long output.
func tail(out []byte) string {
	lines := strings.Split(string(out), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

func lastLine(out []byte) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(lines[len(lines)-1])
}

// What a stranger gets from `docker compose up`: clients of every kind on all three
// nodes, all three in Prometheus, the alert rules loaded, and a cluster that goes on
// when one of them is gone.
func TestStackServesClientsAndSurvivesANode(t *testing.T) {
	needClients(t)
	s := startStack(t)
	nodes := compose(t).nodes(t)
	eventually(t, time.Minute, "the balancer to find a node", func() bool {
		return get(t, s.public+"/socket.io/?EIO=4&transport=polling", nil) == http.StatusOK
	})

	talk := startScenario(t, "nobodyNoticesTheBalancer", s.public, map[string]any{"count": 60, "visitors": 3, "messages": 4, "pause": 500})
	talk.expect("connected")
	talk.expect("talked")
	instances := []string{}
	for _, n := range nodes {
		instances = append(instances, n+":9090")
	}
	eventually(t, 30*time.Second, "Prometheus to see clients on all nodes", func() bool {
		return slices.Equal(s.query(`gateway_sessions{namespace="/"} > 0`, "instance"), instances)
	})
	if got := s.query(`sum by (transport) (gateway_connections) > 0`, "transport"); !slices.Equal(got, []string{"polling", "websocket"}) {
		t.Errorf("transports with clients: %v", got)
	}
	if got := s.query(`gateway_build_info{version="test"}`, "instance"); !slices.Equal(got, instances) {
		t.Errorf("the build's version is known of %v", got)
	}
	for _, kind := range []string{"get", "post", "upgrade"} {
		if len(s.query(`sum(gateway_forwarded_requests_total{kind="`+kind+`"}) > 0`)) == 0 {
			t.Errorf("no %s was forwarded: the balancer keeps clients on their nodes", kind)
		}
	}
	talk.tell("done")
	talk.expect("passed")

	if targets := s.ask("/api/v1/targets").Data.ActiveTargets; len(targets) != 3 {
		t.Errorf("targets: %+v", targets)
	}
	if up := s.query("up == 1", "instance"); !slices.Equal(up, instances) {
		t.Errorf("up: %v", up)
	}
	s.rulesAreLoaded()
	s.backendsAreHeard(nodes)

	group := startScenario(t, "clientsOfADeadNodeComeBack", s.public, map[string]any{"count": 30, "dead": s.tag(nodes[0])})
	group.expect("connected")
	s.compose(stopTime, "kill", nodes[0])
	group.tell("killed")
	t.Log(group.expect("reconnected").Error)
	group.expect("passed")
	eventually(t, 30*time.Second, "Prometheus to miss the node", func() bool {
		return slices.Equal(s.query("up == 0", "instance"), instances[:1]) && slices.Equal(s.query("up == 1", "instance"), instances[1:])
	})
	s.asksForTokens(nodes)
}

// asksForTokens turns tokens on in the way that docs/deploy.md tells, which makes the
// nodes anew, and lets clients with and without one come to each.
func (s *stack) asksForTokens(nodes []string) {
	s.t.Helper()
	const secret = "0123456789abcdef0123456789abcdef\n"
	dir := s.t.TempDir()
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, "token_secret"), []byte(secret), 0o644),
		os.WriteFile(filepath.Join(dir, "api_key"), []byte("another-"+secret), 0o644), os.Chmod(dir, 0o755))
	if err != nil {
		s.t.Fatal(err)
	}
	s.environ = append(s.environ, "GATEWAY_ACCESS=tokens", "GATEWAY_SECRETS="+dir)
	s.compose(2*time.Minute, append([]string{"up", "-d"}, services...)...)
	for _, n := range nodes {
		eventually(s.t, time.Minute, n+" to be ready", func() bool {
			_, err := s.try(stopTime, "exec", "-T", n, "/gateway", "healthcheck", "readyz")
			return err == nil
		})
	}
	eventually(s.t, time.Minute, "the balancer to use all nodes", func() bool {
		tags := map[string]bool{}
		for range nodes {
			tags[s.handshake()] = true
		}
		return len(tags) == len(nodes) && !tags[""]
	})
	door := startScenario(s.t, "onlyTokensOpenTheDoor", s.public, map[string]any{"secret": strings.TrimSpace(secret), "nodes": len(nodes)})
	door.expect("inside")
	s.runPage(1, "deploy/compose/secrets", dir)
	door.expect("passed")
	if status, _ := s.emit(demoKey(s.t), "", "anything"); status != http.StatusUnauthorized {
		s.t.Errorf("the key of the demo: %d", status)
	}
}

// rulesAreLoaded checks that Prometheus has the rules of the file and can evaluate them.
func (s *stack) rulesAreLoaded() {
	s.t.Helper()
	inFile := strings.Count(read(s.t, "deploy/prometheus/rules.yml"), "- alert: ")
	eventually(s.t, 30*time.Second, "the alert rules to be evaluated", func() bool {
		ok := 0
		for _, g := range s.ask("/api/v1/rules").Data.Groups {
			for _, r := range g.Rules {
				if r.LastError != "" {
					s.t.Fatalf("%s: %s", r.Name, r.LastError)
				}
				if r.Health == "ok" {
					ok++
				}
			}
		}
		return ok == inFile
	})
}
