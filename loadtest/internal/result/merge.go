package result

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Merge makes one result of those of several workers that ran parts of one test at the
// same time. Counts and audits are added and histograms merged, never averaged;
// servers that several watched are in it once, as the first saw them. Each Started must
// be by the same clock, and no part may be damaged. Tool, command, machine and plan are the first's, and checks are
// left out: the caller replaces what is of one worker only, and judges the whole.
//
// Intervals are put together by time. A worker's whole series is moved to the nearest
// multiple of the interval first, so that each step has one of every worker even when
// they began apart; their edges are then off by half an interval at most.
func Merge(parts []*Result) (*Result, error) {
	if len(parts) == 0 {
		return nil, errors.New("no results to merge")
	}
	first := parts[0]
	m := &merger{steps: map[int]*step{}, out: &Result{
		Version: Version, Tool: first.Tool, Command: first.Command, Machine: first.Machine, Plan: first.Plan,
		Started: first.Started, Ended: first.Ended,
	}}
	for _, p := range parts {
		if err := p.consistent(); err != nil {
			return nil, err
		}
		if p.Started.Before(m.out.Started) {
			m.out.Started = p.Started
		}
	}
	tools := 0
	for _, p := range parts {
		m.add(p)
		if slices.ContainsFunc(p.Intervals, func(iv Interval) bool { return iv.Tool != NoSample() }) {
			tools++
		}
	}
	for _, s := range m.steps {
		if s.tools < tools { // a sum of some would look as if the others had begun anew
			s.Tool = NoSample()
		}
	}
	for _, at := range slices.Sorted(maps.Keys(m.steps)) {
		m.out.Intervals = append(m.out.Intervals, m.steps[at].Interval)
	}
	return m.out, nil
}

type merger struct {
	out   *Result
	steps map[int]*step // by their number since the start
}

// step is the same interval of several workers.
type step struct {
	Interval
	workers int
	tools   int // of them, that have told what they use themselves
}

// offsets of a part: the seconds by which it began later, and where its servers are in
// the whole.
type offsets struct {
	seconds float64
	servers []int
}

func (m *merger) add(p *Result) {
	o := offsets{seconds: p.Started.Sub(m.out.Started).Seconds(), servers: m.servers(p)}
	out := m.out
	out.Seconds = max(out.Seconds, o.seconds+p.Seconds)
	out.Counts.Add(p.Counts)
	out.Audit.Add(p.Audit)
	out.Latency.Merge(p.Latency)
	if out.Ended == "complete" {
		out.Ended = p.Ended
	}
	out.Errors = mergeErrors(out.Errors, p.Errors, o.seconds)
	out.Workers = append(out.Workers, p.Workers...)
	for _, w := range p.Warnings {
		if !slices.Contains(out.Warnings, w) {
			out.Warnings = append(out.Warnings, w)
		}
	}
	out.Before = place(out.Before, p.Before, o.servers, len(out.Servers))
	for i, phase := range p.Phases {
		m.phase(i, phase, o)
	}
	m.intervals(p, o)
}

// servers adds those of a part that are new, and returns where each of them is.
func (m *merger) servers(p *Result) []int {
	at := make([]int, len(p.Servers))
	for i, s := range p.Servers {
		at[i] = slices.Index(m.out.Servers, s)
		if at[i] < 0 {
			at[i] = len(m.out.Servers)
			m.out.Servers = append(m.out.Servers, s)
		}
	}
	return at
}

// place puts samples where they belong, unless there is one.
func place(into, samples []Sample, at []int, servers int) []Sample {
	if len(samples) == 0 {
		return into
	}
	for len(into) < servers {
		into = append(into, NoSample())
	}
	for i, s := range samples {
		if into[at[i]] == NoSample() {
			into[at[i]] = s
		}
	}
	return into
}

