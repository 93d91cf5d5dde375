package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// keyFigure is one of the large numbers on top. They stand in rows.
type keyFigure struct {
	Name, Value, Note string
	Bad               bool
}

func keyFigures(res *result.Result) [][]keyFigure {
	figures := []keyFigure{clientsFigure(res)}
	if rate, peak := deliveryRate(res); rate > 0 {
		figures = append(figures, keyFigure{Name: "Deliveries per second", Value: result.Number(rate),
			Note: "under load; at most " + result.Number(peak)})
	}
	name, h := mainLatency(res.Latency)
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", .5}, {"p99", .99}, {"p99.99", .9999}} {
		f := keyFigure{Name: name + " " + q.name, Value: show.Missing}
		if h.Count() > 0 {
			f.Value = result.Time(h.Quantile(q.q))
		}
		if few(h, q.q) {
			f.Note = "of only " + result.Whole(h.Count())
		}
		figures = append(figures, f)
	}
	if res.Audit.Published == 0 && res.Audit.Unknown == 0 {
		return [][]keyFigure{figures}
	}
	a := res.Audit
	var wrong []keyFigure
	for _, f := range []struct {
		name string
		n    int64
	}{{"Lost", a.Lost}, {"Duplicated", a.Duplicated}, {"Reordered", a.Reordered}, {"Corrupted", a.Corrupted}} {
		wrong = append(wrong, keyFigure{Name: f.name, Value: result.Whole(f.n), Bad: f.n > 0})
	}
	return [][]keyFigure{figures, wrong}
}

func clientsFigure(res *result.Result) keyFigure {
	open, wanted := most(res.Intervals)
	f := keyFigure{Name: "Clients at most", Value: result.Whole(open)}
	if open < wanted {
		f.Note, f.Bad = "of "+result.Whole(wanted)+" wanted", true
	} else if res.Counts.ConnectErrors > 0 {
		f.Note = result.Whole(res.Counts.ConnectErrors) + " attempts failed"
	}
	return f
}

// most is the highest number of open connections, and of wanted ones.
func most(intervals []result.Interval) (open, wanted int64) {
	for i := range intervals {
		open, wanted = max(open, intervals[i].Open), max(wanted, intervals[i].Wanted)
	}
	return open, wanted
}

// deliveryRate is the mean over the phases that count, as everywhere, and the highest
// of one interval.
func deliveryRate(res *result.Result) (mean, peak float64) {
	whole := wholeInterval(res.Intervals)
	for i := range res.Intervals {
		if iv := &res.Intervals[i]; iv.To > iv.From && iv.To-iv.From >= whole {
			peak = math.Max(peak, float64(iv.Audit.Delivered)/(iv.To-iv.From))
		}
	}
	return figureOf(res, "delivered_per_s"), peak
}

// figureOf is one of result.Figures, NaN if there is none of that name.
func figureOf(res *result.Result, name string) float64 {
	for _, f := range result.Figures {
		if f.Name == name {
			return f.Of(res)
		}
	}
	return math.NaN()
}

// mainLatency is what the test was about: deliveries, or else acks, or else connections.
func mainLatency(l result.Latency) (string, *result.Histogram) {
	switch {
	case l.Delivery.Count() > 0:
		return "Delivery", l.Delivery
	case l.Ack.Count() > 0:
		return "Ack", l.Ack
	case l.Connect.Count() > 0:
		return "Connect", l.Connect
	}
	return "Delivery", nil
}

// few says that less than ten measurements lie above a quantile, so that chance
// decides where it is.
func few(h *result.Histogram, q float64) bool {
	return h.Count() > 0 && q < 1 && float64(h.Count())*(1-q) < 9.99
}

// auditRow is a line of the audit's table.
type auditRow struct {
	Name, Count, Share, Meaning string
	State                       string // good, bad, sum or none
}

