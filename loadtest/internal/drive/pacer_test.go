package drive

import (
	"math"
	"testing"
	"time"
)

// all is every due time of the stretch that the pacer is in.
func all(p *pacer, limit int) (at []time.Duration) {
	for len(at) < limit {
		next, ok := p.next()
		if !ok {
			break
		}
		at = append(at, next)
	}
	return at
}

func TestEvenRateIsDueAtEvenDistances(t *testing.T) {
	var p pacer
	p.begin(stretch{at: time.Second, length: 10 * time.Second, from: 50, to: 50})
	at := all(&p, 1000)
	if len(at) != 500 {
		t.Fatalf("%d are due in 10 s at 50 a second, not 500", len(at))
	}
	for i, d := range at {
		if want := time.Second + time.Duration(i)*20*time.Millisecond; d != want {
			t.Fatalf("number %d is due at %v, not %v", i, d, want)
		}
	}
}

func TestRampOfTheRateHoldsItsArea(t *testing.T) {
	for name, s := range map[string]stretch{
		"up from none": {length: 10 * time.Second, from: 0, to: 100},
		"up":           {length: 10 * time.Second, from: 20, to: 80},
		"down":         {length: 10 * time.Second, from: 80, to: 20},
		"down to none": {length: 10 * time.Second, from: 100, to: 0},
	} {
		t.Run(name, func(t *testing.T) {
			var p pacer
			p.begin(s)
			at := all(&p, 10000)
			if math.Abs(float64(len(at))-500) > 1 {
				t.Fatalf("%d are due, not 500", len(at))
			}
			for i := 1; i < len(at); i++ {
				rate := s.from + (s.to-s.from)*at[i].Seconds()/10
				if gap := (at[i] - at[i-1]).Seconds(); rate > 20 && math.Abs(gap*rate-1) > .1 {
					t.Fatalf("%v after the one before at %v: the rate is %v", gap, at[i], rate)
				}
			}
		})
	}
}

func TestChangeOfRateKeepsTheRhythm(t *testing.T) {
	var p pacer
	p.begin(stretch{length: 250 * time.Millisecond, from: 10, to: 10}) // 0, 100, 200 ms, and half a message
	first := all(&p, 100)
	p.begin(stretch{at: 250 * time.Millisecond, from: 5, to: 5})
	next, _ := p.next()
	if len(first) != 3 || next != 350*time.Millisecond {
		t.Fatalf("%v, then %v; not 3, then the missing half after 100 ms", first, next)
	}
}

func TestAfterAPauseTheFirstIsDueAtOnce(t *testing.T) {
	var p pacer
	p.begin(stretch{length: time.Second, from: 10, to: 10})
	all(&p, 100)
	p.begin(stretch{at: time.Second, length: time.Second})
	if at, ok := p.next(); ok {
		t.Fatalf("due at %v in a pause", at)
	}
	p.begin(stretch{at: 2 * time.Second, from: .001, to: .001})
	if at, ok := p.next(); !ok || at != 2*time.Second {
		t.Fatalf("%v, %v: not at once", at, ok)
	}
}

func TestRateOfNothingIsNeverDue(t *testing.T) {
	var p pacer
	if at, ok := p.next(); ok {
		t.Fatalf("due at %v", at)
	}
	p.begin(stretch{at: time.Second})
	if at, ok := p.next(); ok {
		t.Fatalf("due at %v", at)
	}
}
