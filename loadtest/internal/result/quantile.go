package result

import (
	"iter"
	"math"
	"time"
)

// Quantiles are those that reports show, by their names in expectations.
var Quantiles = []struct {
	Name string
	Q    float64
}{{"p50", .5}, {"p75", .75}, {"p90", .9}, {"p95", .95}, {"p99", .99}, {"p999", .999}, {"p9999", .9999}, {"max", 1}}

// Count is how many times were recorded.
func (h *Histogram) Count() int64 {
	if h == nil {
		return 0
	}
	return h.total
}

// Quantile is the time that the share q of all, from 0 to 1, did not exceed: the upper
// edge of its bucket, at most 0.1 % above. 1 is the longest. 0 if it is empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.Count() == 0 {
		return 0
	}
	rank := max(int64(math.Ceil(min(max(q, 0), 1)*float64(h.total))), 1)
	for longestOf, seen := range h.Curve() {
		if seen >= rank {
			return longestOf
		}
	}
	return 0 // not reached: the last of the curve is all of them
}

// Curve yields, from the shortest time on, the longest time of each bucket that is not
// empty and how many times were not longer than that.
func (h *Histogram) Curve() iter.Seq2[time.Duration, int64] {
	return func(yield func(time.Duration, int64) bool) {
		if h.Count() == 0 {
			return
		}
		var seen int64
		for bucket, n := range h.buckets() {
			seen += n
			_, high := edges(bucket)
			if !yield(micros(high), seen) {
				return
			}
		}
	}
}

// AtMost is how many times were not longer than d, to three digits of d.
func (h *Histogram) AtMost(d time.Duration) int64 {
	var seen int64
	for longestOf, n := range h.Curve() {
		if longestOf > d {
			break
		}
		seen = n
	}
	return seen
}

// Min is the shortest time. 0 if it is empty.
func (h *Histogram) Min() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	for bucket := range h.buckets() {
		low, _ := edges(bucket)
		return micros(low)
	}
	return 0
}

// Mean is the sum of all by their number. 0 if it is empty.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.Sum() / float64(h.total) * float64(time.Second))
}

// Sum is all times together, in seconds, each taken as the middle of its bucket.
func (h *Histogram) Sum() float64 {
	if h.Count() == 0 {
		return 0
	}
	var us float64
	for bucket, n := range h.buckets() {
		low, high := edges(bucket)
		us += float64(low+high) / 2 * float64(n)
	}
	return us / 1e6
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
