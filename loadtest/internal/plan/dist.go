package plan

import (
	"math"
	"math/rand/v2"
	"time"
)

// The kinds of distributions.
const (
	Constant    = "constant"
	Uniform     = "uniform"
	Normal      = "normal"
	Exponential = "exponential"
	Mix         = "mix"
)

// MaxPayload is the most bytes that a payload can have. Samples beyond are cut to it.
const MaxPayload = 16 << 20

// maxTime is the longest time that is sampled.
const maxTime = 24 * time.Hour

// Dist is a distribution of numbers: sizes in bytes or times in seconds, by its
// field. The zero value is always 0. It is written as text, in files and on the
// command line: see ParseDist.
type Dist struct {
	// Kind is "", constant, uniform, normal, exponential or mix.
	Kind string
	// A and B are: constant A; uniform from A to B; normal with mean A and deviation B;
	// exponential with mean A.
	A, B float64
	// Mix is of kind mix: each with its weight.
	Mix []Weighted
	// Unit is what the numbers were written in: "" for bytes, "s" for times.
	Unit string
}

// Weighted is one of several distributions.
type Weighted struct {
	Weight float64
	Of     Dist
}

// IsZero reports whether every sample is 0.
func (d Dist) IsZero() bool {
	switch d.Kind {
	case "":
		return true
	case Mix:
		for _, w := range d.Mix {
			if w.Weight > 0 && !w.Of.IsZero() {
				return false
			}
		}
		return true
	}
	return d.A == 0 && d.B == 0
}

// Sample draws a number, never below 0. A nil r is for distributions that are constant.
func (d Dist) Sample(r *rand.Rand) float64 {
	switch d.Kind {
	case Constant:
		return max(d.A, 0)
	case Uniform:
		return max(d.A+(d.B-d.A)*r.Float64(), 0)
	case Normal:
		return max(d.A+d.B*r.NormFloat64(), 0)
	case Exponential:
		return d.A * r.ExpFloat64()
	case Mix:
		return d.pick(r).Sample(r)
	}
	return 0
}

// pick chooses one of a mix by the weights.
func (d Dist) pick(r *rand.Rand) Dist {
	at := r.Float64() * d.weights()
	for _, w := range d.Mix {
		if at -= w.Weight; at < 0 {
			return w.Of
		}
	}
	return d.Mix[len(d.Mix)-1].Of // what rounding left over
}

func (d Dist) weights() (sum float64) {
	for _, w := range d.Mix {
		sum += w.Weight
	}
	return sum
}

// Size draws a number of bytes from 0 to MaxPayload.
func (d Dist) Size(r *rand.Rand) int {
	return int(math.Round(min(d.Sample(r), MaxPayload)))
}

// Time draws a time from 0 to a day.
func (d Dist) Time(r *rand.Rand) time.Duration {
	return time.Duration(min(d.Sample(r), maxTime.Seconds()) * float64(time.Second))
}

// Mean is what samples come to on the average, apart from what is cut off below 0.
func (d Dist) Mean() float64 {
	switch d.Kind {
	case Uniform:
		return (d.A + d.B) / 2
	case Mix:
		mean, all := 0.0, d.weights()
		for _, w := range d.Mix {
			mean += w.Of.Mean() * w.Weight / all
		}
		return mean
	}
	return d.A
}

// Rand returns the source of random choices number stream: the same for the same
// seed, and independent of the others. It is for one goroutine.
func (p *Plan) Rand(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, stream))
}
