package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// columns is how wide the summary is at most.
const columns = 80

// Text writes the result for a terminal: at most 80 columns of ASCII without
// colours, the verdict last. It fails only if w does.
func Text(w io.Writer, res *result.Result) error {
	s := &summary{res: res}
	s.head()
	s.connections()
	s.latency()
	s.audit()
	s.processes()
	s.errors()
	s.workers()
	s.wrapped("Warning: ", res.Warnings)
	s.verdict()
	_, err := io.WriteString(w, s.String())
	return err
}

type summary struct {
	strings.Builder
	res *result.Result
}

// ascii are the signs in figures that not every terminal has.
var ascii = strings.NewReplacer("µ", "u", show.Missing, "-")

// line adds a line, cut where the terminal might end.
func (s *summary) line(format string, args ...any) {
	s.WriteString(strings.TrimRight(show.Plain(ascii.Replace(fmt.Sprintf(format, args...)), columns), " "))
	s.WriteByte('\n')
}

func (s *summary) head() {
	res := s.res
	open, wanted := most(res.Intervals)
	s.line("")
	s.line("%s on %s", orDash(title(res)), orDash(targets(res)))
	s.line("%s of %s clients, %s", result.Whole(open), result.Whole(max(wanted, open)), show.Clock(res.Seconds))
	s.line("")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (s *summary) connections() {
	c := s.res.Counts
	s.line("Connections   %s tried, %s made, %s failed", result.Whole(c.Attempts), result.Whole(c.Connected), result.Whole(c.ConnectErrors))
	if c.Disconnects+c.Cuts+c.SlowClosed+c.Reconnects > 0 {
		s.line("              %s lost, %s cut by the test, %s closed as slow, %s back",
			result.Whole(c.Disconnects), result.Whole(c.Cuts), result.Whole(c.SlowClosed), result.Whole(c.Reconnects))
	}
	rate, peak := deliveryRate(s.res)
	if c.Published > 0 {
		s.line("Messages      %s published, %s received", result.Whole(c.Published), result.Whole(c.Received))
		s.line("              %s deliveries/s under load, at most %s", result.Number(rate), result.Number(peak))
	}
	if c.Unsent > 0 {
		s.line("              %s due by the rate and not sent", result.Whole(c.Unsent))
	}
	if c.Requests > 0 {
		s.line("Requests      %s asked, %s answered, %s not in time, %s refused", result.Whole(c.Requests), result.Whole(c.Acks), result.Whole(c.AckTimeouts), result.Whole(c.Refused))
	}
	s.line("")
}

func (s *summary) latency() {
	l := s.res.Latency
	headed := false
	for _, k := range []struct {
		name string
		h    *result.Histogram
	}{{"connect", l.Connect}, {"ack", l.Ack}, {"delivery", l.Delivery}, {"reconnect", l.Reconnect}} {
		if k.h.Count() == 0 {
			continue
		}
		if !headed {
			s.line("%-10s%9s%10s%10s%10s%10s%10s%11s", "Latency", "count", "p50", "p90", "p99", "p99.9", "p99.99", "max")
			headed = true
		}
		s.line("  %-9s%8s%10s%10s%10s%10s%10s%11s", k.name, show.Short(float64(k.h.Count())), timeOf(k.h, .5), timeOf(k.h, .9), timeOf(k.h, .99),
			timeOf(k.h, .999), timeOf(k.h, .9999), timeOf(k.h, 1))
	}
	if headed {
		s.line("")
	}
}

func (s *summary) audit() {
	a := s.res.Audit
	if a.Published == 0 && a.Unknown == 0 {
		return
	}
	s.line("Audit   %15s due", result.Whole(a.Due))
	for i, r := range balance(s.res) {
		if i > 0 && r.Count == "0" && r.Name != "Lost" || r.State == "sum" {
			continue
		}
		sign := "+"
		if i == 0 {
			sign = "="
		}
		s.line("      %s %15s %s", sign, r.Count, strings.ToLower(r.Name))
	}
	s.line("        duplicated %s, reordered %s, corrupted %s,", result.Whole(a.Duplicated), result.Whole(a.Reordered), result.Whole(a.Corrupted))
	s.line("        after leaving %s, unknown %s", result.Whole(a.AfterLeaving), result.Whole(a.Unknown))
	s.line("")
}

func (s *summary) processes() {
	rows := processRows(s.res)
	if len(rows) == 0 {
		return
	}
	s.line("%-28s%10s%10s%12s%14s", "Cost", "cores", "peak", "memory", "connections")
	for _, r := range rows {
		s.line("  %-26s%10s%10s%12s%14s", show.Plain(r.Name, 25), r.Mean, r.Peak, r.Memory, r.Connections)
	}
	if v := figureOf(s.res, "kib_per_conn"); !math.IsNaN(v) {
		s.line("  %s KiB for each connection", result.Number(v))
	}
	if v := figureOf(s.res, "cpu_us_per_delivery"); !math.IsNaN(v) {
		s.line("  %s us of CPU for each delivery", result.Number(v))
	}
	s.line("")
}

// maxErrors is how many kinds of errors the summary has room for.
const maxErrors = 10

func (s *summary) errors() {
	rows := errorRows(s.res)
	if len(rows) == 0 {
		return
	}
	s.line("Errors     count")
	for i, r := range rows {
		if i == maxErrors {
			s.line("           and %d more kinds", len(rows)-i)
			break
		}
		s.line("  %14s  %s, first at %s", r.Count, show.Plain(r.Class, 40), r.First)
		s.line("                  %s", show.Plain(r.Example, columns-18))
	}
	s.line("")
}

// workers says who made the load, if it was not this process alone.
func (s *summary) workers() {
	if len(s.res.Workers) == 0 {
		return
	}
	var lost []string
	s.line("Workers                        clients   clock known to   state")
	for _, r := range workerRows(s.res) {
		state := "there to the end"
		if r.Lost != "" {
			state = "LOST"
		}
		s.line("  %-26s %9s   %14s   %s", show.Plain(r.Address, 26), r.Clients, strings.Replace(r.Clock, "±", "+-", 1), state)
	}
	s.line("")
	for _, w := range s.res.Workers {
		if w.Lost != "" {
			lost = append(lost, fmt.Sprintf("%s is lost: %s", show.Plain(w.Address, 40), w.Lost))
		}
	}
	s.wrapped("Worker: ", lost)
}

// wrapped writes texts in lines of whole words, and an empty line after them.
func (s *summary) wrapped(label string, texts []string) {
	for _, text := range texts {
		s.paragraph(label, text)
	}
	if len(texts) > 0 {
		s.line("")
	}
}

func (s *summary) paragraph(label, text string) {
	line := label
	for _, word := range strings.Fields(show.Plain(text, 600)) {
		if len(line)+len(word)+1 > columns && len(line) > len(label) {
			s.line("%s", line)
			line = strings.Repeat(" ", len(label))
		}
		if line != "" && !strings.HasSuffix(line, " ") {
			line += " "
		}
		line += word
	}
	s.line("%s", line)
}

func (s *summary) verdict() {
	v := judge(s.res)
	width := 0
	for _, c := range v.Checks {
		width = max(width, len(show.Plain(c.Text, 40)))
	}
	for _, c := range v.Checks {
		met := "met    "
		if !c.OK {
			met = "NOT MET"
		}
		s.line("  %s  %-"+strconv.Itoa(width)+"s  found %s", met, show.Plain(c.Text, 40), show.Plain(c.Found, 26))
	}
	s.paragraph(strings.ToUpper(v.Word)+": ", v.Reason)
}
