package plan

import (
	"math"
	"time"
)

// Line is a number that goes evenly From one To another Over a time, and stays there.
// Over 0, it is To from the start.
type Line struct {
	From, To float64
	Over     time.Duration
}

// At is the number at t.
func (l Line) At(t time.Duration) float64 {
	switch {
	case t >= l.Over:
		return l.To
	case t <= 0:
		return l.From
	}
	return l.From + (l.To-l.From)*float64(t)/float64(l.Over)
}

// ClientsAt is At, to the nearest whole number.
func (l Line) ClientsAt(t time.Duration) int { return int(math.Round(l.At(t))) }

// Sum is, of a rate per second, how much it comes to from 0 to t.
func (l Line) Sum(t time.Duration) float64 {
	if t <= 0 {
		return 0
	}
	ramp := min(t, l.Over)
	return (l.From+l.At(ramp))/2*ramp.Seconds() + l.To*(t-ramp).Seconds()
}

// When is, of a rate per second, the time at which it has come to n: when message n
// is due. Never is math.MaxInt64.
func (l Line) When(n float64) time.Duration {
	if n <= 0 {
		return 0
	}
	ramp := l.Over.Seconds()
	if whole := (l.From + l.To) / 2 * ramp; n > whole {
		return seconds(ramp + (n-whole)/l.To)
	}
	// n = From·t + slope·t²/2, solved in the form that is exact for a small slope too.
	slope := (l.To - l.From) / ramp
	root := math.Sqrt(max(l.From*l.From+2*slope*n, 0))
	return seconds(2 * n / (l.From + root))
}

const never = time.Duration(math.MaxInt64)

func seconds(s float64) time.Duration {
	if !(s < never.Seconds()) { // or no number at all
		return never
	}
	return time.Duration(s * float64(time.Second))
}

// Numbers are what a group has in a phase, by the time since its start.
type Numbers struct {
	Clients     Line // without Publishers
	Rate        Line // messages a second, of the whole group; see Group.Rate
	RequestRate Line
	Arrivals    Line
}

// Numbers returns those of a group in a phase. In a phase that is quiet, or the stop,
// the rates are 0, and in the stop no more clients arrive: which of them are there
// when is for the engine to say.
func (p *Plan) Numbers(phase, group int) Numbers {
	g := &p.Groups[group]
	line := func(base, start float64, said func(Phase) (float64, bool)) Line {
		return p.line(phase, base, start, said)
	}
	n := Numbers{
		Clients: line(float64(g.Clients), 0, func(ph Phase) (float64, bool) {
			v, ok := ph.Clients[g.Name]
			return float64(v), ok
		}),
		Rate:        line(g.Rate, g.Rate, func(ph Phase) (float64, bool) { v, ok := ph.Rate[g.Name]; return v, ok }),
		RequestRate: line(g.RequestRate, g.RequestRate, func(ph Phase) (float64, bool) { v, ok := ph.RequestRate[g.Name]; return v, ok }),
		Arrivals:    line(g.Arrivals, 0, func(ph Phase) (float64, bool) { v, ok := ph.Arrivals[g.Name]; return v, ok }),
	}
	if ph := p.Phases[phase]; ph.Quiet || ph.Kind == Stop {
		n.Rate, n.RequestRate = Line{}, Line{}
		if ph.Kind == Stop {
			n.Arrivals = Line{}
		}
	}
	return n
}

// line follows a number through the phases. base is what it is until a phase says
// otherwise, and start where a ramp at the very beginning comes from.
func (p *Plan) line(phase int, base, start float64, said func(Phase) (float64, bool)) Line {
	was, now := start, base
	for i := range phase + 1 {
		ph := p.Phases[i]
		to, ok := said(ph)
		if !ok {
			to = now
		} else if i == 0 {
			was = 0
		}
		switch {
		case i == phase && ph.Kind == Ramp:
			return Line{From: was, To: to, Over: ph.Duration}
		case i == phase:
			return Line{From: to, To: to}
		case ph.Kind != Spike:
			now = to
		}
		was = now
	}
	return Line{}
}

// Most is the largest number of clients, publishers included, that the group is meant
// to have at once.
func (p *Plan) Most(group int) int {
	g := &p.Groups[group]
	most := 0.0
	for i := range p.Phases {
		n := p.Numbers(i, group)
		most = max(most, n.Clients.From, n.Clients.To, max(n.Arrivals.From, n.Arrivals.To)*g.Stay.Mean())
	}
	return int(math.Ceil(most)) + g.Publishers
}
