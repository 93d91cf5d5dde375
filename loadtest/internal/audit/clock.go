package audit

import "time"

// Clock is a process's time in nanoseconds: what its wall clock showed once, and from
// then on unmoved by corrections of it. It may be used from any goroutine.
type Clock struct {
	from  time.Time
	nanos int64 // at from
}

// NewClock returns the clock of this machine.
func NewClock() *Clock {
	now := time.Now()
	return &Clock{from: now, nanos: now.UnixNano()}
}

// Shifted returns a clock that is so much ahead of c, as that of another machine may be.
func (c *Clock) Shifted(ahead time.Duration) *Clock {
	return &Clock{from: c.from, nanos: c.nanos + int64(ahead)}
}

// Now returns the time.
func (c *Clock) Now() int64 { return c.Nanos(time.Now()) }

// Nanos returns t, a time of this process with its monotonic part, by this clock.
func (c *Clock) Nanos(t time.Time) int64 { return c.nanos + int64(t.Sub(c.from)) }

// Time is the reverse of Nanos.
func (c *Clock) Time(nanos int64) time.Time { return c.from.Add(time.Duration(nanos - c.nanos)) }
