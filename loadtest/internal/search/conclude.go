package search

import (
	"fmt"
	"slices"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Conclude fills in what all runs come to.
func (r *Record) Conclude(s *Strategy) {
	r.Found, r.Failed, r.Held = s.Bounds()
	r.Conclusion = r.conclusion()
}

// conclusion is one sentence, or two.
func (r *Record) conclusion() string {
	var text string
	switch {
	case r.Found > 0:
		text = fmt.Sprintf("highest load that met all expectations: %s (%s)", r.load(r.Found), r.around())
	case r.Held:
		text = fmt.Sprintf("nothing is known of the server: even %s is more than this machine could make: %s", r.load(r.Failed), r.reason(r.Failed))
	case r.Failed > 0:
		text = fmt.Sprintf("not even %s met all expectations: %s", r.load(r.Failed), r.reason(r.Failed))
	default:
		text = "no load was met, and none failed twice"
	}
	if r.Failed > 0 && !r.Held && r.failing(r.Failed).Why != "" {
		text += fmt.Sprintf("; %s, which the server shares with the load tool: alone it may bear more", r.failing(r.Failed).Why)
	}
	if r.Ended != Complete {
		text += "; the search ended early: " + r.Ended
	}
	return text
}

// around are the loads on both sides of what was found.
func (r *Record) around() string {
	met := result.Number(r.Found) + " met"
	if before := r.metBefore(); before > 0 {
		met = fmt.Sprintf("%s and %s", result.Number(before), met)
	}
	switch {
	case r.Held:
		return fmt.Sprintf("%s, and %s is more than this machine could make: %s; the server may bear more", met, result.Number(r.Failed), r.reason(r.Failed))
	case r.Failed > 0:
		return fmt.Sprintf("%s, %s not: %s", met, result.Number(r.Failed), r.reason(r.Failed))
	case r.Found >= r.To:
		return met + ", which is the highest that was tried: there is room above"
	}
	return met + ", and none above it was tried twice"
}

// metBefore is the highest load below the one found that was met, 0 if there is none.
func (r *Record) metBefore() float64 {
	below := []float64{0}
	for _, run := range r.Runs {
		if run.Verdict == Met && run.Load < r.Found {
			below = append(below, run.Load)
		}
	}
	return slices.Max(below)
}

// reason is why a load is taken for not met.
func (r *Record) reason(load float64) string {
	run := r.failing(load)
	if run.Verdict == Held {
		return run.Why
	}
	return strings.Join(run.Failures(), ", ")
}

// failing is the last run of a load that the server failed, or else the last.
func (r *Record) failing(load float64) *Run {
	last := r.Of(load)
	for _, run := range r.Runs {
		if run.Load == load && run.Verdict == Unmet {
			last = run
		}
	}
	return last
}

// Failures are what was not met and what was found in its place, in words.
func (r *Run) Failures() (all []string) {
	for _, c := range r.Unmet() {
		all = append(all, fmt.Sprintf("%s, found %s", c.Text, c.Found))
	}
	if r.Result.Ended != "complete" {
		all = append(all, r.Result.Ended)
	}
	return all
}

// load is a load with its unit.
func (r *Record) load(v float64) string { return result.Number(v) + " " + r.Unit }
