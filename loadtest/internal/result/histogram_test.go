package result

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// spread are n times over the whole range, repeatable.
func spread(n int, seed uint64) []time.Duration {
	rnd := rand.New(rand.NewPCG(seed, 1))
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(rnd.ExpFloat64() * float64(time.Duration(1)<<(rnd.IntN(29)+10)))
	}
	return out
}

func of(times []time.Duration) *Histogram {
	h := NewHistogram()
	for _, d := range times {
		h.Record(d)
	}
	return h
}

// equal compares what can be seen of two histograms.
func equal(t *testing.T, got, want *Histogram) {
	t.Helper()
	if got.Count() != want.Count() || got.Min() != want.Min() || got.Mean() != want.Mean() {
		t.Errorf("count %d, min %v, mean %v, want %d, %v, %v", got.Count(), got.Min(), got.Mean(), want.Count(), want.Min(), want.Mean())
	}
	for q := 0.0; q <= 1; q += 0.01 {
		if g, w := got.Quantile(q), want.Quantile(q); g != w {
			t.Fatalf("quantile %.2f is %v, want %v", q, g, w)
		}
	}
}

func TestQuantilesAreExactToThreeDigits(t *testing.T) {
	times := spread(20_000, 1)
	h := of(times)
	slices.Sort(times)
	for _, q := range []float64{0, .01, .5, .75, .9, .95, .99, .999, .9999, 1} {
		rank := max(int(float64(len(times))*q+.999999), 1)
		exact := min(times[rank-1].Truncate(time.Microsecond), 10*time.Minute)
		got := h.Quantile(q)
		if got < exact || float64(got-exact) > float64(exact)/1000 {
			t.Errorf("quantile %v is %v, want %v and at most 0.1 %% more", q, got, exact)
		}
	}
}

func TestBucketsAreThoseOfHdrHistogram(t *testing.T) {
	other := hdrhistogram.New(shortest, longest, digits)
	for _, d := range append(spread(5000, 2), 0, time.Microsecond, 2047*time.Microsecond, 2048*time.Microsecond, 10*time.Minute) {
		us := min(d.Microseconds(), longest)
		low, high := edges(Bucket(d))
		if us < low || us > high {
			t.Fatalf("%d µs is in the bucket from %d to %d", us, low, high)
		}
		if !other.ValuesAreEquivalent(low, high) || other.ValuesAreEquivalent(high, high+1) {
			t.Fatalf("bucket of %d µs, from %d to %d, is none of HdrHistogram's", us, low, high)
		}
	}
	if Bucket(10*time.Minute) >= Buckets || Bucket(1<<62) != Bucket(10*time.Minute) || Bucket(-5) != 0 {
		t.Error("a time out of range is not counted as the nearest one in it")
	}
}

func TestMergingEqualsRecordingIntoOne(t *testing.T) {
	a, b := spread(3000, 3), spread(2000, 4)
	want := of(slices.Concat(a, b))

	dense := of(a)
	dense.Merge(of(b))
	equal(t, dense, want)

	packed := of(a).Packed()
	packed.Merge(of(b).Packed())
	equal(t, packed, want)

	var zero Histogram
	zero.Merge(want)
	zero.Merge(nil)
	zero.Merge(new(Histogram))
	equal(t, &zero, want)
}

func TestPackedHistogramIsTheSameAndSmall(t *testing.T) {
	times := spread(5000, 5)
	h := of(times)
	packed := h.Packed()
	equal(t, packed, h)
	distinct := 0
	for range h.buckets() {
		distinct++
	}
	if len(packed.packed) > 3*distinct {
		t.Errorf("%d bytes for %d different times", len(packed.packed), distinct)
	}
	packed.Record(time.Second)
	h.Record(time.Second)
	equal(t, packed, h)
	if NewHistogram().Packed() != nil {
		t.Error("an empty histogram is packed into something")
	}
}

func TestEmptyHistogramHasNoTimes(t *testing.T) {
	full := of(spread(10, 6))
	full.Reset()
	for name, h := range map[string]*Histogram{"nil": nil, "zero": {}, "new": NewHistogram(), "reset": full} {
		if h.Count() != 0 || h.Quantile(.5) != 0 || h.Min() != 0 || h.Mean() != 0 || h.Sum() != 0 || h.AtMost(time.Hour) != 0 || h.Packed() != nil {
			t.Errorf("%s is not empty", name)
		}
	}
}

