package wire

import (
	"math"
	"math/rand/v2"
	"time"
)

// Backoff is how the official client spaces its attempts to reconnect: Delay doubles
// with each, every value is changed at random by up to the share Factor of it, and none
// exceeds Max. The zero value has the official client's numbers.
type Backoff struct {
	Delay  time.Duration // of the first attempt. 0 means 1 s
	Max    time.Duration // 0 means 5 s
	Factor float64       // 0 to 1. 0 means 0.5; negative means no randomness
}

// delay returns the wait before an attempt, counted from 0.
func (b Backoff) delay(attempt int) time.Duration {
	if b.Delay <= 0 {
		b.Delay = time.Second
	}
	if b.Max <= 0 {
		b.Max = 5 * time.Second
	}
	if b.Factor == 0 {
		b.Factor = 0.5
	}
	d := float64(b.Delay) * math.Pow(2, float64(min(attempt, 62)))
	if b.Factor > 0 {
		// The official client draws the sign from the same number as the size.
		r := rand.Float64()
		deviation := r * min(b.Factor, 1) * d
		if int(r*10)&1 == 0 {
			deviation = -deviation
		}
		d += deviation
	}
	return time.Duration(min(d, float64(b.Max)))
}
