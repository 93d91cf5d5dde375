package verdict

import (
	"fmt"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// counts are the measures of all fields of result.Counts and audit.Sums.
var counts = func() map[string]measure {
	all := map[string]measure{}
	for _, f := range result.SumFields {
		all[f.Name] = count(f.Name, func(r *result.Result) int64 { return *f.Of(&r.Audit) })
	}
	for _, f := range result.CountFields {
		all[f.Name] = count(f.Name, func(r *result.Result) int64 { return *f.Of(&r.Counts) })
	}
	return all
}()

func count(name string, of func(*result.Result) int64) measure {
	whole, shared := result.Denominators[name]
	if !shared {
		return measure{units: []string{""}, found: func(r *result.Result, _ string) (float64, string, bool) {
			n := of(r)
			return float64(n), result.Whole(n), true
		}}
	}
	return measure{units: []string{"", "%"}, found: func(r *result.Result, unit string) (float64, string, bool) {
		n, all := of(r), whole.Of(r)
		if all == 0 && !whole.Idle {
			return 0, fmt.Sprintf("%s; not measured: there were no %s", result.Whole(n), whole.Name), false
		}
		text := fmt.Sprintf("%s of %s %s", result.Whole(n), result.Whole(all), whole.Name)
		if all > 0 {
			text += fmt.Sprintf(" (%s)", result.Percent(n, all))
		}
		if unit == "%" {
			return 100 * float64(n) / float64(max(all, 1)), text, true
		}
		return float64(n), text, true
	}}
}
