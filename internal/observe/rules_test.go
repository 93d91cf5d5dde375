package observe

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	rulesFile = "../../deploy/prometheus/rules.yml"
	rulesTest = "../../deploy/prometheus/rules_test.yml"
	runbook   = "https://github.com/causeway-rt/causeway/blob/main/docs/alerts.md#"
)

type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) (rules []rule) {
	t.Helper()
	raw, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	if len(rules) == 0 {
		t.Fatal("no rules")
	}
	return rules
}

func TestAlertsFireWhenTheyShouldAndOnlyThen(t *testing.T) {
	promtool := program(t, "promtool")
	for _, args := range [][]string{{"check", "rules", filepath.Base(rulesFile)}, {"test", "rules", filepath.Base(rulesTest)}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = filepath.Dir(rulesFile)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestEveryAlertIsTested looks for both: a moment at which it fires, and one at which it
// does not.
func TestEveryAlertIsTested(t *testing.T) {
	raw, err := os.ReadFile(rulesTest)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string `yaml:"alertname"`
				ExpAlerts []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, moment := range test.AlertRuleTest {
			if len(moment.ExpAlerts) > 0 {
				fires[moment.Alertname] = true
			} else {
				silent[moment.Alertname] = true
			}
		}
	}
	for _, r := range readRules(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: fires in a test: %v, is silent in one: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	raw, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(raw), "\n## ")
	sections := map[string]string{}
	for section := range strings.SplitSeq(page, "\n## ") {
		name, text, _ := strings.Cut(section, "\n")
		sections[name] = text
	}
	var alerts []string
	for _, r := range readRules(t) {
		alerts = append(alerts, r.Alert)
		for _, name := range []string{"summary", "description"} {
			if r.Annotations[name] == "" {
				t.Errorf("%s has no %s", r.Alert, name)
			}
		}
		if want := runbook + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity is %q", r.Alert, s)
		}
		for _, part := range []string{"**Means:**", "**Look at:**", "**Do:**"} {
			if !strings.Contains(sections[r.Alert], part) {
				t.Errorf("docs/alerts.md: the section of %s lacks %s", r.Alert, part)
			}
		}
	}
	for name := range sections {
		if strings.HasPrefix(name, "Gateway") && !slices.Contains(alerts, name) {
			t.Errorf("docs/alerts.md tells of %s, which there is not", name)
		}
	}
}

// TestAlertsSpeakOfMetricsThatThereAre has a Prometheus evaluate them against a cluster
// with which all is well.
func TestAlertsSpeakOfMetricsThatThereAre(t *testing.T) {
	nodes := startNodes(t)
	rules := readRules(t)
	known := families(t, nodes[1])
	for _, r := range rules {
		for _, m := range mistakes(r.Expr, known) {
			t.Errorf("%s: %s", r.Alert, m)
		}
	}
	p := startPrometheus(t, nodes)
	evaluated := func() (n int, pending []string) {
		for _, g := range p.ask("/api/v1/rules").Data.Groups {
			for _, r := range g.Rules {
				switch r.Health {
				case "ok":
					n++
				case "err":
					t.Fatalf("%s: %s", r.Name, r.LastError)
				}
				if r.State != "inactive" {
					pending = append(pending, r.Name+" is "+r.State)
				}
			}
		}
		return n, pending
	}
	await(t, "every rule is evaluated", func() bool { n, _ := evaluated(); return n == len(rules) })
	if _, pending := evaluated(); len(pending) > 0 {
		t.Errorf("all is well, and %v", pending)
	}
}
