package compare

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Noise is the ratio up to which two figures are taken to be the same: a twentieth, as
// machines are not quieter than that.
const Noise = 1.05

// Mark says how B is, seen from A.
type Mark string

// The marks. Same is within Noise, or not to be judged.
const (
	Same   Mark = ""
	Better Mark = "better"
	Worse  Mark = "worse"
)

// Row is one figure of both.
type Row struct {
	Name  string
	A, B  string
	Ratio float64 // B by A; NaN or 0 if there is none
	Mark  Mark
}

// Section is figures of one kind.
type Section struct {
	Title string
	Rows  []Row
}

// Comparison is two results side by side.
type Comparison struct {
	A, B string // what they are called
	// Reasons are why the two should not be compared. nil: they may be.
	Reasons  []string
	Sections []Section // those that have rows
}

// Compare puts a and b, which are called so, side by side.
func Compare(a, b *result.Result, nameA, nameB string) *Comparison {
	c := &Comparison{A: nameA, B: nameB}
	config, reasons := configuration(a.Plan, b.Plan)
	machines, otherMachine := machine(a.Machine, b.Machine)
	c.Reasons = slices.Concat(reasons, otherMachine, incomplete(nameA, a), incomplete(nameB, b))
	c.add("configuration, where it differs", append(config, machines...))
	c.add("verdict", verdicts(a, b))
	c.add("throughput, in the phases of load", figures(a, b, "/s"))
	for _, f := range result.LatencyFields {
		c.add(f.Name+" times", times(*f.Of(&a.Latency), *f.Of(&b.Latency)))
	}
	c.add("messages: deliveries that went wrong", audits(a, b))
	c.add("connections and requests that went wrong", failures(a, b))
	c.add("errors", errorClasses(a, b))
	c.add("servers", append(figures(a, b, "µs", "%", "KiB", "B"), servers(a, b)...))
	return c
}

func (c *Comparison) add(title string, rows []Row) {
	if len(rows) > 0 {
		c.Sections = append(c.Sections, Section{title, rows})
	}
}

func verdicts(a, b *result.Result) []Row {
	var rows []Row
	for _, check := range a.Checks {
		other := slices.IndexFunc(b.Checks, func(o result.Check) bool { return o.Text == check.Text })
		if other >= 0 {
			r := Row{Name: check.Text, A: outcome(check), B: outcome(b.Checks[other])}
			r.Mark = judge(truth(check.OK), truth(b.Checks[other].OK), 1)
			rows = append(rows, r)
		}
	}
	return rows
}

