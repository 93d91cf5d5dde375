package report

import (
	"math"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// maxSteps is how many points a line has at most: more than a screen can show, few
// enough for a page that opens at once.
const maxSteps = 400

// step is one or several intervals taken together: what a point of a chart shows.
type step struct {
	from, to  float64
	intervals []result.Interval
	latency   result.Latency // of all intervals, merged
}

// steps takes intervals together, as many to a step as are needed for at most
// maxSteps. Histograms are merged, so a step's quantiles are those of all its
// measurements, and its longest is the longest.
func steps(intervals []result.Interval) (all []step, each int) {
	ends := fullLength(intervals)
	each = max(1, (len(ends)+maxSteps-1)/maxSteps)
	from := 0
	for i := each - 1; from < len(intervals); i += each {
		to := ends[min(i, len(ends)-1)]
		all = append(all, together(intervals[from:to]))
		from = to
	}
	return all, each
}

// fullLength are the ends, as indexes, of runs of intervals that make up a whole one: those
// that were cut short, by the end of a phase, go with the one before. By themselves
// they would have rates made of a few milliseconds.
func fullLength(intervals []result.Interval) []int {
	var ends []int
	whole := wholeInterval(intervals)
	for i, iv := range intervals {
		if len(ends) > 0 && iv.To-iv.From < whole {
			ends[len(ends)-1] = i + 1
		} else {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// wholeInterval is the length from which on an interval is long enough for a rate: half
// of the longest.
func wholeInterval(intervals []result.Interval) float64 {
	longest := 0.0
	for i := range intervals {
		longest = max(longest, intervals[i].To-intervals[i].From)
	}
	return longest / 2
}

func together(part []result.Interval) step {
	s := step{from: part[0].From, to: part[len(part)-1].To, intervals: part, latency: part[0].Latency}
	if len(part) > 1 {
		s.latency = result.Latency{}
		for i := range part {
			s.latency.Merge(part[i].Latency)
		}
	}
	return s
}

// ends are where what was counted in it is drawn.
func ends(all []step) []float64 {
	x := make([]float64, len(all))
	for i, s := range all {
		x[i] = s.to
	}
	return x
}

func middles(all []step) []float64 {
	x := make([]float64, len(all))
	for i, s := range all {
		x[i] = (s.from + s.to) / 2
	}
	return x
}

// perSecond is a count of each step, by its length.
func perSecond(all []step, of func(*result.Interval) int64) []float64 {
	values := sums(all, of)
	for i, s := range all {
		if values[i] /= s.to - s.from; math.IsInf(values[i], 0) {
			values[i] = math.NaN()
		}
	}
	return values
}

func sums(all []step, of func(*result.Interval) int64) []float64 {
	values := make([]float64, len(all))
	for i := range all {
		for j := range all[i].intervals {
			values[i] += float64(of(&all[i].intervals[j]))
		}
	}
	return values
}

// extreme is the value of each step that better prefers, negative ones not counted.
func extreme(all []step, of func(*result.Interval) int64, better func(a, b float64) float64) []float64 {
	values := make([]float64, len(all))
	for i := range all {
		values[i] = math.NaN()
		for j := range all[i].intervals {
			v := float64(of(&all[i].intervals[j]))
			switch {
			case v < 0:
			case math.IsNaN(values[i]):
				values[i] = v
			default:
				values[i] = better(values[i], v)
			}
		}
	}
	return values
}

// cores is how much of a processor's time a process used in each step: 1 is one core
// the whole time. before is the sample from before the first. A sample that is missing
// leaves a gap.
func cores(all []step, before result.Sample, sample func(*result.Interval) result.Sample) []float64 {
	values := make([]float64, len(all))
	since := 0.0
	for i := range all {
		last := &all[i].intervals[len(all[i].intervals)-1]
		now := sample(last)
		values[i] = result.CPUPercent(before, now, last.To-since) / 100
		if now.CPUSeconds >= 0 {
			before, since = now, last.To
		}
	}
	return values
}

// before is what server i was using before the first connection.
func before(res *result.Result, i int) result.Sample {
	if i < len(res.Before) {
		return res.Before[i]
	}
	return result.NoSample()
}

// server returns sample i of an interval, or one with all figures missing.
func server(i int) func(*result.Interval) result.Sample {
	return func(iv *result.Interval) result.Sample {
		if i < len(iv.Servers) {
			return iv.Servers[i]
		}
		return result.NoSample()
	}
}

func largest(lines ...[]float64) float64 {
	most := 0.0
	for _, line := range lines {
		for _, v := range line {
			if v > most { // false of NaN
				most = v
			}
		}
	}
	return most
}
