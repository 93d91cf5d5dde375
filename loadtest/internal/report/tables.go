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
		row := latencyRow{Name: k.name, Count: result.Whole(k.h.Count()), Cells: []cell{{Text: result.Time(k.h.Min())}, {Text: result.Time(k.h.Mean())}}}
		for _, q := range quantiles {
			row.Cells = append(row.Cells, cell{result.Time(k.h.Quantile(q.q)), few(k.h, q.q)})
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
			Wrong: result.Whole(wrong), WrongIsBad: wrong > 0, Errors: result.Whole(errors), ErrorsAreBad: errors > 0,
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
	return result.Number(float64(n) / seconds)
}

func timeOf(h *result.Histogram, q float64) string {
	if h.Count() == 0 {
		return show.Missing
	}
	return result.Time(h.Quantile(q))
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
	Name, Source, CPU, Mean, Peak, Memory, Connections string
}

func processRows(res *result.Result) []processRow {
	if len(res.Intervals) == 0 {
		return nil
	}
	var rows []processRow
	for i, s := range res.Servers {
		source := "its metrics"
		if s.Source == "process" {
			source = "this machine"
		}
		rows = append(rows, process(res.Intervals, serverName(s), source, before(res, i), server(i)))
	}
	return append(rows, process(res.Intervals, "this load tool", "itself", result.NoSample(), func(iv *result.Interval) result.Sample { return iv.Tool }))
}

func process(intervals []result.Interval, name, source string, before result.Sample, of func(*result.Interval) result.Sample) processRow {
	row := processRow{Name: name, Source: source, CPU: show.Missing, Mean: show.Missing, Peak: show.Missing, Connections: show.Missing}
	used := result.Usage{CPUSeconds: result.Missing}
	from, to := 0.0, 0.0 // what CPU is known of
	memory, connections := int64(result.Missing), int64(result.Missing)
	for i := range intervals {
		now := of(&intervals[i])
		memory, connections = max(memory, now.ResidentBytes), max(connections, now.Connections)
		used.Follow(before, now)
		if now.CPUSeconds >= 0 {
			if before.CPUSeconds < 0 {
				from = intervals[i].To
			}
			before, to = now, intervals[i].To
		}
	}
	row.Memory = show.Bytes(memory)
	if used.CPUSeconds >= 0 && to > from {
		row.CPU = result.Number(used.CPUSeconds) + " s"
		row.Mean = strconv.FormatFloat(used.CPUSeconds/(to-from), 'f', 2, 64)
		row.Peak = strconv.FormatFloat(busiest(intervals, of), 'f', 2, 64)
	}
	if connections >= 0 {
		row.Connections = result.Whole(connections)
	}
	return row
}

// busiest is the most cores in use in one interval.
func busiest(intervals []result.Interval, of func(*result.Interval) result.Sample) float64 {
	var all []step
	from := 0
	for _, to := range fullLength(intervals) {
		all = append(all, step{intervals: intervals[from:to]})
		from = to
	}
	return largest(cores(all, result.NoSample(), of))
}

// figureRow is one of the figures that expectations and comparisons use.
type figureRow struct{ Name, Value, Help string }

func figureRows(res *result.Result) []figureRow {
	var rows []figureRow
	for _, f := range result.Figures {
		if v := f.Of(res); !math.IsNaN(v) && v != 0 {
			value := result.Number(v)
			switch f.Unit {
			case "B":
				value = show.Bytes(int64(v))
			case "/s":
				value += f.Unit
			default:
				value += " " + f.Unit
			}
			rows = append(rows, figureRow{f.Name, value, f.Help})
		}
	}
	return rows
}

// errorRow is a kind of error.
type errorRow struct{ Class, Count, First, Example string }

func errorRows(res *result.Result) []errorRow {
	var rows []errorRow
	for _, e := range res.Errors {
		if e.Count > 0 {
			rows = append(rows, errorRow{show.Visible(e.Class, 120), result.Whole(e.Count), show.Clock(e.First), show.Visible(e.Example, 400)})
		}
	}
	return rows
}

// workerRow is a process that took part.
type workerRow struct{ Address, Clients, Machine, Clock, Lost string }

func workerRows(res *result.Result) []workerRow {
	var rows []workerRow
	for _, w := range res.Workers {
		rows = append(rows, workerRow{
			Address: show.Visible(w.Address, 120), Clients: result.Whole(int64(w.Clients)), Machine: machineOf(w.Machine),
			Clock: "± " + result.Time(secondsOf(math.Abs(w.Clock))), Lost: show.Visible(w.Lost, 300),
		})
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
