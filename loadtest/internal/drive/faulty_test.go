package drive

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func TestAuditFindsExactlyWhatTheServerDidWrong(t *testing.T) {
	for name, test := range map[string]struct {
		faults faulty.Faults
		group  plan.Group
	}{
		"fanout": {
			faulty.Faults{Lose: .01, Repeat: .01, Swap: .01, CorruptHeader: .01, CorruptBody: .01, Seed: 1, HoldFor: 200 * time.Millisecond},
			plan.Group{Clients: 20, Rooms: 2, RoomsEach: 1, Publishers: 2, Rate: 400, Payload: plan.Size(100)},
		},
		"chat of members": {
			faulty.Faults{Lose: .02, Repeat: .02, Swap: .02, CorruptBody: .02, Seed: 2, HoldFor: 200 * time.Millisecond},
			plan.Group{Clients: 20, Rooms: 4, RoomsEach: 2, Rate: 400, Payload: plan.Size(100)},
		},
		"attachments": {
			faulty.Faults{Lose: .02, Repeat: .02, CorruptHeader: .02, Seed: 3},
			plan.Group{Clients: 20, Rooms: 2, RoomsEach: 1, Publishers: 1, Rate: 200, Payload: plan.Size(100), Binary: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := faulty.Start(t, test.faults)
			p := of(server.URL(), test.group, 2*time.Second)
			p.Drain = 2 * time.Second // what is lost at a stream's end is waited for so long
			r := drive(t, p)
			balanced(t, r)
			did, found := server.Done(), r.Audit
			if did.Deliveries == 0 || did.Lost == 0 {
				t.Fatalf("the server did nothing: %+v", did)
			}
			if found.Due != did.Deliveries {
				t.Errorf("%d deliveries were due, and %d found to be", did.Deliveries, found.Due)
			}
			for _, of := range []struct {
				what       string
				did, found int64
			}{
				{"lost", did.Lost, found.Lost},
				{"repeated", did.Repeated, found.Duplicated},
				{"swapped", did.Swapped, found.Reordered},
				{"corrupted", did.CorruptedHeaders + did.CorruptedBodies, found.Corrupted},
			} {
				if of.did != of.found {
					t.Errorf("%s: the server did %d, the audit found %d", of.what, of.did, of.found)
				}
			}
			if t.Failed() {
				t.Logf("did %+v, found %+v, errors %+v", did, found, r.Errors)
			}
		})
	}
}

// hasClass reports whether one of the errors is of a class that begins so.
func hasClass(r *result.Result, class string) bool {
	return slices.ContainsFunc(r.Errors, func(e result.ErrorClass) bool { return strings.HasPrefix(e.Class, class) })
}

func TestBadServersEndInAResult(t *testing.T) {
	classes := map[faulty.Mode]string{
		faulty.Refuses: "connect: refused", faulty.Silent: "connect: timeout", faulty.Unavailable: "connect: http 503",
		faulty.Website: "connect: http 200", faulty.Garbage: "connect: not socket.io", faulty.GarbageFrames: "connect: not socket.io",
		faulty.NeverOpens: "connect: timeout", faulty.NeverConnects: "connect: timeout", faulty.Rejects: "connect: connect_error",
		faulty.HangupWorking: "disconnect: ", faulty.NeverAnswers: "join: timeout", faulty.Floods: "join: timeout",
		faulty.FloodsUnparsed: "disconnect: bad packet",
	}
	for _, mode := range faulty.Modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			length := 300 * time.Millisecond
			if mode == faulty.HangupWorking { // what floods the others keeps it from closing
				length = 2 * time.Second
			}
			p := of(faulty.StartBad(t, mode), plan.Group{
				Clients: 5, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 50, Requests: true,
			}, length)
			p.ConnectTimeout, p.AckTimeout, p.Drain = time.Second, 300*time.Millisecond, 300*time.Millisecond
			start := time.Now()
			r := drive(t, p)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			balanced(t, r)
			if r.Counts.Attempts != 6 || r.Counts.Connected+r.Counts.ConnectErrors != 6 {
				t.Errorf("%+v", r.Counts)
			}
			if r.Audit.Delivered > 0 {
				t.Errorf("%+v", r.Audit)
			}
			class := classes[mode]
			if class == "" {
				class = "connect: "
			}
			if !hasClass(r, class) {
				t.Errorf("no error of class %q: %+v, %+v", class, r.Errors, r.Counts)
			}
		})
	}
}
