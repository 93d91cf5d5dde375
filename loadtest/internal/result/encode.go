package result

import (
	"encoding/json"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// histogramFile is the form in a file: some quantiles in milliseconds for people, and
// all of it as HdrHistogram's V2 compressed encoding in base64, in microseconds.
type histogramFile struct {
	Count int64              `json:"count"`
	MS    map[string]float64 `json:"ms,omitempty"`
	HDR   string             `json:"hdr,omitempty"`
}

// MarshalJSON writes quantiles and the whole.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	f := histogramFile{Count: h.Count()}
	if f.Count > 0 {
		f.MS = map[string]float64{"min": ms(h.Min()), "mean": ms(h.Mean())}
		for _, q := range Quantiles {
			f.MS[q.Name] = ms(h.Quantile(q.Q))
		}
		hdr, err := h.encode()
		if err != nil {
			return nil, err
		}
		f.HDR = hdr
	}
	return json.Marshal(f)
}

func (h *Histogram) encode() (string, error) {
	whole := hdrhistogram.New(shortest, longest, digits)
	for bucket, n := range h.buckets() {
		low, _ := edges(bucket)
		if err := whole.RecordValues(low, n); err != nil {
			return "", fmt.Errorf("encode histogram: %w", err)
		}
	}
	b, err := whole.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode histogram: %w", err)
	}
	return string(b), nil
}

// UnmarshalJSON reads the whole, packed; the quantiles follow from it. A histogram
// with other buckets, or another count than it says, is an error.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var f histogramFile
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*h = Histogram{}
	if f.HDR != "" {
		if err := h.decode(f.HDR); err != nil {
			return fmt.Errorf("histogram: %w", err)
		}
	}
	if h.total != f.Count {
		return fmt.Errorf("histogram: it has %d times and says %d", h.total, f.Count)
	}
	return nil
}

func (h *Histogram) decode(hdr string) error {
	// a hundred times what ours can take: what is refused is not inflated first
	if len(hdr) > 16<<20 {
		return fmt.Errorf("%d bytes are too many", len(hdr))
	}
	whole, err := hdrhistogram.Decode([]byte(hdr))
	if err != nil {
		return err
	}
	if whole.LowestTrackableValue() != shortest || whole.HighestTrackableValue() != longest || whole.SignificantFigures() != digits {
		return fmt.Errorf("its range is %d to %d µs to %d digits, not %d to %d to %d", whole.LowestTrackableValue(),
			whole.HighestTrackableValue(), whole.SignificantFigures(), shortest, longest, digits)
	}
	dense := NewHistogram()
	for _, bar := range whole.Distribution() {
		if bar.Count > 0 {
			dense.Add(Bucket(micros(bar.From)), bar.Count)
		}
	}
	if packed := dense.Packed(); packed != nil {
		*h = *packed
	}
	return nil
}
