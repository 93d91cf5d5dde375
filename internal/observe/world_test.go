package observe

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/internal/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for something that must happen.
const patience = 20 * time.Second

// program returns the path of a program that a test needs, or ends the test: where nothing
// may be skipped, as a failure.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("this test needs %s: %v", name, err)
		}
		t.Skipf("this test needs %s: %v", name, err)
	}
	return path
}

// node is where a gateway of a cluster is reached.
type node struct{ public, internal string }

var servingLine = regexp.MustCompile(`serving (http://\S+)/socket\.io/, internal (http://\S+),`)

// startNodes runs a cluster of three nodes until the test ends, and has each counter of
// what goes between them count.
func startNodes(t *testing.T) []node {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	// As in a container: without a limit there is no metric of it.
	before := debug.SetMemoryLimit(4 << 30)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	cfg := gateway.Config{
		Dev: true, Version: "v1", Nodes: 3, Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", Path: "/socket.io", LogOutput: io.Discard,
		// Likewise: without it nobody counts tokens.
		Access: &access.Config{Namespaces: map[string]access.Rules{"/": {Anonymous: &access.Grants{}}}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := gateway.Run(ctx, cfg, w)
		w.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the nodes ended with %v", err)
		}
	})
	var nodes []node
	lines := bufio.NewScanner(r)
	for len(nodes) < 3 && lines.Scan() {
		if m := servingLine.FindStringSubmatch(lines.Text()); m != nil {
			nodes = append(nodes, node{m[1], m[2]})
		}
	}
	if len(nodes) < 3 {
		t.Fatalf("%d nodes said where they serve", len(nodes))
	}
	go io.Copy(io.Discard, r) // ends with the pipe
	for _, n := range nodes {
		await(t, n.internal+" is ready", func() bool { return status(n.internal+"/readyz") == http.StatusOK })
	}
	cross(t, nodes)
	return nodes
}

// cross opens a session on one node and polls it through another.
func cross(t *testing.T, nodes []node) {
	t.Helper()
	const query = "/socket.io/?EIO=4&transport=polling"
	sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(get(t, nodes[0].public+query))
	if sid == nil {
		t.Fatal("a handshake brought no sid")
	}
	resp, err := http.Post(nodes[1].public+query+"&sid="+sid[1], "text/plain", strings.NewReader("40"))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("a post through another node: %v, %v", resp, err)
	}
	resp.Body.Close()
	if got := get(t, nodes[1].public+query+"&sid="+sid[1]); !strings.HasPrefix(got, "40") {
		t.Fatalf("a poll through another node brought %q", got)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %q, %v", url, resp.StatusCode, body, err)
	}
	return string(body)
}

func status(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// families are the metrics of a running node, by name.
func families(t *testing.T, n node) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	out, err := parser.TextToMetricFamilies(strings.NewReader(get(t, n.internal+"/metrics")))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// prometheus is a running Prometheus that scrapes nodes as job gateway.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus runs until the test ends, with the alert rules evaluated as often as the
// nodes are scraped. It returns when it has scraped each node twice.
func startPrometheus(t *testing.T, nodes []node) prometheus {
	t.Helper()
	path := program(t, "prometheus")
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, n := range nodes {
		targets = append(targets, `"`+strings.TrimPrefix(n.internal, "http://")+`"`)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 500ms}
rule_files: [%q]
scrape_configs: [{job_name: gateway, static_configs: [{targets: [%s]}]}]
`, rules, strings.Join(targets, ", "))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	log := &strings.Builder{}
	cmd := exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus said:\n%s", log)
		}
	})
	p := prometheus{t, "http://" + address}
	await(t, "prometheus is ready", func() bool { return status(p.url+"/-/ready") == http.StatusOK })
	await(t, "two scrapes of each node", func() bool { // a rate needs them
		return p.query("count(count_over_time(gateway_build_info[1m]) >= 2) == 3").hasResult()
	})
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// answer is what Prometheus's API says.
type answer struct {
	Status, Error string
	Data          struct {
		Result []json.RawMessage
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
}

func (a answer) hasResult() bool { return len(a.Data.Result) > 0 }

func (p prometheus) query(expr string) answer {
	p.t.Helper()
	return p.ask("/api/v1/query?query=" + url.QueryEscape(expr))
}

func (p prometheus) ask(path string) (a answer) {
	p.t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
	return a
}
