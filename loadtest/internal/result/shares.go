package result

// Denominator is what a count is a share of.
type Denominator struct {
	Name string
	Of   func(*Result) int64
	// Idle: a test may well have none, as when nobody had to come back. Otherwise
	// nothing can be said of a test that has none.
	Idle bool
}

var (
	attempts    = Denominator{Name: "attempts", Of: func(r *Result) int64 { return r.Counts.Attempts }}
	connections = Denominator{Name: "connections", Of: func(r *Result) int64 { return r.Counts.Connected }}
	comingBack  = Denominator{Name: "attempts to come back", Of: func(r *Result) int64 { return r.Counts.Reconnects + r.Counts.ReconnectErrors }, Idle: true}
	toSend      = Denominator{Name: "messages to send", Of: func(r *Result) int64 { return r.Counts.Published + r.Counts.Unsent }}
	acksAwaited = Denominator{Name: "acks awaited", Of: func(r *Result) int64 { return r.Counts.Acks + r.Counts.AckTimeouts }}
	received    = Denominator{Name: "events received", Of: func(r *Result) int64 { return r.Counts.Received }, Idle: true}
	due         = Denominator{Name: "deliveries due", Of: func(r *Result) int64 { return r.Audit.Due }}
)

// Denominators are those of counts by their names in Counts and audit.Sums. Counts that
// are not here are shares of nothing.
var Denominators = map[string]Denominator{
	"connected": attempts, "connect_errors": attempts,
	"disconnects": connections, "slow_closed": connections, "cuts": connections,
	"reconnects": comingBack, "reconnect_errors": comingBack,
	"unsent": toSend,
	"acks":   acksAwaited, "ack_timeouts": acksAwaited,
	"unknown":   received,
	"delivered": due, "lost": due, "gap": due, "absent": due, "unjudged": due,
	"duplicated": due, "reordered": due, "corrupted": due, "after_leaving": due,
}
