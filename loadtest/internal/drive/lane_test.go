package drive

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// bubble is a lane on virtual time.
func bubble(t *testing.T, f func(t *testing.T, l *lane, clock func() time.Duration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		clock := func() time.Duration { return time.Since(start) }
		f(t, newLane(clock, 8), clock)
	})
}

func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

func TestThingsAreGivenWhenTheyAreDue(t *testing.T) {
	bubble(t, func(t *testing.T, l *lane, clock func() time.Duration) {
		l.changes <- stretch{at: 0, length: time.Second, from: 4, to: 4}
		l.changes <- stretch{at: time.Second, length: time.Second} // a pause
		l.changes <- stretch{at: 2 * time.Second, length: time.Second, from: 2, to: 2}
		timer := stopped()
		for _, ms := range []int{0, 250, 500, 750, 2000, 2500} {
			want := time.Duration(ms) * time.Millisecond
			at, ok := l.next(t.Context(), timer)
			if !ok || at != want || clock() != want {
				t.Fatalf("%v at %v, not %v", at, clock(), want)
			}
		}
	})
}

func TestStallIsMadeUpForWithTheTimesThatWereDue(t *testing.T) {
	bubble(t, func(t *testing.T, l *lane, clock func() time.Duration) {
		l.changes <- stretch{at: 0, length: time.Second, from: 100, to: 100}
		timer := stopped()
		_, _ = l.next(t.Context(), timer)
		time.Sleep(5 * time.Second) // the tool, or the server in a write
		l.changes <- stretch{at: time.Second, from: 0, to: 0}
		for i := 1; i < 100; i++ {
			at, ok := l.next(t.Context(), timer)
			if want := time.Duration(i) * 10 * time.Millisecond; !ok || at != want || clock() != 5*time.Second {
				t.Fatalf("number %d: %v at %v, not %v at once", i, at, clock(), want)
			}
		}
	})
}

func TestWhatWasDueAndNotGivenIsKnownAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, l *lane, _ func() time.Duration) {
		l.changes <- stretch{at: 0, length: time.Second, from: 100, to: 100}
		l.changes <- stretch{at: time.Second, length: 10 * time.Second, from: 10, to: 10}
		timer := stopped()
		_, _ = l.next(t.Context(), timer)
		time.Sleep(5 * time.Second)
		if n := l.missed(5 * time.Second); n != 99+40 {
			t.Fatalf("%d were missed, not 139", n)
		}
	})
}

func TestSlowRateDoesNotDelayAChange(t *testing.T) {
	bubble(t, func(t *testing.T, l *lane, clock func() time.Duration) {
		l.changes <- stretch{at: 0, from: .001, to: .001}
		timer := stopped()
		_, _ = l.next(t.Context(), timer) // the next is due in a quarter of an hour
		go func() {
			time.Sleep(time.Second)
			l.changes <- stretch{at: time.Second, from: 1000, to: 1000}
		}()
		if _, ok := l.next(t.Context(), timer); !ok || clock() > time.Second+time.Millisecond {
			t.Fatalf("the change of the first second was seen at %v", clock())
		}
	})
}

func TestEndOfTheRunEndsTheWait(t *testing.T) {
	bubble(t, func(t *testing.T, l *lane, _ func() time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if at, ok := l.next(ctx, stopped()); ok {
			t.Fatalf("%v is due of nothing", at)
		}
	})
}
