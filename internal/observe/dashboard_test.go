package observe

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the dashboard")

const dashboardFile = "../../deploy/grafana/dashboards/causeway.json"

// board is what these tests look at of the file that Grafana reads.
type board struct {
	UID, Title  string
	Templating  struct{ List []struct{ Name string } }
	Annotations struct {
		List []struct{ Name, Expr string }
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Datasource               struct{ UID string }
		FieldConfig              struct{ Defaults struct{ Unit string } }
		Targets                  []struct{ Expr, LegendFormat string }
	}
}

func readBoard(t *testing.T) (b board) {
	t.Helper()
	want, err := Dashboard()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(dashboardFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the dashboard is not what this package makes: go test ./internal/observe -run Dashboard -update")
	}
	if err := json.Unmarshal(got, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDashboardFitsTheGrid(t *testing.T) {
	b := readBoard(t)
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range b.Panels {
		g := p.GridPos
		if g.X < 0 || g.W < 1 || g.H < 1 || g.X+g.W > columns {
			t.Errorf("%s: %+v is not on the grid", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: id %d is another panel's", p.Title, p.ID)
		}
		ids[p.ID] = true
	}
}

func TestDashboardPanelsSayWhatTheyShow(t *testing.T) {
	b := readBoard(t)
	titles := map[string]bool{}
	for _, p := range b.Panels {
		if p.Title == "" || titles[p.Title] {
			t.Errorf("%q: no title, or another panel's", p.Title)
		}
		titles[p.Title] = true
		if p.Type == "row" {
			continue
		}
		if !slices.Contains([]string{"stat", "timeseries"}, p.Type) { // graph and singlestat are no more
			t.Errorf("%s is a %s", p.Title, p.Type)
		}
		if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("%s lacks a description, a unit, the datasource or a query: %+v", p.Title, p)
		}
		for _, q := range p.Targets {
			if p.Type == "timeseries" && q.LegendFormat == "" {
				t.Errorf("%s: %s has no legend", p.Title, q.Expr)
			}
			if strings.Contains(q.Expr, "_total") && !strings.Contains(q.Expr, "rate(") && !strings.Contains(q.Expr, "increase(") {
				t.Errorf("%s: %s shows a counter as it stands", p.Title, q.Expr)
			}
		}
	}
	for i, want := range []string{"datasource", "job", "instance"} {
		if len(b.Templating.List) <= i || b.Templating.List[i].Name != want {
			t.Errorf("variables are %v", b.Templating.List)
			break
		}
	}
}

var label = regexp.MustCompile(`\{\{(\w+)\}\}`)

// TestDashboardShowsMetricsThatThereAre asks a Prometheus that has scraped a cluster with
// each expression.
func TestDashboardShowsMetricsThatThereAre(t *testing.T) {
	b := readBoard(t)
	nodes := startNodes(t)
	known := families(t, nodes[1])
	p := startPrometheus(t, nodes)
	chosen := strings.NewReplacer(`$job`, "gateway", `$instance`, ".*", "$__rate_interval", "1m")
	ask := func(title, expr, legend string) (found bool) {
		expr = chosen.Replace(expr)
		for _, m := range mistakes(expr, known) {
			t.Errorf("%s: %s", title, m)
		}
		a := p.query(expr)
		if a.Status != "success" {
			t.Errorf("%s: %s: %s", title, expr, a.Error)
		}
		for _, m := range label.FindAllStringSubmatch(legend, -1) {
			for _, result := range a.Data.Result {
				if !bytes.Contains(result, []byte(`"`+m[1]+`":`)) {
					t.Errorf("%s: a result of %s has no label %s for the legend", title, expr, m[1])
				}
			}
		}
		return a.hasResult()
	}
	for _, panel := range b.Panels {
		for _, q := range panel.Targets {
			if !ask(panel.Title, q.Expr, q.LegendFormat) {
				t.Errorf("%s: %s has no result", panel.Title, q.Expr)
			}
		}
	}
	for _, a := range b.Annotations.List {
		ask(a.Name, a.Expr, "")
	}
}
