package main

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// print writes a workload's medians, and the ratios of the first server to the second and
// to its own earlier figures, where there are any.
func (w rows) print(out io.Writer, of workload, servers []string, base *record) {
	plural := ""
	if of.nodes > 1 {
		plural = "s"
	}
	fmt.Fprintf(out, "\n%s: %s (%d node%s)\n", of.name, of.what, of.nodes, plural)
	before := base.find(of.name)
	for _, f := range of.figures {
		fmt.Fprintf(out, "  %-10s %-25s", f.name, f.unit)
		for _, s := range servers {
			fmt.Fprintf(out, " %s %11s  ", s, number(median(w.Figures[f.name][s])))
		}
		first := median(w.Figures[f.name][servers[0]])
		if len(servers) > 1 {
			fmt.Fprintf(out, " ratio %6s", number(first/median(w.Figures[f.name][servers[1]])))
		}
		if was := median(before.Figures[f.name][servers[0]]); !math.IsNaN(was) {
			fmt.Fprintf(out, "   was %11s (× %s)", number(was), number(first/was))
		}
		if f.more {
			fmt.Fprint(out, "   more is better")
		}
		fmt.Fprintln(out)
	}
}

// median of nothing is NaN.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// number has three digits that matter, and thousands in groups.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