func (m *merger) phase(i int, p Phase, o offsets) {
	if i == len(m.out.Phases) {
		m.out.Phases = append(m.out.Phases, Phase{Name: p.Name, Kind: p.Kind, From: o.seconds + p.From})
	}
	into := &m.out.Phases[i]
	into.From = min(into.From, o.seconds+p.From)
	into.To = max(into.To, o.seconds+p.To)
	into.Counts.Add(p.Counts)
	into.Audit.Add(p.Audit)
	into.Latency.Merge(p.Latency)
	missing := Usage{Missing, Missing, Missing}
	for len(into.Servers) < len(m.out.Servers) && len(p.Servers) > 0 {
		into.Servers = append(into.Servers, missing)
	}
	for j, u := range p.Servers {
		if into.Servers[o.servers[j]] == missing {
			into.Servers[o.servers[j]] = u
		}
	}
}

func (m *merger) intervals(p *Result, o offsets) {
	length := cmp.Or(p.Plan.Interval, time.Second).Seconds()
	base := math.Round(o.seconds / length)
	number := func(iv Interval) int { return int(base + math.Round(iv.From/length)) }
	for i := 0; i < len(p.Intervals); {
		iv := p.Intervals[i]
		at := number(iv)
		for i++; i < len(p.Intervals) && number(p.Intervals[i]) == at; i++ {
			iv = joined(iv, p.Intervals[i]) // one that was cut late, and the next
		}
		if m.steps[at] == nil {
			m.steps[at] = &step{Interval: Interval{Phase: iv.Phase, Tool: NoSample()}}
		}
		m.steps[at].add(iv, o, len(m.out.Servers))
	}
}

// joined is two intervals of a worker, one after the other, as one.
func joined(a, b Interval) Interval {
	a.To, a.Open, a.Wanted, a.Tool, a.Servers = b.To, b.Open, b.Wanted, b.Tool, b.Servers
	a.Counts.Add(b.Counts)
	a.Audit.Add(b.Audit)
	whole := Latency{}
	whole.Merge(a.Latency)
	whole.Merge(b.Latency)
	a.Latency = whole.Packed()
	return a
}

// add adds a worker's interval. The edges are the means of all workers', so that steps
// do not overlap and are as long as intervals.
func (s *step) add(iv Interval, o offsets, servers int) {
	n := float64(s.workers)
	s.From = (s.From*n + o.seconds + iv.From) / (n + 1)
	s.To = (s.To*n + o.seconds + iv.To) / (n + 1)
	s.workers++
	s.Open += iv.Open
	s.Wanted += iv.Wanted
	s.Counts.Add(iv.Counts)
	s.Audit.Add(iv.Audit)
	s.Latency.Merge(iv.Latency)
	s.Latency = s.Latency.Packed()
	s.Tool = Together(s.Tool, iv.Tool)
	if iv.Tool != NoSample() {
		s.tools++
	}
	s.Servers = place(s.Servers, iv.Servers, o.servers, servers)
}

// Together adds up two processes.
func Together(a, b Sample) Sample {
	if a == NoSample() {
		return b
	}
	if b == NoSample() {
		return a
	}
	return Sample{
		CPUSeconds: a.CPUSeconds + b.CPUSeconds, ResidentBytes: a.ResidentBytes + b.ResidentBytes,
		Connections: a.Connections + b.Connections, QueueBytes: Missing, PublishSeconds: Missing,
	}
}

func mergeErrors(a, b []ErrorClass, later float64) []ErrorClass {
	for _, e := range b {
		e.First += later
		i := slices.IndexFunc(a, func(o ErrorClass) bool { return o.Class == e.Class })
		if i < 0 {
			a = append(a, e)
			continue
		}
		a[i].Count += e.Count
		if e.First < a[i].First {
			a[i].First, a[i].Example = e.First, e.Example
		}
	}
	slices.SortFunc(a, func(x, y ErrorClass) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), strings.Compare(x.Class, y.Class))
	})
	return a
}