// balance is what was due, divided without rest.
func balance(res *result.Result) []auditRow {
	a := res.Audit
	row := func(name string, n int64, meaning, state string) auditRow {
		if n == 0 && state == "bad" {
			state = ""
		}
		return auditRow{name, result.Whole(n), result.Percent(n, a.Due), meaning, state}
	}
	sum := a.Delivered + a.Lost + a.Gap + a.Absent + a.Unjudged
	rows := []auditRow{
		row("Delivered", a.Delivered, "arrived", ""),
		row("Lost", a.Lost, "never arrived, although the client was connected and in the room", "bad"),
		row("Gap", a.Gap, "missed while the client's connection was gone", ""),
		row("Absent", a.Absent, "for clients that could never connect", "bad"),
		row("Unjudged", a.Unjudged, "on the way while the client joined, left or lost its connection: either is right", ""),
		row("Due", sum, "one message to one client that was, or should have been, in the room", "sum"),
	}
	if sum != a.Due {
		rows = append(rows, row("Due, as counted", a.Due, fmt.Sprintf("the balance is off by %s: this report is not to be trusted", result.Whole(a.Due-sum)), "bad"))
	}
	return rows
}

// faults are arrivals that should not have been.
func faults(res *result.Result) []auditRow {
	a := res.Audit
	var rows []auditRow
	for _, r := range []struct {
		name    string
		n       int64
		meaning string
	}{
		{"Duplicated", a.Duplicated, "arrived again"},
		{"Reordered", a.Reordered, "arrived after a later message of the same publisher to the same room"},
		{"Corrupted", a.Corrupted, "arrived with another content than was sent"},
		{"After leaving", a.AfterLeaving, "sent after the server had confirmed that the client left, and came"},
		{"Unknown", a.Unknown, "arrived and were not sent by this test"},
	} {
		row := auditRow{Name: r.name, Count: result.Whole(r.n), Meaning: r.meaning}
		if r.n > 0 {
			row.State = "bad"
		}
		rows = append(rows, row)
	}
	return rows
}

// auditSentence says the outcome in words.
func auditSentence(res *result.Result) string {
	a := res.Audit
	if a.Published == 0 {
		return "Nothing was published, so there is nothing to compare."
	}
	if len(res.Lost()) > 0 {
		whole := *res
		whole.Workers = nil
		return "A worker was lost; this is what the others know, and it had told. " + auditSentence(&whole)
	}
	s := fmt.Sprintf("%s published, to be delivered %s times in all. %s", count(a.Published, "message was", "messages were"), result.Whole(a.Due), arrived(res))
	switch wrong := a.Duplicated + a.Reordered + a.Corrupted + a.AfterLeaving; {
	case wrong == 0 && a.Lost == 0:
		return s + " None was lost, repeated, out of order or changed."
	case wrong == 0:
		return s + fmt.Sprintf(" %s lost. None was repeated, out of order or changed.", count(a.Lost, "was", "were"))
	case a.Lost == 0:
		return s + " None was lost, but " + faultList(res) + "."
	default:
		return s + fmt.Sprintf(" %s lost; %s.", count(a.Lost, "was", "were"), faultList(res))
	}
}

func arrived(res *result.Result) string {
	a := res.Audit
	switch {
	case a.Due == 0:
		return "Nobody was there to receive one."
	case a.Delivered == a.Due:
		return "All of them arrived."
	default:
		return fmt.Sprintf("%s arrived (%s).", result.Whole(a.Delivered), result.Percent(a.Delivered, a.Due))
	}
}

// faultList has at least one fault.
func faultList(res *result.Result) string {
	a := res.Audit
	var parts []string
	for _, f := range []struct {
		n    int64
		what string
	}{{a.Duplicated, "arrived again"}, {a.Reordered, "out of order"}, {a.Corrupted, "changed"}, {a.AfterLeaving, "after the client had left"}} {
		if f.n > 0 {
			parts = append(parts, result.Whole(f.n)+" "+f.what)
		}
	}
	if last := len(parts) - 1; last > 0 {
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return parts[0]
}

func count(n int64, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return result.Whole(n) + " " + plural
}
