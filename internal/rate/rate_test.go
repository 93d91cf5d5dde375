package rate

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

const second = int64(time.Second)

// taken counts how many of n can be taken at now.
func taken(l Limit, b *Bucket, now int64, n int) (got int) {
	for range n {
		if l.Take(b, now) == 0 {
			got++
		}
	}
	return got
}

func TestBurstIsTakenAtOnceAndTheRateAfterwards(t *testing.T) {
	l := Limit{PerSecond: 10, Burst: 25}
	var b Bucket
	for _, step := range []struct {
		at, tries, want int64
	}{
		{0, 100, 25},
		{0, 100, 0},
		{second / 10, 100, 1},
		{second, 100, 9},
		{10 * second, 20, 20}, // after a rest, but no more than the burst
		{10 * second, 100, 5},
		{100 * second, 100, 25},
	} {
		if got := taken(l, &b, step.at, int(step.tries)); got != int(step.want) {
			t.Errorf("at %v: took %d of %d, want %d", time.Duration(step.at), got, step.tries, step.want)
		}
	}
}

func TestWaitIsAsLongAsItTakes(t *testing.T) {
	l := Limit{PerSecond: 7, Burst: 3}
	var b Bucket
	now := 5 * second
	taken(l, &b, now, 3)
	wait := l.Take(&b, now)
	if wait <= 0 || wait > time.Second/7 {
		t.Fatalf("the wait is %v", wait)
	}
	if again := l.Take(&b, now); again != wait {
		t.Errorf("asking made it %v, %v before", again, wait)
	}
	if l.Take(&b, now+int64(wait)-1) == 0 {
		t.Error("it may happen before the wait is over")
	}
	if left := l.Take(&b, now+int64(wait)); left != 0 {
		t.Errorf("%v are left after the wait", left)
	}
}

func TestZeroLimitStopsNothing(t *testing.T) {
	var b Bucket
	if got := taken(Limit{}, &b, 0, 1000); got != 1000 || b != 0 {
		t.Errorf("took %d, bucket %d", got, b)
	}
	if got := taken(Limit{PerSecond: 1}, &b, 0, 2); got != 1 {
		t.Errorf("without a burst, %d were taken at once", got)
	}
}

func TestTableKeepsOnlyWhoIsActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := NewTable[int](Limit{PerSecond: 1, Burst: 2}, 10_000)
		for i := range 1_000_000 {
			if table.Take(i) != 0 {
				t.Fatalf("key %d has to wait at its first", i)
			}
			if i%1000 == 0 {
				time.Sleep(time.Second) // each bucket is full again after one
			}
		}
		size, untracked := table.Size()
		if size > 2*firstSweep+1000 || untracked != 0 {
			t.Errorf("%d buckets, %d keys without one", size, untracked)
		}
	})
}

func TestFullTableLetsPassAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 100
		table := NewTable[string](Limit{PerSecond: 1, Burst: 1}, most)
		for i := range most {
			table.Take(fmt.Sprint(i))
		}
		for range 3 {
			if table.Take("one more") != 0 {
				t.Error("it had to wait, for what others do")
			}
		}
		if table.Take("7") == 0 {
			t.Error("a key with a bucket passed")
		}
		if size, untracked := table.Size(); size != most || untracked != 3 {
			t.Errorf("%d buckets, %d untracked", size, untracked)
		}
		time.Sleep(time.Second)
		if table.Take("one more") != 0 || table.Take("one more") == 0 {
			t.Error("it got no bucket when there was room again")
		}
		if size, untracked := table.Size(); size != 1 || untracked != 3 {
			t.Errorf("%d buckets, %d untracked", size, untracked)
		}
	})
}

func TestSharedBucketIsEverybodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(Limit{PerSecond: 100, Burst: 10})
		got := make(chan bool)
		for range 100 {
			go func() { got <- s.Take() == 0 }()
		}
		passed := 0
		for range 100 {
			if <-got {
				passed++
			}
		}
		if passed != 10 {
			t.Errorf("%d passed, want 10", passed)
		}
	})
}

func BenchmarkTake(b *testing.B) {
	l := Limit{PerSecond: 1000, Burst: 2000}
	epoch := time.Now()
	var bucket Bucket
	b.ReportAllocs()
	for b.Loop() {
		l.Take(&bucket, int64(time.Since(epoch)))
	}
}

func BenchmarkTableTake(b *testing.B) {
	table := NewTable[int](Limit{PerSecond: 1000, Burst: 2000}, 1<<16)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Take(i & 0x3ff)
	}
}
