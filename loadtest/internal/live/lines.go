package live

import (
	"fmt"
	"math"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// intervalLine is an interval in one line of ASCII, as "name value" pairs.
func intervalLine(r *run, iv *result.Interval) string {
	ph, share := r.phase()
	words := []string{fmt.Sprintf("%7s", show.Clock(iv.To)), "phase " + orDash(strings.ReplaceAll(ph.Name, " ", "_"))}
	if !math.IsNaN(share) {
		words = append(words, fmt.Sprintf("%.0f%%", share*100))
	}
	words = append(words, fmt.Sprintf("open %d/%d", iv.Open, iv.Wanted))
	for _, f := range []struct {
		name string
		rate float64
		ever int64
	}{{"published/s", r.rates.published, r.counts.Published}, {"received/s", r.rates.received, r.counts.Received}, {"acks/s", r.rates.acks, r.counts.Acks}} {
		if f.ever > 0 {
			words = append(words, f.name+" "+strings.ReplaceAll(result.Number(f.rate), ",", ""))
		}
	}
	if name, h := mainLatency(iv.Latency); h.Count() > 0 {
		for _, q := range []struct {
			name string
			q    float64
		}{{"p50", .5}, {"p99", .99}, {"max", 1}} {
			words = append(words, fmt.Sprintf("%s_%s %.2fms", name, q.name, h.Quantile(q.q).Seconds()*1000))
		}
	}
	if r.audit.Published > 0 {
		a := iv.Audit
		words = append(words, fmt.Sprintf("lost %d dup %d reord %d corrupt %d", a.Lost, a.Duplicated, a.Reordered, a.Corrupted))
	}
	return strings.Join(append(words, fmt.Sprintf("errors %d", failed(&iv.Counts))), " ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
