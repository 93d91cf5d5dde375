package report

import (
	"math"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// scale maps values to places from 0 to 1. Its ticks are the lines of the grid.
type scale struct {
	min, max float64
	log      bool
	ticks    []tick
}

// tick is a line of the grid, at a place from 0 to 1.
type tick struct {
	at    float64
	label string
}

// place is where v is, from 0 to 1, or NaN if it is nowhere: missing, or on a
// logarithmic scale not positive. What is off the scale is at its edge.
func (s scale) place(v float64) float64 {
	from, to := s.min, s.max
	if s.log {
		from, to, v = math.Log10(from), math.Log10(to), math.Log10(v)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return math.NaN()
	}
	return min(max((v-from)/(to-from), 0), 1)
}

// fromZero is a linear scale from 0 to a round number above most, with about five ticks.
func fromZero(most float64, label func(float64) string) scale {
	if !(most > 0) || math.IsInf(most, 0) {
		most = 1
	}
	step := roundUp(most / 5)
	n := math.Ceil(most/step*1.02 - 1e-9) // a line at the very top would hide behind the edge
	s := scale{max: n * step}
	for i := range int(n) + 1 {
		s.ticks = append(s.ticks, tick{float64(i) / n, label(float64(i) * step)})
	}
	return s
}

// sizes is fromZero for bytes: its steps are round in powers of 1,024.
func sizes(most float64) scale {
	unit := 1.0
	for most/unit >= 1000 {
		unit *= 1024
	}
	s := fromZero(most/unit, func(v float64) string { return show.Bytes(int64(v * unit)) })
	s.max *= unit
	return s
}

// decades is a logarithmic scale from a round number below least to one above most,
// both positive.
func decades(least, most float64, label func(float64) string) scale {
	from := math.Floor(math.Log10(least))
	s := scale{min: math.Pow(10, from), log: true}
	for s.min*2 <= least {
		s.min *= 2
		if s.min*2.5 <= least {
			s.min *= 2.5
		}
	}
	s.max = roundUp(math.Max(most, s.min*2))
	fine := s.max/s.min <= 1100
	for e := int(from); ; e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow10(e)
			if v > s.max*1.0001 {
				return s
			}
			if v >= s.min*0.9999 && (m == 1 || fine) {
				s.ticks = append(s.ticks, tick{s.place(v), label(v)})
			}
		}
	}
}

// roundUp is the least of 1, 2 and 5 times a power of ten that is not less than x.
func roundUp(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if x <= m*p*(1+1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// clock is the scale of time from 0 to seconds.
func clock(seconds float64) scale {
	if !(seconds > 0) {
		seconds = 1
	}
	s := scale{max: seconds}
	step := seconds
	for _, d := range []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 6 * 3600, 24 * 3600, 7 * 24 * 3600} {
		if seconds/d <= 6.01 {
			step = d
			break
		}
	}
	for t := 0.0; t <= seconds*1.0001; t += step {
		s.ticks = append(s.ticks, tick{t / seconds, show.Clock(t)})
	}
	return s
}

// nines is the scale of quantiles by 1/(1-q), up to the value given: each step to the
// right is ten times as rare.
func nines(most float64) scale {
	s := scale{min: 1, max: most, log: true}
	for _, q := range []struct {
		rarity float64
		label  string
	}{{2, "p50"}, {10, "p90"}, {100, "p99"}, {1000, "p99.9"}, {1e4, "p99.99"}, {1e5, "p99.999"}, {1e6, "p99.9999"}} {
		if q.rarity <= most*1.0001 {
			s.ticks = append(s.ticks, tick{s.place(q.rarity), q.label})
		}
	}
	return s
}

// latencyLabel writes milliseconds on an axis: 0, 0.5 ms, 20 ms, 2 s.
func latencyLabel(ms float64) string {
	switch {
	case ms == 0:
		return "0"
	case ms >= 1000:
		return show.Short(ms/1000) + " s"
	case ms < 0.01:
		return show.Short(ms*1000) + " µs"
	default:
		return show.Short(ms) + " ms"
	}
}

func latencyValue(ms float64) string {
	return result.Time(time.Duration(ms * float64(time.Millisecond)))
}
