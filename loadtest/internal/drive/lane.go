package drive

import (
	"context"
	"time"
)

// lane gives one goroutine its things to do when they are due. The run tells it of
// stretches; the goroutine calls next. One that is behind gets what it missed without
// waiting, with the times at which it was due.
type lane struct {
	clock func() time.Duration
	// changes has room for all the stretches of a run, so that telling never waits.
	changes chan stretch

	// Owned by the goroutine that calls next.
	pacer  pacer
	coming *stretch // has been told of, and its time has not come
	held   bool     // at was asked of the pacer and not given
	at     time.Duration
}

func newLane(clock func() time.Duration, phases int) *lane {
	return &lane{clock: clock, changes: make(chan stretch, phases+1)}
}

// next waits for what is due next. ok is false when ctx has ended.
func (l *lane) next(ctx context.Context, timer *time.Timer) (at time.Duration, ok bool) {
	for ctx.Err() == nil {
		l.look()
		at, ok := l.upcoming()
		if !ok {
			l.sleep(ctx, timer, time.Hour)
			continue
		}
		if wait := at - l.clock(); wait > 0 {
			l.sleep(ctx, timer, wait)
			continue
		}
		l.held = false
		return at, true
	}
	return 0, false
}

// overdue is the next thing that was due before the time and was not given. It does not
// wait.
func (l *lane) overdue(before time.Duration) (at time.Duration, ok bool) {
	l.look()
	at, ok = l.upcoming()
	if !ok || at >= before {
		return 0, false
	}
	l.held = false
	return at, true
}

// missed is how many things were due before the time and were never given.
func (l *lane) missed(before time.Duration) (n int64) {
	for {
		if _, ok := l.overdue(before); !ok {
			return n
		}
		n++
	}
}

// upcoming is when the next thing is due, by the stretches told of so far.
func (l *lane) upcoming() (at time.Duration, ok bool) {
	if !l.held {
		l.at, l.held = l.pacer.next()
	}
	if l.coming != nil && (!l.held || l.at >= l.coming.at) {
		l.pacer.begin(*l.coming)
		l.coming = nil
		l.look()
		l.held = false
		return l.upcoming()
	}
	return l.at, l.held
}

// look takes the next stretch told of, if there is one and none is taken already.
func (l *lane) look() {
	if l.coming != nil {
		return
	}
	select {
	case s := <-l.changes:
		l.coming = &s
	default:
	}
}

// sleep ends early when ctx does, or when there is a change.
func (l *lane) sleep(ctx context.Context, timer *time.Timer, d time.Duration) {
	changes := l.changes
	if l.coming != nil {
		changes = nil
	}
	timer.Reset(d)
	select {
	case <-ctx.Done():
	case s := <-changes:
		l.coming = &s
	case <-timer.C:
	}
}
