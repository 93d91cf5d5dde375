package live

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// row is a line of the frame and how much it is needed: those of the highest rank go
// first where the terminal is too low.
type row struct {
	rank int
	line line
}

// The ranks of rows, the most needed first.
const (
	rankProgress = iota
	rankVerdict  // what is lost and what fails
	rankFlow
	rankLatency
	rankNews
	rankServers
	rankSparks
	rankDetails
	rankSpace
)

// composer makes a frame.
type composer struct {
	*run
	style style
	width int
	rows  []row
}

// compose makes a frame that fits a terminal of so many columns and rows, of which the
// last row is the cursor's.
func compose(r *run, st style, width, height int) []line {
	c := &composer{run: r, style: st, width: width}
	c.head()
	if r.begun {
		c.clients()
		c.messages()
		c.latencies()
		c.sparks()
		c.audited()
		c.processes()
	}
	if r.news != "" {
		c.space()
		c.add(rankNews, span{dim, r.news})
	}
	return c.fit(height - 1)
}

func (c *composer) add(rank int, spans ...span) {
	c.rows = append(c.rows, row{rank, spans})
}

func (c *composer) space() { c.add(rankSpace) }

// fit leaves out what is needed least, and keeps the order of the rest.
func (c *composer) fit(height int) []line {
	order := make([]int, len(c.rows))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return c.rows[order[a]].rank < c.rows[order[b]].rank })
	kept := make([]bool, len(c.rows))
	for _, i := range order[:max(0, min(height, len(order)))] {
		kept[i] = true
	}
	var frame []line
	for i, r := range c.rows {
		if kept[i] {
			frame = append(frame, r.line.cut(c.width))
		}
	}
	return frame
}

// label is the first column of most rows.
func label(s string) span { return span{dim, left(s, 10)} }

func (c *composer) head() {
	now := show.Clock(c.last.To)
	if c.length > 0 {
		now += " of " + show.Clock(c.length)
	}
	name := c.title
	if room := min(c.width, maxWidth) - len(now) - 2; len(name) > room {
		name = show.Plain(name, max(room, 3))
	}
	c.add(rankDetails, span{strong, left(name, min(c.width, maxWidth)-len(now))}, span{plain, now})
	if !c.begun {
		c.add(rankProgress, span{dim, "waiting for the first interval"})
		return
	}
	ph, share := c.phase()
	c.add(rankProgress, c.progress(ph.Name, share)...)
}

// maxWidth is where a frame ends on a wide terminal.
const maxWidth = 100

func (c *composer) progress(name string, share float64) line {
	where := fmt.Sprintf("%d of %d ", c.last.Phase+1, len(c.plan.Phases))
	spans := line{{dim, "phase " + where}, {accent, name}}
	if math.IsNaN(share) {
		return append(spans, span{dim, "  for " + show.Clock(c.last.To-c.phaseFrom)})
	}
	percent := fmt.Sprintf(" %3.0f %%", share*100)
	columns := min(c.width, maxWidth) - spans.width() - len(percent) - 2
	if columns < 8 {
		return append(spans, span{plain, percent})
	}
	done, todo := bar(share, columns, c.style)
	return append(spans, span{plain, "  "}, span{accent, done}, span{dim, todo}, span{plain, percent})
}

func (c *composer) clients() {
	c.space()
	open := plain
	if c.last.Open < c.last.Wanted {
		open = warn
	}
	l := line{label("clients"), {open, result.Whole(c.last.Open)}, {dim, " open of "}, {plain, result.Whole(c.last.Wanted)}}
	for _, f := range []struct {
		n    int64
		what string
		tone tone
	}{
		{c.counts.ConnectErrors, "failed", bad}, {c.counts.Disconnects, "lost", bad}, {c.counts.SlowClosed, "closed as slow", warn},
		{c.counts.Cuts, "cut by the test", plain}, {c.counts.Reconnects, "came back", plain}, {c.counts.ReconnectErrors, "tries to come back failed", warn},
	} {
		if f.n > 0 {
			l = append(l, span{dim, ", "}, span{f.tone, result.Whole(f.n)}, span{dim, " " + f.what})
		}
	}
	c.add(rankFlow, l...)
}

func (c *composer) messages() {
	if c.counts.Published+c.counts.Received > 0 {
		c.add(rankFlow, label("messages"), number(c.rates.published), span{dim, "/s published, "}, number(c.rates.received), span{dim, "/s received; "},
			span{plain, show.Short(float64(c.counts.Received))}, span{dim, " in all"})
	}
	if c.counts.Unsent > 0 {
		c.add(rankVerdict, label(""), span{warn, result.Whole(c.counts.Unsent)}, span{dim, " due by the rate and not sent"})
	}
	if c.counts.Requests > 0 {
		l := line{label("requests"), number(c.rates.requests), {dim, "/s asked, "}, number(c.rates.acks), {dim, "/s answered"}}
		if n := c.counts.AckTimeouts; n > 0 {
			l = append(l, span{dim, ", "}, span{bad, result.Whole(n)}, span{dim, " not in time"})
		}
		if n := c.counts.Refused; n > 0 {
			l = append(l, span{dim, ", "}, span{bad, result.Whole(n)}, span{dim, " refused"})
		}
		c.add(rankFlow, l...)
	}
}

