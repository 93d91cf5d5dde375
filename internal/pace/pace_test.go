package pace

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// run returns when each of n was done. do, if not nil, is what it takes.
func run(t *testing.T, window time.Duration, n int, do func(int)) []time.Duration {
	t.Helper()
	start := time.Now()
	var at []time.Duration
	if err := Each(t.Context(), window, n, func(i int) {
		if i != len(at) {
			t.Errorf("%d in place of %d", i, len(at))
		}
		at = append(at, time.Since(start))
		if do != nil {
			do(i)
		}
	}); err != nil {
		t.Error(err)
	}
	if len(at) != n {
		t.Fatalf("%d of %d done", len(at), n)
	}
	return at
}

// within checks that the things from first on are each done in their share.
func within(t *testing.T, at []time.Duration, first int, start, share time.Duration) {
	t.Helper()
	for i, d := range at[first:] {
		if from := start + time.Duration(i)*share; d < from || d > from+share {
			t.Errorf("%d was done after %v, want between %v and %v", first+i, d, from, from+share)
		}
	}
}

func TestEachHasItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := run(t, 20*time.Second, 20, nil)
		within(t, at, 0, 0, time.Second)
		even := 0
		for i := range at[1:] {
			if at[i+1]-at[i] == time.Second {
				even++
			}
		}
		if even == len(at)-1 {
			t.Error("no jitter")
		}
	})
}

func TestStandstillIsNotMadeUpForAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var stood time.Duration // when it goes on
		at := run(t, 20*time.Second, 20, func(i int) {
			if i == 9 {
				time.Sleep(5 * time.Second)
				stood = time.Since(began)
			}
		})
		within(t, at, 10, stood, (20*time.Second-stood)/10) // the rest of the window
	})
}

func TestLateEndIsAtTwiceThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var stood time.Duration
		at := run(t, 20*time.Second, 20, func(i int) {
			if i == 9 {
				time.Sleep(time.Minute)
				stood = time.Since(began)
			}
		})
		within(t, at, 10, stood, time.Second/2)
	})
}

func TestWithoutAWindowNothingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i, d := range run(t, 0, 1000, nil) {
			if d != 0 {
				t.Fatalf("%d was done after %v", i, d)
			}
		}
		run(t, time.Second, 0, nil)
	})
}

func TestEachEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := 0
		if err := Each(ctx, time.Hour, 60, func(int) { done++ }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if done > 2 {
			t.Errorf("%d done in a minute", done)
		}
	})
}
