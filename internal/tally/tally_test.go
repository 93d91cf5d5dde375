package tally

import (
	"slices"
	"sync"
	"testing"
)

func TestValuesFallIntoTheirClasses(t *testing.T) {
	c := New(10, 100)
	for _, v := range []int64{0, 10, 11, 100, 101, 1 << 40} {
		c.Add(v, 1)
	}
	c.Add(50, 3)
	got := c.Read()
	if !slices.Equal(got.Counts, []int64{2, 5, 2}) || got.Sum != 10+11+100+101+(1<<40)+150 || got.Total() != 9 {
		t.Errorf("%+v", got)
	}
}

func TestNothingIsLostBetweenGoroutines(t *testing.T) {
	c := New(1, 2, 3)
	var all sync.WaitGroup
	for v := range int64(4) {
		all.Go(func() {
			for range 1000 {
				c.Add(v+1, 2)
			}
		})
	}
	all.Wait()
	if got := c.Read(); !slices.Equal(got.Counts, []int64{2000, 2000, 2000, 2000}) || got.Sum != 20_000 {
		t.Errorf("%+v", got)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	c := New(10, 100)
	if n := testing.AllocsPerRun(100, func() { c.Add(50, 3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	c := New(64, 256, 1<<10, 4<<10, 16<<10, 64<<10, 256<<10)
	for i := range b.N {
		c.Add(int64(i&0xffff), 1)
	}
}
