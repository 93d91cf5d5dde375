package result

import "github.com/causeway-rt/causeway/loadtest/internal/audit"

// Settle replaces the audit of a result by one that was made when all was over. What
// intervals and phases noticed comes to the same again: what is new was noticed in the
// last of them, and what has proved to be nothing is taken from the latest that noticed
// such a thing.
func (r *Result) Settle(final audit.Sums) {
	for _, f := range SumFields {
		change := *f.Of(&final) - *f.Of(&r.Audit)
		for i := len(r.Intervals) - 1; i >= 0 && change != 0; i-- {
			iv := &r.Intervals[i]
			share := max(change, -*f.Of(&iv.Audit))
			*f.Of(&iv.Audit) += share
			*f.Of(&r.Phases[iv.Phase].Audit) += share
			change -= share
		}
	}
	r.Audit = final
}
