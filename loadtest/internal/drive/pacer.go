package drive

import (
	"math"
	"time"
)

// stretch is a time within which a rate goes evenly from one number to another.
type stretch struct {
	// at is when it begins, since the run began.
	at time.Duration
	// length of 0 has no end: the rate is from, until another stretch begins.
	length time.Duration
	// from and to are per second.
	from, to float64
}

// pacer gives the times at which things are due by a rate: at even distances, no
// matter when it is asked. It is owned by one goroutine.
type pacer struct {
	stretch
	// before is the part of one thing, or the one, that had come due when the stretch began.
	before float64
	given  int64 // within the stretch
	// shift delays the first thing after a pause by this part of a distance.
	shift float64
}

// begin changes the rate. What was due before s.at and was not asked for is no longer
// given. After a pause the first thing is due at once.
func (p *pacer) begin(s stretch) {
	due := p.before + p.due(s.at)
	if p.rate(s.at) == 0 {
		p.before = 1 - p.shift
	} else {
		// What is due exactly at s.at belongs to s, give or take a rounding.
		p.before = due - (math.Ceil(due-1e-6) - 1)
	}
	p.stretch, p.given = s, 0
}

// next is when the next thing is due. ok is false if none is within the stretch.
func (p *pacer) next() (at time.Duration, ok bool) {
	area := float64(p.given+1) - p.before
	x, ok := p.reach(area)
	at = p.at + time.Duration(math.Round(x*float64(time.Second)))
	if !ok || p.length > 0 && at >= p.at+p.length {
		return 0, false
	}
	p.given++
	return at, true
}

// reach is how many seconds into the stretch so many things have come due: the
// solution of from·x + slope·x²/2 = area, in the form that is exact for small slopes.
func (p *pacer) reach(area float64) (seconds float64, ok bool) {
	if area <= 0 {
		return 0, p.from > 0 || p.length > 0 && p.to > 0
	}
	slope := p.slope()
	root := p.from*p.from + 2*slope*area
	if root < 0 {
		return 0, false
	}
	divisor := p.from + math.Sqrt(root)
	if divisor <= 0 {
		return 0, false
	}
	return 2 * area / divisor, true
}

// due is how many things came due in the stretch before the time at.
func (p *pacer) due(at time.Duration) float64 {
	x := p.into(at)
	return p.from*x + p.slope()*x*x/2
}

// rate is what it is at the time, 0 before the first stretch.
func (p *pacer) rate(at time.Duration) float64 { return p.from + p.slope()*p.into(at) }

// into is how many seconds of the stretch have gone by.
func (p *pacer) into(at time.Duration) float64 {
	x := max(at-p.at, 0)
	if p.length > 0 {
		x = min(x, p.length)
	}
	return x.Seconds()
}

func (p *pacer) slope() float64 {
	if p.length <= 0 {
		return 0
	}
	return (p.to - p.from) / p.length.Seconds()
}
