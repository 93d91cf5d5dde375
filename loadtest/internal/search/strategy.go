package search

import "math"

// Verdict is what a run says of its load.
type Verdict string

// The verdicts.
const (
	Met   Verdict = "met"
	Unmet Verdict = "not met"
	// Held is for a load that this side could not make.
	Held Verdict = "held up"
)

const (
	rise  = 2 // from one load to the next, until one is not met
	tries = 2 // of a load that is not met
)

// Config is which loads are tried.
type Config struct {
	// From is the lowest load, and To the highest, both above 0.
	From, To float64
	// Precision is how far apart, as a share of the lower one, the highest load that was
	// met and the lowest that was not may be in the end. Above 0.
	Precision float64
	// Whole loads have no fractions, and differ by one at least.
	Whole bool
	// MaxRuns ends the search early. 0: only the precision does.
	MaxRuns int
}

// Strategy chooses the loads of a search. It is used by one goroutine: Next, then Add with
// what came of it, until there is no next.
type Strategy struct {
	Config
	met, unmet float64 // the highest and the lowest; 0: none
	held       bool    // unmet was held up in every try
	load       float64 // being tried; 0: to be chosen
	tried      []Verdict
	runs       int
}

// New begins a search.
func New(c Config) *Strategy { return &Strategy{Config: c} }

// Next is the load of the next run, and the how manieth try of it that is, from 1. ok is
// false when the search is over.
func (s *Strategy) Next() (load float64, try int, ok bool) {
	if s.load == 0 {
		s.load = s.choose()
	}
	if s.load == 0 || s.MaxRuns > 0 && s.runs == s.MaxRuns {
		return 0, 0, false
	}
	return s.load, len(s.tried) + 1, true
}

// Add says what came of the run that Next asked for.
func (s *Strategy) Add(v Verdict) {
	s.runs++
	s.tried = append(s.tried, v)
	switch {
	case v == Met:
		s.met = s.load
	case len(s.tried) < tries:
		return
	default:
		s.unmet, s.held = s.load, s.tried[0] == Held && s.tried[1] == Held
	}
	s.load, s.tried = 0, nil
}

// Bounds are the highest load that was met and the lowest that was not, in every try. 0:
// there is none. held says that the latter is more than this side could make.
func (s *Strategy) Bounds() (met, unmet float64, held bool) { return s.met, s.unmet, s.held }

// Precise reports whether the search came to its end.
func (s *Strategy) Precise() bool { return s.load == 0 && s.choose() == 0 }

// choose is the next load, 0 if there is none.
func (s *Strategy) choose() float64 {
	switch {
	case s.met == 0 && s.unmet == 0:
		return s.From
	case s.met == 0 || s.unmet == 0 && s.met >= s.To:
		return 0
	case s.unmet == 0:
		return min(s.met*rise, s.To)
	}
	return s.between(s.met, s.unmet)
}

// between is the load in the middle, by their ratio, and rounded as far as the precision
// allows. 0: they are close enough.
func (c Config) between(met, unmet float64) float64 {
	near, unit := met*c.Precision, math.Pow(10, math.Floor(math.Log10(met*c.Precision/2)))
	if c.Whole {
		near, unit = max(near, 1), max(unit, 1)
	}
	if unmet-met <= near*(1+1e-9) {
		return 0
	}
	middle := math.Sqrt(met * unmet)
	if unit < 1 { // whole numbers of tenths are nearer to decimals than sums of 0.1 are
		parts := math.Round(1 / unit)
		return math.Round(middle*parts) / parts
	}
	return math.Round(middle/unit) * unit
}

// MostRuns is how many runs there can be: two for each load.
func (c Config) MostRuns() int {
	most, below := 0, 0.0
	for load, n := c.From, 1; ; load, n = min(load*rise, c.To), n+1 {
		loads := n // if this one is the first that is not met
		if below > 0 {
			loads += c.closing(below, load)
		}
		most = max(most, tries*loads)
		if below = load; load >= c.To {
			break
		}
	}
	if c.MaxRuns > 0 {
		most = min(most, c.MaxRuns)
	}
	return most
}

// closing is how many loads there can be yet when the bounds are known.
func (c Config) closing(met, unmet float64) int {
	middle := c.between(met, unmet)
	if middle == 0 {
		return 0
	}
	return 1 + max(c.closing(middle, unmet), c.closing(met, middle))
}
