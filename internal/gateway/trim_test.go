package gateway

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryGoesBackOnceABurstIsOver(t *testing.T) {
	for _, tt := range []struct {
		name     string
		sessions []int64 // at each look, one second apart
		want     int64
	}{
		{"nothing happens", []int64{0, 0, 0, 0, 0}, 0},
		{"a few come", []int64{0, 100, 100, 100, 100, 100}, 0},
		{"a burst comes, and stays", []int64{0, 4000, 9000, 10000, 10000, 10000, 10000}, 1},
		{"it has not been calm for long", []int64{0, 4000, 9000, 10000, 10000, 10000}, 0},
		{"it is not calm yet", []int64{0, 2000, 4000, 6000, 8000}, 0},
		{"some come and go meanwhile", []int64{0, 10000, 10050, 9990, 10010}, 1},
		{"one in ten goes", []int64{0, 10000, 10000, 10000, 10000, 9000, 9000, 9000, 9000}, 1}, // for the first 10,000 only
		{"a burst comes and goes", append(append([]int64{0, 10000, 10000}, same(10000, 12)...), 5000, 0, 0, 0, 0), 2},
		{"not twice in ten seconds", append([]int64{0, 10000, 10000, 10000, 10000}, same(0, 5)...), 1},
		{"but then", append([]int64{0, 10000, 10000, 10000, 10000}, same(0, 12)...), 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			var freed int64
			i := 0
			tr := &trimmer{sessions: func() int64 { return tt.sessions[i] }, opened: func() int64 { return 0 }, free: func() { freed++ }}
			for i = range tt.sessions {
				tr.look(now.Add(time.Duration(i) * time.Second))
			}
			if freed != tt.want || tr.count.Load() != tt.want {
				t.Errorf("freed %d times, counted %d, want %d", freed, tr.count.Load(), tt.want)
			}
		})
	}
}

// Sessions that come and go between two looks are not seen in their number.
func TestTrimmerHandsBackWhatShortSessionsTook(t *testing.T) {
	freed, opened := 0, int64(0)
	tr := &trimmer{sessions: func() int64 { return 0 }, opened: func() int64 { return opened }, free: func() { freed++ }}
	now := time.Now()
	for i := range 60 {
		if i < 20 {
			opened += 50
		}
		tr.look(now.Add(time.Duration(i) * time.Second))
	}
	if freed != 2 {
		t.Errorf("freed %d times for two times 500 sessions, want 2", freed)
	}
}

func TestTrimmerEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		tr := &trimmer{sessions: func() int64 { looks++; return 0 }, opened: func() int64 { return 0 }, free: func() {}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			tr.run(t.Context())
		}()
		time.Sleep(2600 * time.Millisecond)
		synctest.Wait()
		if looks != 10 {
			t.Errorf("%d looks in 2.6 s, want 10", looks)
		}
	})
}

func same(n int64, times int) []int64 {
	out := make([]int64, times)
	for i := range out {
		out[i] = n
	}
	return out
}
