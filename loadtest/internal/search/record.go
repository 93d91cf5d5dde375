package search

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Version is the form of the file. Fields are added, never renamed; it changes when a
// reader of the old form would be wrong.
const Version = 1

// How a search may have ended; else it says why it was given up.
const (
	Complete    = "complete"
	Interrupted = "interrupted"
	OutOfRuns   = "as many runs as --max-runs allows"
)

// Record is a whole search.
type Record struct {
	Version int       `json:"search_version"`
	Tool    string    `json:"tool"` // name and version of the program
	Command []string  `json:"command"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Ended   string    `json:"ended"`

	Vary      string  `json:"vary"` // rate or clients
	Unit      string  `json:"unit"` // of loads: messages/s
	From      float64 `json:"from"`
	To        float64 `json:"to"`
	Precision float64 `json:"precision"`
	Expect    string  `json:"expect"`
	// Metric and Quantile, such as delivery and p99, are what the first expectation about a
	// time is of, and Limit the seconds that it allows. Without one, Metric is empty and
	// Quantile p99.
	Metric   string  `json:"metric"`
	Quantile string  `json:"quantile"`
	Limit    float64 `json:"limit_seconds"`
	// MostRuns is how many runs there can be, and RunSeconds how long one is to take.
	MostRuns   int       `json:"most_runs"`
	RunSeconds float64   `json:"run_seconds"`
	Plan       plan.Plan `json:"plan"` // before its load is varied

	// Found is the highest load that met all expectations, and Failed the lowest that did
	// not. 0: there is none.
	Found  float64 `json:"found"`
	Failed float64 `json:"failed"`
	// Held: Failed is more than the load tool could make, and says nothing of the server.
	Held       bool     `json:"held"`
	Conclusion string   `json:"conclusion"`
	Warnings   []string `json:"warnings,omitempty"`
	Runs       []*Run   `json:"runs"`
}

// Run is one run of a search.
type Run struct {
	Load    float64 `json:"load"`
	Try     int     `json:"try"` // of this load, from 1
	Verdict Verdict `json:"verdict"`
	// Why is what else there is to know of a load that was not met: see Judge.
	Why string `json:"why,omitempty"`
	// Busy is the share of this machine's processors in use under load, by anything. -1: not
	// known.
	Busy   float64        `json:"machine_busy"`
	Result *result.Result `json:"result"`
}

// Write writes the record as JSON.
func (r *Record) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// WriteCSV writes a line for each run. Times are of deliveries, or else of acks, or else
// of connections; what is not known is empty.
func (r *Record) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"load", "try", "verdict", "p50_ms", "p99_ms", "max_ms", "published_per_s", "delivered_per_s", "acks_per_s", "connects_per_s", "server_cores", "tool_cores", "machine_busy"}}
	for _, run := range r.Runs {
		row := []string{strconv.FormatFloat(run.Load, 'f', -1, 64), strconv.Itoa(run.Try), string(run.Verdict)}
		_, h := MainLatency(run.Result)
		for _, q := range []float64{.5, .99, 1} {
			v := math.NaN()
			if h.Count() > 0 {
				v = float64(h.Quantile(q)) / float64(time.Millisecond)
			}
			row = append(row, decimal(v))
		}
		for _, name := range []string{"published_per_s", "delivered_per_s", "acks_per_s", "connects_per_s"} {
			row = append(row, decimal(run.Figure(name)))
		}
		rows = append(rows, append(row, decimal(run.ServerCores()), decimal(ToolCores(run.Result)), decimal(known(run.Busy))))
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

func decimal(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func known(v float64) float64 {
	if v < 0 {
		return math.NaN()
	}
	return v
}

// Figure is one of result.Figures of the run. NaN: not measured.
func (r *Run) Figure(name string) float64 {
	for _, f := range result.Figures {
		if f.Name == name {
			return f.Of(r.Result)
		}
	}
	return math.NaN()
}

// ServerCores is how many cores all servers used under load. NaN: not known.
func (r *Run) ServerCores() float64 { return r.Figure("cpu_percent") / 100 }

// Unmet are the expectations that were not met, with what was found.
func (r *Run) Unmet() (checks []result.Check) {
	for _, c := range r.Result.Checks {
		if !c.OK {
			checks = append(checks, c)
		}
	}
	return checks
}

// Latency is what the times of a run are looked at in: those of Metric, or else what the
// run is about.
func (r *Record) Latency(run *Run) *result.Histogram {
	for _, f := range result.LatencyFields {
		if f.Name == r.Metric {
			return *f.Of(&run.Result.Latency)
		}
	}
	_, h := MainLatency(run.Result)
	return h
}

// Share is Quantile as a number from 0 to 1.
func (r *Record) Share() float64 {
	for _, q := range result.Quantiles {
		if q.Name == r.Quantile {
			return q.Q
		}
	}
	return .99
}

// Of is the last run of a load, nil if there is none.
func (r *Record) Of(load float64) *Run {
	for i := len(r.Runs) - 1; i >= 0; i-- {
		if r.Runs[i].Load == load {
			return r.Runs[i]
		}
	}
	return nil
}

// Best is the run that says most: of the highest load that was met, or else the last.
// nil: there was none.
func (r *Record) Best() *Run {
	if best := r.Of(r.Found); best != nil {
		return best
	}
	if n := len(r.Runs); n > 0 {
		return r.Runs[n-1]
	}
	return nil
}
