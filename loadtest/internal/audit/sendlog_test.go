package audit

import (
	"math/rand/v2"
	"testing"
)

func TestSendTimesAreFoundAgain(t *testing.T) {
	for name, step := range map[string]func(*rand.Rand) int64{
		"fast":  func(r *rand.Rand) int64 { return 1 + r.Int64N(100_000) },
		"slow":  func(r *rand.Rand) int64 { return 1 + r.Int64N(4_000_000_000) },
		"mixed": func(r *rand.Rand) int64 { return 1 + r.Int64N(1<<r.IntN(50)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var l sendLog
			var times []int64
			now := int64(1e18)
			if l.from(now) != 0 {
				t.Fatal("an empty log has a message")
			}
			for range 3000 {
				now += step(r)
				times = append(times, now)
				l.append(now)
			}
			for i, at := range times {
				if got := l.at(uint32(i)); got != at {
					t.Fatalf("message %d at %d, want %d", i, got, at)
				}
				if got := l.from(at); got != uint32(i) {
					t.Fatalf("from the time of message %d: %d", i, got)
				}
				if got := l.from(at + 1); got != uint32(i+1) {
					t.Fatalf("from just after message %d: %d", i, got)
				}
			}
			if got := l.from(times[0] - 1); got != 0 {
				t.Errorf("from before all: %d", got)
			}
		})
	}
}
