package plan

import (
	"math"
	"testing"
	"time"
)

func TestLineGoesEvenly(t *testing.T) {
	l := Line{From: 10, To: 30, Over: 10 * time.Second}
	for at, want := range map[time.Duration]float64{-1: 10, 0: 10, 5 * time.Second: 20, 10 * time.Second: 30, time.Hour: 30} {
		if got := l.At(at); got != want {
			t.Errorf("at %v: %v, want %v", at, got, want)
		}
	}
	if got := (Line{From: 0, To: 7}).At(0); got != 7 {
		t.Errorf("a line over no time starts at %v", got)
	}
	if got := (Line{From: 0, To: 3, Over: 2 * time.Second}).ClientsAt(time.Second); got != 2 {
		t.Errorf("1.5 clients are %d", got)
	}
}

// TestMessagesAreDueWhereTheRateSays holds the schedule against the sum of the rate.
func TestMessagesAreDueWhereTheRateSays(t *testing.T) {
	for _, l := range []Line{
		{From: 100, To: 100},
		{From: 0, To: 100, Over: 10 * time.Second},
		{From: 100, To: 0, Over: 10 * time.Second},
		{From: 50, To: 200, Over: 3 * time.Second},
		{From: 100, To: 100.000001, Over: 10 * time.Second},
	} {
		for n := range 499 {
			due := l.When(float64(n))
			if got := l.Sum(due); math.Abs(got-float64(n)) > 1e-3 {
				t.Fatalf("%+v: message %d is due at %v, when the rate has come to %v", l, n, due, got)
			}
		}
	}
	if got := (Line{From: 100, To: 0, Over: 10 * time.Second}).When(501); got != never {
		t.Errorf("more messages than there are, at %v", got)
	}
	if got := (Line{}).When(1); got != never {
		t.Errorf("a message without a rate, at %v", got)
	}
	if got := (Line{From: 5, To: 5}).When(1); got != 200*time.Millisecond {
		t.Errorf("the message after the first at %v", got)
	}
}

func TestNumbersFollowThePhases(t *testing.T) {
	sec := time.Second
	p := Plan{
		Groups: []Group{{Name: "a", Clients: 100, Rate: 10, RequestRate: 3}, {Name: "b", Clients: 7}},
		Phases: []Phase{
			{Kind: Ramp, Duration: 10 * sec, Quiet: true},
			{Kind: Hold, Duration: 10 * sec},
			{Kind: Ramp, Duration: 10 * sec, Clients: map[string]int{"a": 200}, Rate: map[string]float64{"a": 50}},
			{Kind: Spike, Duration: 10 * sec, Clients: map[string]int{"a": 1000}},
			{Kind: Ramp, Duration: 10 * sec, Clients: map[string]int{"a": 0}},
			{Kind: Stop},
		},
	}
	for i, want := range []Numbers{
		{Clients: Line{0, 100, 10 * sec}},
		{Clients: Line{100, 100, 0}, Rate: Line{10, 10, 0}, RequestRate: Line{3, 3, 0}},
		{Clients: Line{100, 200, 10 * sec}, Rate: Line{10, 50, 10 * sec}, RequestRate: Line{3, 3, 10 * sec}},
		{Clients: Line{1000, 1000, 0}, Rate: Line{50, 50, 0}, RequestRate: Line{3, 3, 0}},
		{Clients: Line{200, 0, 10 * sec}, Rate: Line{50, 50, 10 * sec}, RequestRate: Line{3, 3, 10 * sec}},
		{Clients: Line{0, 0, 0}},
	} {
		want.Arrivals.Over = want.Clients.Over // from none to none
		if got := p.Numbers(i, 0); got != want {
			t.Errorf("phase %d: %+v, want %+v", i, got, want)
		}
	}
	if got := p.Numbers(3, 1).Clients; got != (Line{7, 7, 0}) {
		t.Errorf("a group that no phase names: %+v", got)
	}
	if a, b := p.Most(0), p.Most(1); a != 1000 || b != 7 {
		t.Errorf("most clients at once: %d and %d, want 1000 and 7", a, b)
	}
}

func TestFirstRampComesFromNothing(t *testing.T) {
	p := Plan{
		Groups: []Group{{Name: "a", Clients: 100, Rate: 10, Publishers: 2}},
		Phases: []Phase{{Kind: Ramp, Duration: time.Second, Rate: map[string]float64{"a": 40}}},
	}
	n := p.Numbers(0, 0)
	if n.Clients != (Line{0, 100, time.Second}) || n.Rate != (Line{0, 40, time.Second}) {
		t.Errorf("%+v", n)
	}
	p.Phases[0].Rate = nil
	if n := p.Numbers(0, 0); n.Rate != (Line{10, 10, time.Second}) {
		t.Errorf("a rate that the ramp does not name: %+v", n.Rate)
	}
	if got := p.Most(0); got != 102 {
		t.Errorf("with two publishers, %d at most", got)
	}
	arriving := Plan{Groups: []Group{{Name: "a", Arrivals: 10, Stay: ExpTime(30 * time.Second)}}, Phases: []Phase{{Kind: Hold}}}
	if got := arriving.Most(0); got != 300 {
		t.Errorf("10 a second for 30 s each are %d", got)
	}
}

func TestEveryScenarioHasDefaults(t *testing.T) {
	for _, s := range Scenarios {
		g, ok := Default(s.Name, 1000)
		if !ok || g.Name != s.Name || g.Clients != 1000 || len(g.Transport) == 0 {
			t.Errorf("%s: %+v, %v", s.Name, g, ok)
		}
		if s.Does == "" || s.Rate == "" {
			t.Errorf("%s has no explanation", s.Name)
		}
	}
	if g, _ := Default("chat", 1000); g.Rooms != 100 || g.Rate != 100 {
		t.Errorf("a chat of 1000: %d rooms and %v messages a second, want 100 and 100", g.Rooms, g.Rate)
	}
	if _, ok := Default("chats", 1); ok {
		t.Error("there is no scenario chats")
	}
}
