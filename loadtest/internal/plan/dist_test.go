package plan

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestDistributionsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "0",
		"0":                        "0",
		"128":                      "128",
		" 4k ":                     "4k",
		"1.5k":                     "1536",
		"1M":                       "1M",
		"64..1024":                 "64..1k",
		"0..2s":                    "0..2s",
		"500ms":                    "500ms",
		"1.5m":                     "90s",
		"normal(200,50)":           "normal(200,50)",
		"normal( 1s , 100ms )":     "normal(1s,100ms)",
		"exp(2s)":                  "exp(2s)",
		"mix(90:128, 10:4096)":     "mix(90:128, 10:4k)",
		"mix(1:exp(1s),2:0..30s)":  "mix(1:exp(1s), 2:0..30s)",
		"mix(1:mix(1:1,1:2), 1:3)": "mix(1:mix(1:1, 1:2), 1:3)",
	} {
		d, err := ParseDist(text)
		if err != nil || d.String() != want {
			t.Errorf("%q: got %q, %v; want %q", text, d, err, want)
			continue
		}
		again, err := ParseDist(d.String())
		if err != nil || again.String() != want {
			t.Errorf("%q written and read again: %q, %v", text, again, err)
		}
	}
}

func TestWrongDistributionIsRefused(t *testing.T) {
	for _, text := range []string{
		"x", "-1", "1..", "..1", "9..3", "1 2", "128b", "normal(1)", "normal(1,2,3)", "exp()", "exp(1,2)", "exp(1", "uniform(1,2)",
		"mix()", "mix(1)", "mix(0:1)", "mix(-1:1)", "mix(x:1)", "mix(NaN:1)", "NaN", "Inf", "1e300", "17M",
		"1..2s", "mix(1:1s,1:7)", "normal(1k,1s)", "mix(1:mix(1:mix(1:mix(1:mix(1:1)))))", strings.Repeat("1", 2000),
	} {
		if d, err := ParseDist(text); err == nil {
			t.Errorf("%.40q was taken for %q", text, d)
		}
	}
}

func TestSamplesAreOfTheirDistribution(t *testing.T) {
	p := Plan{Seed: 7}
	for text, want := range map[string]struct{ mean, least, most float64 }{
		"128":                  {128, 128, 128},
		"64..192":              {128, 64, 192},
		"normal(200,50)":       {200, 0, 500},
		"exp(2s)":              {2, 0, 60},
		"mix(90:128, 10:4096)": {128*.9 + 4096*.1, 128, 4096},
	} {
		d, err := ParseDist(text)
		if err != nil {
			t.Fatal(err)
		}
		r, sum := p.Rand(1), 0.0
		const n = 20_000
		for range n {
			x := d.Sample(r)
			if x < want.least || x > want.most {
				t.Fatalf("%s: %v is not from %v to %v", text, x, want.least, want.most)
			}
			sum += x
		}
		if mean := sum / n; math.Abs(mean-want.mean) > want.mean/20 || math.Abs(d.Mean()-want.mean) > 1e-9 {
			t.Errorf("%s: samples come to %v, Mean is %v, want %v", text, mean, d.Mean(), want.mean)
		}
	}
}

func TestSamplesNeverLeaveTheirRange(t *testing.T) {
	p := Plan{}
	r := p.Rand(1)
	wild := Dist{Kind: Normal, A: 0, B: 1e12}
	for range 1000 {
		if n := wild.Size(r); n < 0 || n > MaxPayload {
			t.Fatalf("a size of %d", n)
		}
		if d := wild.Time(r); d < 0 || d > 24*time.Hour {
			t.Fatalf("a time of %v", d)
		}
	}
	if got := Time(1500 * time.Millisecond).Time(nil); got != 1500*time.Millisecond {
		t.Errorf("a constant of 1.5 s gives %v", got)
	}
}

func TestSeedRepeatsChoices(t *testing.T) {
	draw := func(seed, stream uint64) [4]uint64 {
		p := Plan{Seed: seed}
		r := p.Rand(stream)
		return [4]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
	}
	if first, again := draw(1, 1), draw(1, 1); first != again {
		t.Error("the same seed and stream differ")
	}
	if draw(1, 1) == draw(1, 2) || draw(1, 1) == draw(2, 1) {
		t.Error("another seed or stream gives the same")
	}
}

func FuzzParseDist(f *testing.F) {
	for _, s := range []string{"128", "1..2k", "normal(200,50)", "exp(2s)", "mix(90:128, 10:mix(1:4k,2:1..2))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDist(text)
		if err != nil {
			return
		}
		again, err := ParseDist(d.String())
		if err != nil || again.String() != d.String() {
			t.Errorf("%q became %q, which is read as %q, %v", text, d, again, err)
		}
	})
}
