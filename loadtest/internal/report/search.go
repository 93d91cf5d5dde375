package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/search"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// searchPart is what the page of a search has above the report of its best run.
type searchPart struct {
	Verdict  verdict
	Lead     string
	Expected []string
	Warnings []string
	Chart    *figure
	Head     searchRowText // names of columns that depend on the search
	Rows     []searchRowText
	Unit     string
	About    string // the heading of what is below
}

// Search writes the page of a search: what was found, all runs as a chart and a table, and
// the whole report of the best one. It fails only if w does.
func Search(w io.Writer, r *search.Record) error {
	res := &result.Result{Plan: r.Plan, Started: r.Started, Tool: r.Tool, Command: r.Command, Ended: r.Ended}
	part := searchPart{
		Verdict: searchVerdict(r), Unit: r.Unit,
		Lead: fmt.Sprintf("From %s to %s %s, to %s %%: the load is doubled until it is not met, then the distance is halved. A load that is not met is run once more, and is met if it then is.",
			result.Number(r.From), result.Number(r.To), r.Unit, show.Short(100*r.Precision)),
		Head: searchRowText{Quantile: strings.TrimSpace(r.Metric + " " + quantileLabel(r.Quantile)), Throughput: throughputName(r)},
	}
	for one := range strings.SplitSeq(r.Expect, ",") {
		part.Expected = append(part.Expected, show.Visible(strings.TrimSpace(one), 200))
	}
	for _, s := range r.Warnings {
		part.Warnings = append(part.Warnings, show.Visible(s, 600))
	}
	for i := range r.Runs {
		part.Rows = append(part.Rows, searchRowOf(r, i))
	}
	if c := searchChart(r); c != nil {
		f := c.draw()
		part.Chart = &f
	}
	if best := r.Best(); best != nil {
		res = best.Result
		part.About = fmt.Sprintf("Run %d: %s %s", slices.Index(r.Runs, best)+1, result.Number(best.Load), r.Unit)
	}
	return writePage(w, res, &part)
}

// quantileLabel is p99.9 of p999, and so on.
func quantileLabel(name string) string {
	if len(name) > 3 && name[0] == 'p' {
		return name[:3] + "." + name[3:]
	}
	return name
}

func searchVerdict(r *search.Record) verdict {
	v := verdict{State: "pass", Word: result.Number(r.Found) + " " + r.Unit, Reason: show.Visible(sentence(r), 1000)}
	switch {
	case r.Found > 0 && (r.Held || r.Ended != search.Complete):
		v.State = "broken"
	case r.Found > 0:
	case r.Held || r.Failed == 0:
		v.State, v.Word = "broken", "Nothing found"
	default:
		v.State, v.Word = "fail", "Not even "+result.Number(r.Failed)+" "+r.Unit
	}
	return v
}

// searchChart is the time that is looked at, by the load, a mark for each run.
func searchChart(r *search.Record) *chart {
	runs := slices.Clone(r.Runs)
	runs = slices.DeleteFunc(runs, func(run *search.Run) bool { return r.Latency(run).Count() == 0 })
	if len(runs) == 0 {
		return nil
	}
	slices.SortStableFunc(runs, func(a, b *search.Run) int { return int(math.Copysign(1, a.Load-b.Load)) })
	c := &chart{
		title: fmt.Sprintf("%s by load", measured(r)), note: "A mark for each run. Both scales are logarithmic.",
		moment: func(x float64) string { return result.Number(x) + " " + r.Unit },
	}
	marks := []series{{name: "met", colour: 1, mark: "met"}, {name: "not met", colour: 4, mark: "unmet"}, {name: "held up by the load tool", colour: 7, mark: "held"}}
	least, most := math.Inf(1), 0.0
	for _, run := range runs {
		c.at = append(c.at, run.Load)
		ms := math.Max(milliseconds(r.Latency(run).Quantile(r.Share())), .001)
		least, most = math.Min(least, ms), math.Max(most, ms)
		for i, v := range []search.Verdict{search.Met, search.Unmet, search.Held} {
			y := math.NaN()
			if run.Verdict == v {
				y = ms
			}
			marks[i].values = append(marks[i].values, y)
			marks[i].show = latencyValue
		}
	}
	for _, s := range marks {
		c.add(s)
	}
	if r.Limit > 0 {
		c.limit = &tick{label: "allowed: " + latencyLabel(1000*r.Limit)}
		least, most = math.Min(least, 1000*r.Limit), math.Max(most, 1000*r.Limit)
	}
	c.y = decades(least, most*1.2, latencyLabel)
	if c.limit != nil {
		c.limit.at = c.y.place(1000 * r.Limit)
	}
	c.x = around(runs[0].Load, runs[len(runs)-1].Load)
	return c
}

// measured is what the chart is of, such as Delivery p99.
func measured(r *search.Record) string {
	name, _ := search.MainLatency(r.Runs[0].Result)
	if r.Metric != "" {
		name = r.Metric
	}
	return strings.ToUpper(name[:1]) + name[1:] + " " + quantileLabel(r.Quantile)
}

// around is a logarithmic scale with some room on both sides of what is on it.
func around(least, most float64) scale {
	room := math.Max(math.Pow(most/least, .05), 1.05)
	s := scale{min: least / room, max: most * room, log: true}
	marks := []float64{1, 2, 5}
	if s.max/s.min < 6 {
		marks = []float64{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8}
	}
	for e := math.Floor(math.Log10(s.min)); e <= math.Log10(s.max); e++ {
		for _, m := range marks {
			if v := m * math.Pow(10, e); v >= s.min && v <= s.max {
				s.ticks = append(s.ticks, tick{s.place(v), show.Short(v)})
			}
		}
	}
	if len(s.ticks) == 0 {
		s.ticks = []tick{{s.place(least), show.Short(least)}, {s.place(most), show.Short(most)}}
	}
	return s
}