func number(v float64) span { return span{strong, result.Number(v)} }

// latencies has two rows of each kind: the last interval, and all.
func (c *composer) latencies() {
	head := false
	for _, f := range result.LatencyFields {
		all := *f.Of(&c.latency)
		if all.Count() == 0 {
			continue
		}
		if !head {
			head = true
			c.space()
			c.add(rankLatency, append(line{{dim, left("latency", 20)}}, columns(dim, "p50", "p90", "p99", "p99.99", "max")...)...)
		}
		rank := rankDetails
		if name, _ := mainLatency(c.latency); f.Name == name {
			rank = rankLatency
		}
		first := left("  "+f.Name, 13)
		if now := *f.Of(&c.recent); now.Count() > 0 {
			c.add(rank, append(line{{plain, first}, {dim, left("now", 7)}}, quantiles(now, strong)...)...)
			first = left("", 13)
		}
		c.add(rank, append(line{{plain, first}, {dim, left("all", 7)}}, quantiles(all, plain)...)...)
	}
}

// columns are spans of ten columns each.
func columns(t tone, words ...string) line {
	var l line
	for _, w := range words {
		l = append(l, span{t, right(w, 10)})
	}
	return l
}

func quantiles(h *result.Histogram, t tone) line {
	var words []string
	for _, q := range []float64{.5, .9, .99, .9999, 1} {
		words = append(words, ascii(h.Quantile(q)))
	}
	return columns(t, words...)
}

// ascii writes a time with a sign for micro that every terminal has.
func ascii(d time.Duration) string { return strings.Replace(result.Time(d), "µ", "u", 1) }

func (c *composer) sparks() {
	name, _ := mainLatency(c.latency)
	columns := min(c.width, maxWidth) - 20 - 10
	if columns < 10 {
		return
	}
	c.space()
	now := math.NaN()
	if n := len(c.p99s); n > 0 {
		now = c.p99s[n-1]
	}
	c.add(rankSparks, span{dim, left(name+" p99", 20)}, span{warn, left(spark(c.p99s, columns, c.style), columns)}, span{plain, right(seconds(now), 10)})
	c.add(rankSparks, span{dim, left(c.flowName(), 20)}, span{accent, left(spark(c.received, columns, c.style), columns)}, span{plain, right(show.Short(c.flow()), 10)})
}

func seconds(s float64) string {
	if math.IsNaN(s) {
		return "-"
	}
	return ascii(time.Duration(s * float64(time.Second)))
}

func (c *composer) audited() {
	a := c.audit
	if a.Published == 0 && a.Unknown == 0 {
		return
	}
	c.space()
	c.add(rankDetails, label("audit"), span{plain, show.Short(float64(a.Due))}, span{dim, " due, "}, span{plain, show.Short(float64(a.Delivered))}, span{dim, " delivered"},
		span{dim, ", "}, span{plain, show.Short(float64(a.Gap + a.Absent))}, span{dim, " missed while away, "}, span{plain, show.Short(float64(a.Unjudged))}, span{dim, " unjudged"})
	l := line{label("")}
	for i, f := range []struct {
		n    int64
		what string
	}{{a.Lost, "lost"}, {a.Duplicated, "duplicated"}, {a.Reordered, "reordered"}, {a.Corrupted, "corrupted"}, {a.AfterLeaving, "after leaving"}} {
		t := good
		if f.n > 0 {
			t = bad
		}
		if i > 0 {
			l = append(l, span{dim, ", "})
		}
		l = append(l, span{t, result.Whole(f.n)}, span{dim, " " + f.what})
	}
	c.add(rankVerdict, l...)
}

// processes has a row for each server that there is room for.
func (c *composer) processes() {
	c.space()
	name := 30
	if c.width < 70 {
		name = 20
	}
	c.add(rankServers, append(line{{dim, left("process", name)}}, columns(dim, "cores", "memory", "clients", "queued")...)...)
	samples := c.previous
	for i, s := range samples {
		who := "this load tool"
		if i < len(samples)-1 {
			who = c.server(i)
		}
		cores, memory := "-", "-"
		if s.ResidentBytes != 0 { // 0: it is in one process with a server above, where both are counted
			memory = known(s.ResidentBytes, show.Bytes)
			if v := c.cores[i]; !math.IsNaN(v) {
				cores = fmt.Sprintf("%.2f", v)
			}
		}
		figures := columns(plain, cores, memory, known(s.Connections, result.Whole), known(s.QueueBytes, show.Bytes))
		c.add(rankServers, append(line{{plain, left("  "+show.Plain(who, name-3), name)}}, figures...)...)
	}
}

func known(n int64, write func(int64) string) string {
	if n < 0 {
		return "-"
	}
	return write(n)
}
