package search

import (
	"math"
	"math/rand/v2"
	"testing"
)

// follow runs a search on a server that answers with a verdict, and returns all loads.
func follow(t *testing.T, c Config, verdict func(load float64, try int) Verdict) (s *Strategy, loads []float64) {
	t.Helper()
	s = New(c)
	most := c.MostRuns()
	for {
		load, try, ok := s.Next()
		if !ok {
			break
		}
		if load < c.From || load > c.To || c.Whole && load != math.Trunc(load) {
			t.Fatalf("%+v: load %v", c, load)
		}
		loads = append(loads, load)
		if len(loads) > most {
			t.Fatalf("%+v: more than the %d runs announced: %v", c, most, loads)
		}
		s.Add(verdict(load, try))
	}
	return s, loads
}

// upTo is a server that bears loads up to its capacity.
func upTo(capacity float64) func(float64, int) Verdict {
	return func(load float64, _ int) Verdict {
		if load <= capacity {
			return Met
		}
		return Unmet
	}
}

func TestFoundLoadIsWithinThePrecision(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		c := Config{From: math.Exp(random.Float64()*10 - 2), Precision: []float64{.004, .01, .05, .2, .5}[random.IntN(5)], Whole: random.IntN(2) == 0}
		if c.Whole {
			c.From = math.Ceil(c.From)
		}
		c.To = c.From * math.Exp(random.Float64()*8)
		if c.Whole {
			c.To = math.Floor(c.To)
		}
		capacity := c.From + random.Float64()*(c.To-c.From)
		s, loads := follow(t, c, upTo(capacity))
		met, unmet, held := s.Bounds()
		if met > capacity || held || !s.Precise() {
			t.Fatalf("%+v, capacity %v: met %v, %v", c, capacity, met, loads)
		}
		if unmet == 0 {
			if met != c.To {
				t.Fatalf("%+v, capacity %v: ended at %v", c, capacity, loads)
			}
			continue
		}
		gap := met * c.Precision * (1 + 1e-6)
		if c.Whole {
			gap = max(gap, 1)
		}
		if unmet <= capacity || unmet-met > gap {
			t.Fatalf("%+v, capacity %v: between %v and %v: %v", c, capacity, met, unmet, loads)
		}
	}
}

func TestLoadsRiseGeometricallyThenBisect(t *testing.T) {
	_, loads := follow(t, Config{From: 1000, To: 1e6, Precision: .05}, upTo(5000))
	want := []float64{1000, 2000, 4000, 8000, 8000, 5700, 5700, 4800, 5200, 5200, 5000}
	if len(loads) != len(want) {
		t.Fatalf("%v, want %v", loads, want)
	}
	for i := range want {
		if loads[i] != want[i] {
			t.Fatalf("%v, want %v", loads, want)
		}
	}
}

func TestFailureOfOneTryIsForgiven(t *testing.T) {
	flaky := func(load float64, try int) Verdict {
		if load <= 700 && try == 2 {
			return Met
		}
		return Unmet
	}
	s, _ := follow(t, Config{From: 10, To: 10_000, Precision: .05}, flaky)
	if met, unmet, _ := s.Bounds(); met > 700 || unmet <= 700 || unmet > met*1.05 {
		t.Errorf("between %v and %v, want around 700", met, unmet)
	}
}

func TestNoiseNearTheCapacitySeldomChangesTheResult(t *testing.T) {
	const capacity = 3000.0
	found := 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		s, loads := follow(t, Config{From: 100, To: 100_000, Precision: .05}, func(load float64, _ int) Verdict {
			chance := .97 // a disturbance fails a run in thirty, whatever the load
			if load > capacity {
				chance = 0
			}
			if random.Float64() < chance {
				return Met
			}
			return Unmet
		})
		met, _, _ := s.Bounds()
		if met > capacity {
			t.Fatalf("seed %d: %v met: %v", seed, met, loads)
		}
		if met*1.05 >= capacity {
			found++
		}
	}
	if found < 190 { // of 200: with one try for each load it would be 150
		t.Errorf("found %d times", found)
	}
}

func TestLowestLoadThatFailsEndsTheSearch(t *testing.T) {
	s, loads := follow(t, Config{From: 10, To: 1000, Precision: .05}, upTo(9))
	if met, unmet, _ := s.Bounds(); met != 0 || unmet != 10 || len(loads) != 2 || !s.Precise() {
		t.Errorf("met %v, not met %v, after %v", met, unmet, loads)
	}
}

func TestHighestLoadThatPassesEndsTheSearch(t *testing.T) {
	s, loads := follow(t, Config{From: 10, To: 1000, Precision: .05}, upTo(1e9))
	if met, unmet, _ := s.Bounds(); met != 1000 || unmet != 0 || len(loads) != 8 || !s.Precise() {
		t.Errorf("met %v, not met %v, after %v", met, unmet, loads)
	}
	s, loads = follow(t, Config{From: 10, To: 10, Precision: .05}, upTo(1e9))
	if met, _, _ := s.Bounds(); met != 10 || len(loads) != 1 {
		t.Errorf("of a single load: met %v after %v", met, loads)
	}
}

func TestLimitOfTheToolIsNotTheServers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		second Verdict
		want   bool
	}{{"held up twice", Held, true}, {"the server failed once", Unmet, false}} {
		s, _ := follow(t, Config{From: 10, To: 10_000, Precision: .05}, func(load float64, try int) Verdict {
			switch {
			case load <= 500:
				return Met
			case try == 1:
				return Held
			}
			return tt.second
		})
		if met, unmet, held := s.Bounds(); held != tt.want || met > 500 || unmet <= 500 {
			t.Errorf("%s: met %v, not met %v, held %v", tt.name, met, unmet, held)
		}
	}
}

func TestMaxRunsEndsTheSearchEarly(t *testing.T) {
	for most := 1; most < 12; most++ {
		c := Config{From: 10, To: 10_000, Precision: .05, MaxRuns: most}
		s, loads := follow(t, c, upTo(500))
		if len(loads) > most || c.MostRuns() > most {
			t.Errorf("%d runs, %d announced, of %d", len(loads), c.MostRuns(), most)
		}
		if met, _, _ := s.Bounds(); met != min(10*math.Pow(2, float64(most-1)), 320) && most <= 7 {
			t.Errorf("after %d runs %v", most, met)
		}
		if s.Precise() {
			t.Errorf("after %d runs it says it is done", most)
		}
	}
}

func TestMostRunsAreReached(t *testing.T) {
	for _, c := range []Config{{From: 10, To: 10_000, Precision: .05}, {From: 1, To: 50, Precision: .01, Whole: true}, {From: 3, To: 3, Precision: .1}} {
		longest := 0
		for capacity := .5; capacity < c.To*1.1; capacity *= 1.003 {
			_, loads := follow(t, c, func(load float64, try int) Verdict {
				if load <= capacity && try == tries {
					return Met
				}
				return Unmet
			})
			longest = max(longest, len(loads))
		}
		if longest != c.MostRuns() {
			t.Errorf("%+v: %d runs at most, %d announced", c, longest, c.MostRuns())
		}
	}
}
