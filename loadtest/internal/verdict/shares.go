package verdict

import (
	"fmt"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// whole is what a count is a share of.
type whole struct {
	name string
	of   func(*result.Result) int64
	// idle: none of it is fine, as when nobody had to come back. Otherwise a count of
	// nothing was not measured, be it 0.
	idle bool
}

var (
	attempts    = whole{name: "attempts", of: func(r *result.Result) int64 { return r.Counts.Attempts }}
	connections = whole{name: "connections", of: func(r *result.Result) int64 { return r.Counts.Connected }}
	comingBack  = whole{name: "attempts to come back", of: func(r *result.Result) int64 { return r.Counts.Reconnects + r.Counts.ReconnectErrors }, idle: true}
	toSend      = whole{name: "messages to send", of: func(r *result.Result) int64 { return r.Counts.Published + r.Counts.Unsent }}
	acksAwaited = whole{name: "acks awaited", of: func(r *result.Result) int64 { return r.Counts.Acks + r.Counts.AckTimeouts }}
	received    = whole{name: "events received", of: func(r *result.Result) int64 { return r.Counts.Received }, idle: true}
	due         = whole{name: "deliveries due", of: func(r *result.Result) int64 { return r.Audit.Due }}
)

// wholes are the denominators of counts in percent. Counts that are not here are of
// nothing, and have none.
var wholes = map[string]whole{
	"connected": attempts, "connect_errors": attempts,
	"disconnects": connections, "slow_closed": connections, "cuts": connections,
	"reconnects": comingBack, "reconnect_errors": comingBack,
	"unsent": toSend,
	"acks":   acksAwaited, "ack_timeouts": acksAwaited,
	"unknown":   received,
	"delivered": due, "lost": due, "gap": due, "absent": due, "unjudged": due,
	"duplicated": due, "reordered": due, "corrupted": due, "after_leaving": due,
}

// counts are the measures of all fields of result.Counts and audit.Sums.
var counts = func() map[string]measure {
	all := map[string]measure{}
	for _, f := range result.SumFields {
		all[f.Name] = count(f.Name, func(r *result.Result) int64 { return *f.Of(&r.Audit) })
	}
	for _, f := range result.CountFields {
		all[f.Name] = count(f.Name, func(r *result.Result) int64 { return *f.Of(&r.Counts) })
	}
	return all
}()

func count(name string, of func(*result.Result) int64) measure {
	w, shared := wholes[name]
	if !shared {
		return measure{units: []string{""}, found: func(r *result.Result, _ string) (float64, string, bool) {
			n := of(r)
			return float64(n), result.Whole(n), true
		}}
	}
	return measure{units: []string{"", "%"}, found: func(r *result.Result, unit string) (float64, string, bool) {
		n, all := of(r), w.of(r)
		if all == 0 && !w.idle {
			return 0, fmt.Sprintf("%s; not measured: there were no %s", result.Whole(n), w.name), false
		}
		text := fmt.Sprintf("%s of %s %s", result.Whole(n), result.Whole(all), w.name)
		if all > 0 {
			text += fmt.Sprintf(" (%s)", result.Percent(n, all))
		}
		if unit == "%" {
			return 100 * float64(n) / float64(max(all, 1)), text, true
		}
		return float64(n), text, true
	}}
}
