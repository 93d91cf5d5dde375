package deploy

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// startGateway starts a cluster of two nodes in one process, and returns the URL of the
// first one's internal listener.
func startGateway(t *testing.T) (internal string) {
	t.Helper()
	cmd := exec.Command(program, "--dev", "--nodes=2", "--listen=127.0.0.1:0", "--internal-listen=127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		watchdog.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	found := regexp.MustCompile(`internal (http://\S+),`).FindStringSubmatch(line)
	if err != nil || found == nil {
		t.Fatalf("the gateway said %q, %v", line, err)
	}
	eventually(t, 20*time.Second, "the gateway to be ready", func() bool { return get(t, found[1]+"/readyz", nil) == http.StatusOK })
	return found[1]
}

// eventually waits until a condition holds.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

// knownMetrics are the names of all metrics that a node has.
func knownMetrics(t *testing.T) map[string]bool {
	t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(startGateway(t) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		names[m[1]] = true
		if m[2] == "histogram" {
			names[m[1]+"_bucket"], names[m[1]+"_sum"], names[m[1]+"_count"] = true, true, true
		}
	}
	return names
}

func TestPrometheusFindsTheInternalPort(t *testing.T) {
	m := built(t, "overlays/production")
	monitor := one[monitoringv1.ServiceMonitor](t, m, "gateway").Spec
	selector := labels.SelectorFromSet(monitor.Selector.MatchLabels)
	found := 0
	for _, s := range all[corev1.Service](m) {
		if !selector.Matches(labels.Set(s.Labels)) {
			continue
		}
		found++
		for _, e := range monitor.Endpoints {
			if !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == e.Port }) {
				t.Errorf("Service %s has no port %s", s.Name, e.Port)
			}
		}
		if job := s.Labels[monitor.JobLabel]; job != "gateway" {
			t.Errorf("the job is %q, the alert rules want gateway", job)
		}
	}
	if found != 1 {
		t.Errorf("%d Services match: each node would be scraped as often", found)
	}
	internal := startGateway(t)
	for _, e := range monitor.Endpoints {
		if status := get(t, internal+e.Path, nil); status != http.StatusOK {
			t.Errorf("GET %s: %d", e.Path, status)
		}
	}
}

// Both forms of the alert rules say the same. What they go by is compared with a running
// cluster in internal/observe.
func TestAlertRulesAreTheSameEverywhere(t *testing.T) {
	var plain struct {
		Groups []monitoringv1.RuleGroup `json:"groups"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/prometheus/rules.yml")), &plain); err != nil {
		t.Fatal(err)
	}
	operator := one[monitoringv1.PrometheusRule](t, built(t, "overlays/production"), "gateway").Spec.Groups
	if len(plain.Groups) == 0 || !reflect.DeepEqual(plain.Groups, operator) {
		t.Error("prometheusrule.yaml has other groups than rules.yml: copy them, two spaces further in")
	}
}
