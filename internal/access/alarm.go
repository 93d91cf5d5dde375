package access

import (
	"context"
	"time"
)

// alarm wakes a goroutine after a time that may turn out to be too long.
type alarm chan struct{} // holds a token when it has been rung

func newAlarm() alarm { return make(alarm, 1) }

// ring wakes the goroutine, unless it is about to look anyway. It does not block.
func (a alarm) ring() {
	select {
	case a <- struct{}{}:
	default:
	}
}

// run looks at once, when the alarm is rung, and after the time that look has returned,
// until ctx ends.
func (a alarm) run(ctx context.Context, look func() (wait time.Duration)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-a:
		}
		timer.Reset(look())
	}
}
