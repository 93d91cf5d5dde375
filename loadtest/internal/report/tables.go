package report

import (
	"math"
	"strconv"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// latencyRow is a line of the table of histograms.
type latencyRow struct {
	Name, Count string
	Cells       []cell
}

// cell is a figure; Few marks one that chance decides.
type cell struct {
	Text string
	Few  bool
}

// quantiles are the columns of the table of histograms, after the least and the mean.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", .5}, {"p75", .75}, {"p90", .9}, {"p95", .95}, {"p99", .99}, {"p99.9", .999}, {"p99.99", .9999}, {"max", 1}}

func latencyHead() []string {
	head := []string{"min", "mean"}
	for _, q := range quantiles {
		head = append(head, q.name)
	}
	return head
}

func latencyRows(l result.Latency) []latencyRow {
	var rows []latencyRow
	for _, k := range []struct {
		name string
		h    *result.Histogram
	}{{"Connect", l.Connect}, {"Ack", l.Ack}, {"Delivery", l.Delivery}, {"Reconnect", l.Reconnect}} {
		if k.h.Count() == 0 {
			continue
		}
		row := latencyRow{Name: k.name, Count: show.Count(k.h.Count()), Cells: []cell{{Text: show.Time(k.h.Min())}, {Text: show.Time(k.h.Mean())}}}
		for _, q := range quantiles {
			row.Cells = append(row.Cells, cell{show.Time(k.h.Quantile(q.q)), few(k.h, q.q)})
		}
		rows = append(rows, row)
	}
	return rows
}

func anyFew(rows []latencyRow) bool {
	for _, r := range rows {
		for _, c := range r.Cells {
			if c.Few {
				return true
			}
		}
	}
	return false
}

// phaseRow is a line of the table of phases.
type phaseRow struct {
	Number                         int
	Name, Kind, From, Length       string
	Published, Delivered           string
	P50, P99, Max, Wrong, Errors   string
	CPU                            string
	WrongIsBad, ErrorsAreBad, Acks bool
}

func phaseRows(res *result.Result) []phaseRow {
	var rows []phaseRow
	for i := range res.Phases {
		p := &res.Phases[i]
		seconds := p.To - p.From
		wrong := p.Audit.Lost + p.Audit.Duplicated + p.Audit.Reordered + p.Audit.Corrupted + p.Audit.AfterLeaving
		errors := p.Counts.ConnectErrors + p.Counts.Disconnects + p.Counts.ReconnectErrors + p.Counts.AckTimeouts + p.Counts.Refused
		row := phaseRow{
			Number: i + 1, Name: show.Visible(p.Name, 60), Kind: p.Kind, From: show.Clock(p.From), Length: show.Clock(seconds),
			Published: rate(p.Counts.Published, seconds), Delivered: rate(p.Audit.Delivered, seconds),
			Wrong: show.Count(wrong), WrongIsBad: wrong > 0, Errors: show.Count(errors), ErrorsAreBad: errors > 0,
			CPU: phaseCPU(p.Servers, seconds),
		}
		h := p.Latency.Delivery
		if h.Count() == 0 {
			h, row.Acks = p.Latency.Ack, p.Latency.Ack.Count() > 0
		}
		row.P50, row.P99, row.Max = timeOf(h, .5), timeOf(h, .99), timeOf(h, 1)
		rows = append(rows, row)
	}
	return rows
}

func rate(n int64, seconds float64) string {
	if seconds <= 0 {
		return show.Missing
	}
	return show.Rate(float64(n) / seconds)
}

func timeOf(h *result.Histogram, q float64) string {
	if h.Count() == 0 {
		return show.Missing
	}
	return show.Time(h.Quantile(q))
}

// phaseCPU is what all servers used together, as a number of cores.
func phaseCPU(servers []result.Usage, seconds float64) string {
	used := 0.0
	for _, u := range servers {
		if u.CPUSeconds < 0 {
			return show.Missing
		}
		used += u.CPUSeconds
	}
	if len(servers) == 0 || seconds <= 0 {
		return show.Missing
	}
	return strconv.FormatFloat(used/seconds, 'f', 2, 64)
}

// processRow is a line of the table of servers, or this program.
type processRow struct {
	Name, Source, CPU, Mean, Peak, Memory, Connections, PerConnection string
}

func processRows(res *result.Result) []processRow {
	if len(res.Intervals) == 0 {
		return nil
	}
	all, _ := steps(res.Intervals)
	var rows []processRow
	for i, s := range res.Servers {
		source := "its metrics"
		if s.Source == "process" {
			source = "this machine"
		}
		rows = append(rows, process(res, all, serverName(s), source, server(i)))
	}
	return append(rows, process(res, all, "this load tool", "itself", func(iv *result.Interval) result.Sample { return iv.Tool }))
}

func process(res *result.Result, all []step, name, source string, of func(*result.Interval) result.Sample) processRow {
	row := processRow{Name: name, Source: source, CPU: show.Missing, Mean: show.Missing, Peak: show.Missing, Connections: show.Missing, PerConnection: show.Missing}
	first, last := math.NaN(), math.NaN()
	from, to := 0.0, 0.0
	memory, connections := int64(-1), int64(-1)
	var least, fullest result.Sample
	fullest.Connections = -1
	seen := false
	for i := range res.Intervals {
		iv := &res.Intervals[i]
		s := of(iv)
		if s.CPUSeconds >= 0 {
			if math.IsNaN(first) {
				first, from = s.CPUSeconds, iv.To
			}
			last, to = s.CPUSeconds, iv.To
		}
		memory, connections = max(memory, s.ResidentBytes), max(connections, s.Connections)
		if s.ResidentBytes >= 0 && s.Connections >= 0 {
			if !seen || s.Connections < least.Connections {
				least = s
			}
			if s.Connections > fullest.Connections {
				fullest = s
			}
			seen = true
		}
	}
	row.Memory = show.Bytes(memory)
	if last >= first && to > from {
		row.CPU = show.Time(secondsOf(last - first))
		row.Mean = strconv.FormatFloat((last-first)/(to-from), 'f', 2, 64)
		row.Peak = strconv.FormatFloat(largest(cores(all, of)), 'f', 2, 64)
	}
	if connections >= 0 {
		row.Connections = show.Count(connections)
	}
	if more := fullest.Connections - least.Connections; seen && more >= 100 {
		row.PerConnection = show.Bytes(max(0, fullest.ResidentBytes-least.ResidentBytes) / more)
	}
	return row
}

// errorRow is a kind of error.
type errorRow struct{ Class, Count, First, Example string }

func errorRows(res *result.Result) []errorRow {
	var rows []errorRow
	for _, e := range res.Errors {
		if e.Count > 0 {
			rows = append(rows, errorRow{show.Visible(e.Class, 120), show.Count(e.Count), show.Clock(e.First), show.Visible(e.Example, 400)})
		}
	}
	return rows
}

// workerRow is a process that took part.
type workerRow struct{ Address, Clients, Clock, Lost string }

func workerRows(res *result.Result) []workerRow {
	var rows []workerRow
	for _, w := range res.Workers {
		rows = append(rows, workerRow{show.Visible(w.Address, 120), show.Count(int64(w.Clients)), "± " + show.Time(secondsOf(math.Abs(w.Clock))), show.Visible(w.Lost, 300)})
	}
	return rows
}

func serverName(s result.Server) string {
	name := show.Visible(s.Name, 60)
	if s.Source == "process" {
		return "process " + name
	}
	return name
}
