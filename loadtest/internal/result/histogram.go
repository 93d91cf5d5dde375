package result

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The histograms' range, in microseconds, and precision. Longer times are recorded
// as the longest.
const (
	shortest = 1
	longest  = int64(10 * time.Minute / time.Microsecond)
	digits   = 3
)

// Histogram holds times from 1 µs to 10 min, each to three digits. A nil Histogram
// is empty, and cannot be recorded into. It is not safe for concurrent use.
type Histogram struct{ h *hdrhistogram.Histogram }

// NewHistogram returns an empty one, of about 170 KiB.
func NewHistogram() *Histogram {
	return &Histogram{hdrhistogram.New(shortest, longest, digits)}
}

// Record adds one time. Less than 1 µs counts as none.
func (h *Histogram) Record(d time.Duration) {
	_ = h.h.RecordValue(min(max(d.Microseconds(), 0), longest)) // in range
}

// Merge adds all that o has.
func (h *Histogram) Merge(o *Histogram) {
	if o != nil {
		h.h.Merge(o.h)
	}
}

// Reset empties it.
func (h *Histogram) Reset() { h.h.Reset() }

// Count is how many times were recorded.
func (h *Histogram) Count() int64 {
	if h == nil {
		return 0
	}
	return h.h.TotalCount()
}

// Quantile is the time that the share q of all, from 0 to 1, did not exceed. 1 is the
// longest. 0 if it is empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.Count() == 0 {
		return 0
	}
	if q >= 1 {
		return micros(h.h.Max())
	}
	return micros(h.h.ValueAtPercentile(q * 100))
}

// Min is the shortest time.
func (h *Histogram) Min() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return micros(h.h.Min())
}

// Mean is the sum of all by their number.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.Mean() * float64(time.Microsecond))
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// histogramFile is the form in a file: some quantiles in milliseconds for people, and
// all of it as HdrHistogram's V2 compressed encoding in base64, in microseconds.
type histogramFile struct {
	Count int64              `json:"count"`
	MS    map[string]float64 `json:"ms,omitempty"`
	HDR   string             `json:"hdr,omitempty"`
}

// Quantiles are those that reports show, by their names in expectations.
var Quantiles = []struct {
	Name string
	Q    float64
}{{"p50", .5}, {"p75", .75}, {"p90", .9}, {"p95", .95}, {"p99", .99}, {"p999", .999}, {"p9999", .9999}, {"max", 1}}

// MarshalJSON writes quantiles and the whole.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	f := histogramFile{Count: h.Count()}
	if f.Count > 0 {
		f.MS = map[string]float64{"min": ms(h.Min()), "mean": ms(h.Mean())}
		for _, q := range Quantiles {
			f.MS[q.Name] = ms(h.Quantile(q.Q))
		}
		b, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			return nil, fmt.Errorf("encode histogram: %w", err)
		}
		f.HDR = string(b)
	}
	return json.Marshal(f)
}

// UnmarshalJSON reads the whole; the quantiles follow from it.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var f histogramFile
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*h = *NewHistogram()
	if f.HDR == "" {
		return nil
	}
	decoded, err := hdrhistogram.Decode([]byte(f.HDR))
	if err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	h.h.Merge(decoded)
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
