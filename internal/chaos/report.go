package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/causeway-rt/causeway/internal/checker"
)

// shown are the counters that tell how losses were avoided, and why they were announced.
var shown = regexp.MustCompile(`recover|replay|taken_over|announced|catch|caught|missed|without_session|gaps_total|publish_errors|slow_consumers`)

// report says what came of a run, and, if it failed, when what happened.
func (r *result) report(out io.Writer, cfg config) {
	var faults []string
	for _, k := range slices.Sorted(maps.Keys(r.faults)) {
		faults = append(faults, fmt.Sprintf("%s %d", k, r.faults[k]))
	}
	fmt.Fprintf(out, "faults: %s\n%s", strings.Join(faults, ", "), r.verdict)
	r.reportAnnouncements(out)
	fmt.Fprintln(out, "counters of the nodes, at least:")
	for _, name := range slices.Sorted(maps.Keys(r.counts)) {
		if v := r.counts[name]; v != 0 && shown.MatchString(name) {
			fmt.Fprintf(out, "  %s %g\n", name, v)
		}
	}
	if !r.failed() {
		fmt.Fprintf(out, "seed %d: every promise was kept\n\n", cfg.Seed)
		return
	}
	r.reportFailure(out, cfg)
}

// reportAnnouncements lists the losses that clients were told of, by how their connections had ended.
func (r *result) reportAnnouncements(out io.Writer) {
	count, missed := map[string]int{}, map[string]int{}
	for _, a := range r.verdict.Announcements {
		count[a.Cause]++
		missed[a.Cause] += a.Missed
	}
	for _, cause := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(out, "  announced after %q: %d times, %d messages missed\n", cause, count[cause], missed[cause])
	}
}

// A failure shows so many findings of each kind in full, and so many events of the timeline in
// front of the first, and behind it.
const (
	shownFindings = 2
	shownBefore   = 200
	shownBehind   = 60
)

func (r *result) reportFailure(out io.Writer, cfg config) {
	fmt.Fprintf(out, "\nFAILED with seed %d. Logs: %s\n", cfg.Seed, r.dir)
	for _, p := range r.problems {
		fmt.Fprintln(out, "problem:", p)
	}
	var first checker.Time
	shown := map[checker.Kind]int{}
	for i, f := range r.verdict.Findings {
		if i == 0 {
			first = f.At
		}
		if shown[f.Kind]++; shown[f.Kind] <= shownFindings {
			fmt.Fprint(out, r.history.Excerpt(f))
		} else {
			fmt.Fprintln(out, f)
		}
	}
	fmt.Fprintln(out, "timeline:")
	middle, _ := slices.BinarySearchFunc(r.timeline, first, func(e event, at checker.Time) int { return cmp.Compare(e.at, at) })
	for _, e := range r.timeline[max(middle-shownBefore, 0):min(middle+shownBehind, len(r.timeline))] {
		fmt.Fprintf(out, "  %10.3f s  %s\n", e.at.Seconds(), e.text)
	}
}
