package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/search"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// searchRow is a line of the table of runs: number, load, verdict, two times, throughput,
// and the cores that the servers and this program used.
const searchRow = "%4s%13s  %-14s%9s%10s%14s%8s%6s"

// SearchBegin writes for a terminal what a search is going to do. Like Text, it and the
// others of a search write at most 80 columns of ASCII without colours, and fail only if w
// does.
func SearchBegin(w io.Writer, r *search.Record) error {
	s := &summary{}
	s.line("")
	s.paragraph("", fmt.Sprintf("How many %s %s bears with %s: from %s to %s, to %s %%.", r.Unit, searched(r),
		strings.ReplaceAll(r.Expect, ",", ", "), result.Number(r.From), result.Number(r.To), show.Short(100*r.Precision)))
	s.paragraph("", fmt.Sprintf("At most %s of %s: %s, besides what connecting and resting takes.", count(int64(r.MostRuns), "run", "runs"),
		duration(r.RunSeconds), duration(r.RunSeconds*float64(r.MostRuns))))
	s.wrapped("Warning: ", r.Warnings)
	_, err := io.WriteString(w, s.String())
	return err
}

// searched is what a search is of.
func searched(r *search.Record) string {
	subject := &result.Result{Plan: r.Plan}
	return title(subject) + " on " + orDash(targets(subject))
}

// duration writes seconds for people who wait: 90 s, 12 min, 1 h 20 min.
func duration(seconds float64) string {
	switch minutes := int(math.Ceil(seconds / 60)); {
	case seconds < 100:
		return result.Number(seconds) + " s"
	case minutes < 100:
		return strconv.Itoa(minutes) + " min"
	default:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
}

// SearchRun writes what came of the last run: a line, and below it what was not met. The
// first has the table's head above it.
func SearchRun(w io.Writer, r *search.Record) error {
	s := &summary{}
	if len(r.Runs) == 1 {
		unit := r.Unit
		if len(unit) > 12 {
			unit = "load"
		}
		s.line("")
		s.line(searchRow, "run", unit, "verdict", "p50", quantileLabel(r.Quantile), throughputName(r), "server", "tool")
	}
	row := searchRowOf(r, len(r.Runs)-1)
	word := strings.ToUpper(row.Verdict)
	if r.Runs[len(r.Runs)-1].Verdict == search.Met {
		word = row.Verdict
	}
	s.line(searchRow, row.Number, row.Load, word, row.P50, row.Quantile, row.Throughput, row.Server, row.Tool)
	for _, reason := range row.Reasons {
		s.paragraph("                   ", reason)
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// SearchEnd writes what all runs come to.
func SearchEnd(w io.Writer, r *search.Record) error {
	s := &summary{}
	s.line("")
	s.wrapped("Warning: ", r.Warnings)
	s.paragraph("", sentence(r))
	_, err := io.WriteString(w, s.String())
	return err
}

// sentence is the conclusion with a capital and a full stop.
func sentence(r *search.Record) string {
	if r.Conclusion == "" {
		return ""
	}
	return strings.ToUpper(r.Conclusion[:1]) + r.Conclusion[1:] + "."
}

// searchRowText is a run as a table shows it.
type searchRowText struct {
	Number, Load, Verdict                   string
	P50, Quantile, Throughput, Server, Tool string
	Reasons                                 []string
	State                                   string // good, bad or held
	Best                                    bool
}

// searchRowOf is run number i, from 0.
func searchRowOf(r *search.Record, i int) searchRowText {
	run := r.Runs[i]
	row := searchRowText{
		Number: strconv.Itoa(i + 1), Load: result.Number(run.Load), Verdict: string(run.Verdict),
		Throughput: result.Number(run.Figure(throughputFigure(r))), Server: coresText(run.ServerCores()), Tool: coresText(search.ToolCores(run.Result)),
		State: map[search.Verdict]string{search.Met: "good", search.Unmet: "bad", search.Held: "held"}[run.Verdict], Best: run == r.Best() && r.Found > 0,
	}
	if run.Try > 1 {
		row.Verdict += ", again"
	}
	h := r.Latency(run)
	row.P50, row.Quantile = timeOf(h, .5), timeOf(h, r.Share())
	if run.Verdict != search.Met {
		for _, reason := range append(run.Failures(), run.Why) {
			if reason != "" {
				row.Reasons = append(row.Reasons, show.Visible(reason, 300))
			}
		}
	}
	return row
}

func coresText(cores float64) string {
	if math.IsNaN(cores) {
		return show.Missing
	}
	return strconv.FormatFloat(cores, 'f', 2, 64)
}

// throughputFigure is what the load of a search makes the server do.
func throughputFigure(r *search.Record) string {
	for _, figure := range []string{"delivered_per_s", "acks_per_s"} {
		for _, g := range r.Plan.Groups {
			if figure == "delivered_per_s" && g.Rooms > 0 || figure == "acks_per_s" && g.Requests {
				return figure
			}
		}
	}
	return "connects_per_s"
}

func throughputName(r *search.Record) string {
	return map[string]string{"delivered_per_s": "deliveries/s", "acks_per_s": "answers/s", "connects_per_s": "connects/s"}[throughputFigure(r)]
}
