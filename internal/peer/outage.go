package peer

import (
	"sync"
	"time"
)

// outage is a time in which something fails again and again, for a log with a line at its
// beginning and one at its end.
type outage struct {
	mu    sync.Mutex
	since time.Time // guarded by mu; zero while all is well
}

// begin reports whether this failure is the first.
func (o *outage) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := o.since.IsZero()
	if first {
		o.since = time.Now()
	}
	return first
}

// end returns how long it was, and false if there was none.
func (o *outage) end() (lasted time.Duration, was bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return 0, false
	}
	lasted, o.since = time.Since(o.since), time.Time{}
	return lasted, true
}
