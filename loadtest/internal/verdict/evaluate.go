package verdict

import (
	"math"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Evaluate holds a result against each expectation, in their order. It is nil if there
// is none. None is met if a worker was lost: what it was to measure is missing.
func (e Expectations) Evaluate(r *result.Result) []result.Check {
	lost := len(r.Lost()) > 0
	var checks []result.Check
	for _, one := range e {
		v, text, ok := one.measure.found(r, one.unit)
		if lost {
			ok, text = false, "not all measured: "+text
		}
		checks = append(checks, result.Check{Text: one.text, Found: text, OK: ok && one.met(v)})
	}
	return checks
}

// Met is whether all checks are.
func Met(checks []result.Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return true
}

func (e expectation) met(v float64) bool {
	limit := e.value
	if e.unit != "" && e.unit != "%" {
		// times are known to three digits: what is in the limit's bucket is equal to it
		v, limit = bucket(v), bucket(limit)
	}
	switch e.op {
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case "=":
		return v == limit
	case ">=":
		return v >= limit
	}
	return v > limit
}

// bucket is that of a time in seconds, for comparison with another.
func bucket(seconds float64) float64 {
	us := math.Round(min(seconds, time.Hour.Seconds()) * 1e6)
	return float64(result.Bucket(time.Duration(us) * time.Microsecond))
}