func TestCurveAndAtMostCountUpToATime(t *testing.T) {
	h := of([]time.Duration{time.Millisecond, time.Millisecond, 5 * time.Millisecond, time.Second})
	for d, want := range map[time.Duration]int64{0: 0, 999 * time.Microsecond: 0, time.Millisecond: 2, 6 * time.Millisecond: 3, 2 * time.Second: 4} {
		if got := h.AtMost(d); got != want {
			t.Errorf("%d times of at most %v, want %d", got, d, want)
		}
	}
	if got := h.Sum(); got < 1.006 || got > 1.008 {
		t.Errorf("the sum is %v s, want 1.007", got)
	}
}

func TestHistogramFileIsReadByHdrHistogram(t *testing.T) {
	h := of(spread(5000, 7))
	var f histogramFile
	write(t, h, &f)
	other, err := hdrhistogram.Decode([]byte(f.HDR))
	if err != nil {
		t.Fatal(err)
	}
	if other.TotalCount() != h.Count() || micros(other.ValueAtQuantile(99)) != h.Quantile(.99) {
		t.Errorf("it reads %d times with p99 %d µs, want %d and %v", other.TotalCount(), other.ValueAtQuantile(99), h.Count(), h.Quantile(.99))
	}
	if f.MS["p99"] != ms(h.Quantile(.99)) || f.MS["max"] != ms(h.Quantile(1)) {
		t.Errorf("the figures for people are %v", f.MS)
	}
}

func write(t *testing.T, h *Histogram, f *histogramFile) []byte {
	t.Helper()
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if f != nil {
		if err := json.Unmarshal(b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestHistogramComesBackFromItsFile(t *testing.T) {
	for name, h := range map[string]*Histogram{
		"empty": NewHistogram(), "one": of([]time.Duration{3 * time.Second}), "many": of(spread(5000, 8)),
		"packed": of(spread(500, 9)).Packed(), "ends": of([]time.Duration{0, time.Hour}),
	} {
		t.Run(name, func(t *testing.T) {
			var back Histogram
			if err := json.Unmarshal(write(t, h, nil), &back); err != nil {
				t.Fatal(err)
			}
			equal(t, &back, h)
		})
	}
}

func TestDamagedHistogramIsRefused(t *testing.T) {
	var good histogramFile
	write(t, of(spread(500, 10)), &good)
	raw, err := base64.StdEncoding.DecodeString(good.HDR)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(raw)
	flipped[len(flipped)/2] ^= 0x55
	wide := hdrhistogram.New(1, 1<<40, 3)
	if err := wide.RecordValue(5); err != nil {
		t.Fatal(err)
	}
	other, err := wide.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]histogramFile{
		"cut short":     {Count: good.Count, HDR: base64.StdEncoding.EncodeToString(raw[:len(raw)/2])},
		"changed":       {Count: good.Count, HDR: base64.StdEncoding.EncodeToString(flipped)},
		"no base64":     {Count: good.Count, HDR: "%%%"},
		"another count": {Count: good.Count + 1, HDR: good.HDR},
		"left out":      {Count: good.Count},
		"another range": {Count: 1, HDR: string(other)},
		"huge":          {Count: 1, HDR: strings.Repeat("A", 17<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, new(Histogram)); err == nil {
				t.Error("it was read")
			}
		})
	}
}

func FuzzHistogramFile(f *testing.F) {
	b, err := json.Marshal(of(spread(50, 11)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"count":0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h, back Histogram
		if json.Unmarshal(b, &h) != nil {
			return
		}
		if err := json.Unmarshal(write(t, &h, nil), &back); err != nil {
			t.Fatal(err)
		}
		if back.Count() != h.Count() || back.Quantile(.99) != h.Quantile(.99) {
			t.Fatal("it changed on its way")
		}
	})
}

func BenchmarkPack(b *testing.B) {
	h := of(spread(20_000, 12))
	b.ReportAllocs()
	for b.Loop() {
		h.Packed()
	}
}
