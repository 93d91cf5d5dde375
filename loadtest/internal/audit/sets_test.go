package audit

import (
	"math/rand/v2"
	"testing"
)

func TestPairsAreAMap(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		var got pairs
		want := make(map[uint32]uint32)
		base := r.Uint32()
		for range 3000 {
			stream := base + r.Uint32N(1+r.Uint32N(600)) // few and many, side by side
			p := got.find(stream)
			next, ok := want[stream]
			if (p != nil) != ok || ok && (p.next != next || p.stream != stream+1) {
				t.Fatalf("stream %d: %+v, want %d %v", stream, p, next, ok)
			}
			switch {
			case !ok:
				want[stream] = r.Uint32()
				got.put(stream, 1, want[stream])
			case r.IntN(2) == 0:
				delete(want, stream)
				if p, ok := got.take(stream); !ok || p.next != next {
					t.Fatalf("took %+v %v, want %d", p, ok, next)
				}
			}
			if got.used != len(want) {
				t.Fatalf("%d pairs, want %d", got.used, len(want))
			}
		}
	}
}

func TestRangesAreASet(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		var got Ranges
		want := make(map[uint32]bool)
		highest := int64(-1)
		for range 400 {
			n := r.Uint32N(300)
			if got.Has(n) != want[n] {
				t.Fatalf("has %d: %v", n, got.Has(n))
			}
			if got.Add(n) == want[n] {
				t.Fatalf("adding %d: new is %v", n, want[n])
			}
			want[n] = true
			if highest = max(highest, int64(n)); got.Highest() != highest {
				t.Fatalf("highest is %d, want %d", got.Highest(), highest)
			}
		}
		for i := 1; i < len(got.runs); i++ {
			if got.runs[i-1].to >= got.runs[i].from {
				t.Fatalf("runs touch: %v", got.runs)
			}
		}
	}
}
