package drive

import (
	"context"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// Whether the groups have heard of their first phase by then is chance: hence so many.
func TestRunThatIsInterruptedBeforeItBeginsEndsAtOnce(t *testing.T) {
	url, _ := relay(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		p := of(url, plan.Group{Clients: 3, Publishers: 1, Rooms: 1, RoomsEach: 1, Rate: 10, Payload: plan.Size(100)}, time.Minute)
		p.Drain = 5 * time.Second
		began := time.Now()
		r, err := Run(ctx, p, Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > p.Drain/2 || r.Ended != interrupted {
			t.Fatalf("%s after %v: %+v, %v", r.Ended, took, r.Counts, r.Warnings)
		}
		balanced(t, r)
	}
}
