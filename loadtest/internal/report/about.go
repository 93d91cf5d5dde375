package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// fact is a name and what belongs to it.
type fact struct{ Name, Value string }

// title says what was tested with what.
func title(res *result.Result) string {
	names := []string{}
	for _, g := range res.Plan.Groups {
		name := g.Scenario
		if g.Name != "" && g.Name != g.Scenario {
			name = g.Name + " (" + g.Scenario + ")"
		}
		names = append(names, show.Visible(name, 60))
	}
	return strings.Join(names, ", ")
}

// targets are the servers' addresses.
func targets(res *result.Result) string {
	var all []string
	for i, u := range res.Plan.URLs {
		if i == 4 && len(res.Plan.URLs) > 5 {
			all = append(all, fmt.Sprintf("and %d more", len(res.Plan.URLs)-i))
			break
		}
		all = append(all, show.Visible(show.Address(u), 120))
	}
	return strings.Join(all, ", ")
}

// about is where and when it was.
func about(res *result.Result) []fact {
	m := res.Machine
	from := machineOf(m)
	if n := len(res.Workers); n > 0 {
		from = count(int64(n), "worker, directed from ", "workers, directed from ") + from
	}
	facts := []fact{
		{"Servers", targets(res)},
		{"Started", res.Started.UTC().Format("2006-01-02 15:04:05 UTC")},
		{"Ran for", show.Clock(res.Seconds)},
		{"Load came from", from},
		{"System", show.Visible(fmt.Sprintf("%s/%s, %s", m.OS, m.Arch, m.Go), 200)},
		{"Program", show.Visible(res.Tool, 120)},
	}
	if res.Plan.Expect != "" {
		facts = append(facts, fact{"Expected", show.Visible(strings.ReplaceAll(res.Plan.Expect, ",", ", "), 500)})
	}
	return facts
}

// machineOf is what a machine has.
func machineOf(m result.Machine) string {
	if m == (result.Machine{}) {
		return show.Missing
	}
	return show.Visible(fmt.Sprintf("%s, %d cores, %s", orUnknown(m.CPU), m.Cores, show.Bytes(m.Bytes)), 200)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown processor"
	}
	return s
}

// groupRow is what one group of clients did.
type groupRow struct{ Name, Scenario, Clients, Transport, Rooms, Load, Payload string }

func groupRows(p plan.Plan) []groupRow {
	var rows []groupRow
	for _, g := range p.Groups {
		rows = append(rows, groupRow{
			Name: show.Visible(g.Name, 60), Scenario: show.Visible(g.Scenario, 60), Clients: clientsOf(g),
			Transport: show.Visible(strings.Join(g.Transport, ", "), 80), Rooms: roomsOf(g), Load: loadOf(g), Payload: distribution(g.Payload, " bytes"),
		})
	}
	return rows
}

func clientsOf(g plan.Group) string {
	if g.Arrivals > 0 {
		return result.Number(g.Arrivals) + " arrive a second, stay " + distribution(g.Stay, " s")
	}
	return result.Whole(int64(g.Clients))
}

func roomsOf(g plan.Group) string {
	switch {
	case g.Rooms == 0:
		return "none"
	case g.RoomsEach > 1:
		return fmt.Sprintf("%s, %d each", result.Whole(int64(g.Rooms)), g.RoomsEach)
	}
	return result.Whole(int64(g.Rooms))
}

// loadOf is what a group does, in words.
func loadOf(g plan.Group) string {
	var parts []string
	who := "the members publish "
	if g.Publishers > 0 {
		who = count(int64(g.Publishers), "publisher: ", "publishers: ")
	}
	switch {
	case g.Rate > 0:
		parts = append(parts, who+result.Number(g.Rate)+" messages/s, open loop")
	case g.Window > 0:
		parts = append(parts, who+fmt.Sprintf("closed loop, %d on the way", g.Window))
	}
	switch {
	case g.RequestRate > 0:
		parts = append(parts, result.Number(g.RequestRate)+" requests/s, open loop")
	case g.Requests:
		parts = append(parts, "requests one after the other, "+distribution(g.Think, " s")+" apart")
	}
	if g.Cut.Share > 0 {
		parts = append(parts, fmt.Sprintf("%s %% cut every %s for %s", show.Short(g.Cut.Share*100), g.Cut.Every, g.Cut.For))
	}
	if g.Slow.Share > 0 {
		parts = append(parts, fmt.Sprintf("%s %% read %s/s", show.Short(g.Slow.Share*100), show.Bytes(int64(g.Slow.BytesPerSecond))))
	}
	if len(parts) == 0 {
		return "stay connected"
	}
	return strings.Join(parts, "; ")
}

// distribution writes a distribution in words, 0 as a dash.
func distribution(d plan.Dist, unit string) string {
	a, b := show.Short(d.A), show.Short(d.B)
	switch d.Kind {
	case "constant":
		return a + unit
	case "uniform":
		return a + " to " + b + unit
	case "normal":
		return a + " ± " + b + unit
	case "exponential":
		return "exponential, mean " + a + unit
	case "mix":
		return fmt.Sprintf("mix of %d", len(d.Mix))
	}
	return show.Missing
}

// planText is the plan as a file that the load tool reads, without secrets.
func planText(p plan.Plan) string {
	p.Header, p.Auth = hiddenHeader(p.Header), hiddenAuth(p.Auth)
	urls := make([]string, len(p.URLs))
	for i, u := range p.URLs {
		urls[i] = show.Address(u)
	}
	p.URLs = urls
	b, err := yaml.Marshal(p)
	if err != nil {
		return "The plan cannot be written: " + err.Error()
	}
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		lines[i] = show.Visible(line, 1000)
	}
	return strings.Join(lines, "\n")
}

func hiddenHeader(h map[string]string) map[string]string {
	hidden := make(map[string]string, len(h))
	for k := range h {
		hidden[k] = "..."
	}
	return hidden
}

func hiddenAuth(a map[string]any) map[string]any {
	hidden := make(map[string]any, len(a))
	for k := range a {
		hidden[k] = "..."
	}
	return hidden
}

func secondsOf(s float64) time.Duration {
	return time.Duration(math.Round(math.Min(s, 1e9) * 1e9))
}
