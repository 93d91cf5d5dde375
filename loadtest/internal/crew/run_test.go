package crew

import (
	"fmt"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// TestWorkersFindTogetherWhatTheServerDidWrong is the promise: whoever publishes and
// whoever receives, in whatever process.
func TestWorkersFindTogetherWhatTheServerDidWrong(t *testing.T) {
	all := faulty.Faults{Lose: .01, Repeat: .01, Swap: .01, CorruptHeader: .01, CorruptBody: .01, HoldFor: 100 * time.Millisecond}
	for name, test := range map[string]struct {
		faults faulty.Faults
		group  plan.Group
	}{
		"correct, fanout": {faulty.Faults{}, plan.Group{Clients: 20, Rooms: 2, RoomsEach: 1, Publishers: 4, Rate: 400, Payload: plan.Size(100)}},
		"correct, chat":   {faulty.Faults{}, plan.Group{Clients: 20, Rooms: 4, RoomsEach: 2, Rate: 300, Payload: plan.Size(100)}},
		"faulty, fanout":  {all, plan.Group{Clients: 20, Rooms: 2, RoomsEach: 1, Publishers: 2, Rate: 400, Payload: plan.Size(100)}},
		"faulty, chat":    {all, plan.Group{Clients: 20, Rooms: 4, RoomsEach: 2, Rate: 300, Payload: plan.Size(100)}},
	} {
		for n := 1; n <= 3; n++ {
			if n == 1 && test.group.Publishers == 0 {
				continue // is drive's to test
			}
			t.Run(fmt.Sprintf("%s, %d workers", name, n), func(t *testing.T) {
				t.Parallel()
				faults := test.faults
				faults.Seed = uint64(n)
				server := faulty.Start(t, faults)
				p := of(server.URL(), test.group, 700*time.Millisecond)
				if faults.Lose > 0 {
					p.Drain = time.Second // is waited for to the end, twice
				}
				r, _ := makeRun(t, p, Config{Workers: workers(t, n)})
				did, found := server.Done(), r.Audit
				if did.Deliveries < 1000 || (did.Lost == 0) != (faults.Lose == 0) {
					t.Fatalf("the server did %+v", did)
				}
				for _, of := range []struct {
					what       string
					did, found int64
				}{
					{"due", did.Deliveries, found.Due},
					{"lost", did.Lost, found.Lost},
					{"repeated", did.Repeated, found.Duplicated},
					{"swapped", did.Swapped, found.Reordered},
					{"corrupted", did.CorruptedHeaders + did.CorruptedBodies, found.Corrupted},
					{"unjudged", 0, found.Unjudged},
					{"unknown", 0, found.Unknown},
				} {
					if of.did != of.found {
						t.Errorf("%s: the server did %d, the audit found %d", of.what, of.did, of.found)
					}
				}
				if t.Failed() {
					t.Logf("did %+v, found %+v, errors %+v, warnings %q", did, found, r.Errors, r.Warnings)
				}
				want := int64(test.group.Clients + test.group.Publishers)
				if r.Counts.Connected != want || r.Ended != "complete" || len(r.Workers) != n {
					t.Errorf("%d of %d clients, ended %q, %+v", r.Counts.Connected, want, r.Ended, r.Workers)
				}
			})
		}
	}
}
