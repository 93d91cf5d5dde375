// Package pace does many things evenly over a time, such as sending clients away.
package pace

import (
	"context"
	"math/rand/v2"
	"time"
)

// lateness is how late one may be without a new plan. Timers are late by less.
const lateness = 100 * time.Millisecond

// Each calls do for 0 to n-1 in this order, evenly over window and with jitter: each at a
// random moment of its share of the window. When the process has stood still, or do has
// taken long, Each does not make up for it at once: what is left is spread over what is
// left of the window, or done at twice the pace if that is not enough. With a window of 0
// there are no pauses. Each returns ctx's error if ctx ends first.
func Each(ctx context.Context, window time.Duration, n int, do func(int)) error {
	start := time.Now()
	end := start.Add(window)
	first, share := 0, float64(window)/float64(max(n, 1))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range n {
		at := start.Add(time.Duration(share * (float64(i-first) + rand.Float64())))
		if late := time.Since(at); window > 0 && late > max(lateness, time.Duration(share)) {
			rest := float64(n - i)
			start, first, share = time.Now(), i, max(float64(time.Until(end))/rest, share/2)
			at = start.Add(time.Duration(share * rand.Float64()))
		}
		if pause := time.Until(at); pause > 0 {
			timer.Reset(pause)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		do(i)
	}
	return nil
}
