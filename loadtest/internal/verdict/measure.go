package verdict

import (
	"math"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// measure is something that can be expected of a result.
type measure struct {
	units []string
	// found looks it up, in the unit: seconds for times, percent for %. ok is false if
	// it was not measured; text says what was found in either case.
	found func(r *result.Result, unit string) (v float64, text string, ok bool)
}

func quantile(metric, name string) measure {
	return measure{units: []string{"us", "ms", "s"}, found: func(r *result.Result, _ string) (float64, string, bool) {
		h := histogram(r, metric)
		if h.Count() == 0 {
			return 0, "not measured: there were no " + things[metric], false
		}
		d := h.Quantile(share(name))
		return d.Seconds(), result.Time(d), true
	}}
}

// things are what a metric's times are of.
var things = map[string]string{
	"connect": "connections", "ack": "answers", "delivery": "deliveries", "reconnect": "reconnections",
}

func histogram(r *result.Result, metric string) *result.Histogram {
	for _, f := range result.LatencyFields {
		if f.Name == metric {
			return *f.Of(&r.Latency)
		}
	}
	return nil
}

func share(name string) float64 {
	for _, q := range result.Quantiles {
		if q.Name == name {
			return q.Q
		}
	}
	return 1
}

func figure(f result.Figure) measure {
	units := []string{""}
	if f.Unit == "%" {
		units = append(units, "%")
	}
	return measure{units: units, found: func(r *result.Result, _ string) (float64, string, bool) {
		v := f.Of(r)
		if math.IsNaN(v) {
			return 0, "not measured", false
		}
		text := result.Number(v) + " " + f.Unit
		if f.Unit == "/s" {
			text = result.Number(v) + "/s"
		}
		return v, text, true
	}}
}