func outcome(c result.Check) string {
	if c.OK {
		return "met: " + c.Found
	}
	return "NOT met: " + c.Found
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// figures are those of result.Figures in one of the units that at least one result has,
// and that are not 0 in both.
func figures(a, b *result.Result, units ...string) []Row {
	var rows []Row
	for _, f := range result.Figures {
		if !slices.Contains(units, f.Unit) {
			continue
		}
		x, y := f.Of(a), f.Of(b)
		if known(x) || known(y) {
			rows = append(rows, row(f.Name, x, y, f.Better, result.Number))
		}
	}
	return rows
}

func known(v float64) bool { return !math.IsNaN(v) && v != 0 }

// row compares two figures. better is 1 if more is better, -1 if less is, and 0 if
// neither.
func row(name string, a, b float64, better int, text func(float64) string) Row {
	return Row{Name: name, A: text(a), B: text(b), Ratio: b / a, Mark: judge(a, b, better)}
}

func judge(a, b float64, better int) Mark {
	switch {
	case math.IsNaN(a) || math.IsNaN(b) || better == 0 || b <= a*Noise && a <= b*Noise:
		return Same
	case (b > a) == (better > 0):
		return Better
	}
	return Worse
}

func times(a, b *result.Histogram) []Row {
	if a.Count() == 0 && b.Count() == 0 {
		return nil
	}
	rows := []Row{row("number", float64(a.Count()), float64(b.Count()), 0, result.Number)}
	for _, q := range result.Quantiles {
		r := row(q.Name, quantile(a, q.Q), quantile(b, q.Q), -1, duration)
		if !enough(a, q.Q) || !enough(b, q.Q) {
			r.Mark = Same
		}
		rows = append(rows, r)
	}
	return rows
}

// enough is whether a quantile of h is another figure than its longest time, of which
// one bad moment makes what it likes.
func enough(h *result.Histogram, q float64) bool {
	return q < 1 && float64(h.Count())*(1-q) >= 1
}

// quantile is in seconds. NaN if there is none.
func quantile(h *result.Histogram, q float64) float64 {
	if h.Count() == 0 {
		return math.NaN()
	}
	return h.Quantile(q).Seconds()
}

func duration(seconds float64) string {
	if math.IsNaN(seconds) {
		return result.Number(seconds)
	}
	return result.Time(time.Duration(math.Round(seconds * float64(time.Second))))
}

// wrong are the fields that count what should not have happened.
var wrong = []string{
	"lost", "gap", "absent", "duplicated", "reordered", "corrupted", "after_leaving", "unknown",
	"connect_errors", "disconnects", "slow_closed", "reconnect_errors", "refused", "unsent", "ack_timeouts",
}

// audits are shares of what was due, so that runs of different lengths can be compared.
func audits(a, b *result.Result) []Row {
	var rows []Row
	if a.Audit.Due > 0 || b.Audit.Due > 0 {
		rows = append(rows, row("due", float64(a.Audit.Due), float64(b.Audit.Due), 0, result.Number))
	}
	for _, f := range result.SumFields {
		rows = failure(rows, f.Name, a, *f.Of(&a.Audit), b, *f.Of(&b.Audit))
	}
	return rows
}

func failures(a, b *result.Result) []Row {
	var rows []Row
	for _, f := range result.CountFields {
		rows = failure(rows, f.Name, a, *f.Of(&a.Counts), b, *f.Of(&b.Counts))
	}
	return rows
}

// failure adds a row of what should not have happened, unless it happened in neither.
// Mark and ratio are of the shares where there are any.
func failure(rows []Row, name string, a *result.Result, nA int64, b *result.Result, nB int64) []Row {
	if !slices.Contains(wrong, name) || nA == 0 && nB == 0 {
		return rows
	}
	whole, shared := result.Denominators[name]
	if !shared {
		return append(rows, row(name, float64(nA), float64(nB), -1, result.Number))
	}
	ofA, ofB := whole.Of(a), whole.Of(b)
	x, y := float64(nA)/float64(ofA), float64(nB)/float64(ofB)
	return append(rows, Row{Name: name, A: part(nA, ofA), B: part(nB, ofB), Ratio: y / x, Mark: judge(x, y, -1)})
}

func part(n, all int64) string {
	if n == 0 || all == 0 {
		return result.Whole(n)
	}
	return fmt.Sprintf("%s (%s)", result.Whole(n), result.Percent(n, all))
}

// errorClasses are those of A, in their order, and then those that only B has.
func errorClasses(a, b *result.Result) []Row {
	counts := func(of []result.ErrorClass, class string) float64 {
		for _, e := range of {
			if e.Class == class {
				return float64(e.Count)
			}
		}
		return 0
	}
	var rows []Row
	for _, e := range slices.Concat(a.Errors, b.Errors) {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.Name == e.Class }) {
			rows = append(rows, row(e.Class, counts(a.Errors, e.Class), counts(b.Errors, e.Class), -1, result.Number))
		}
	}
	return rows
}

// servers are their memory at the end of the load.
func servers(a, b *result.Result) []Row {
	if len(a.Servers) == 0 && len(b.Servers) == 0 {
		return nil
	}
	rows := []Row{row("number of servers", float64(len(a.Servers)), float64(len(b.Servers)), 0, result.Number)}
	x, y := memory(a), memory(b)
	if known(x) || known(y) {
		rows = append(rows, row("memory at the end of the load, MiB", x, y, -1, result.Number))
	}
	return rows
}

// memory is that of all servers, in MiB. NaN if that of one is missing.
func memory(r *result.Result) float64 {
	p, _ := r.Over(r.Loaded())
	if len(p.Servers) == 0 {
		return math.NaN()
	}
	var sum float64
	for _, u := range p.Servers {
		if u.ResidentBytes < 0 {
			return math.NaN()
		}
		sum += float64(u.ResidentBytes)
	}
	return sum / (1 << 20)
}
