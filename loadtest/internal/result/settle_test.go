package result

import (
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

func TestSettledAuditIsThatOfItsParts(t *testing.T) {
	for name, change := range map[string]audit.Sums{
		"nothing":             {},
		"some were lost":      {Due: 7, Lost: 7},
		"some were not due":   {Due: -3, Delivered: -3},
		"most were not due":   {Due: -250, Delivered: -250},
		"none was due at all": {Due: -404, Delivered: -400, Lost: -4},
	} {
		t.Run(name, func(t *testing.T) {
			r := sample(0)
			final := r.Audit
			final.Add(change)
			r.Settle(final)
			var steps, phases audit.Sums
			for _, iv := range r.Intervals {
				steps.Add(iv.Audit)
				if iv.Audit.Delivered < 0 || iv.Audit.Due < 0 {
					t.Errorf("an interval has %+v", iv.Audit)
				}
			}
			for _, p := range r.Phases {
				phases.Add(p.Audit)
			}
			if r.Audit != final || steps != final || phases != final {
				t.Errorf("all %+v, intervals %+v, phases %+v, want %+v", r.Audit, steps, phases, final)
			}
			if change.Lost > 0 && r.Intervals[len(r.Intervals)-1].Audit.Lost != change.Lost {
				t.Error("what was lost is not in the last interval")
			}
		})
	}
}
