package e2e

import (
	"slices"
	"testing"
	"time"
)

// rolloutSeen is what the clients of one process have seen.
type rolloutSeen struct {
	Witnesses []witness   `json:"witnesses"`
	Latest    [][]float64 `json:"latest"` // by stream and number: ms until the last of them heard an emit
	Stalls    []stall     `json:"stalls"`
}

// stall is a time that a process of clients could not run, or had too much to do.
type stall struct {
	At float64 `json:"at"` // its end, in ms since 1970
	MS float64 `json:"ms"`
}

// witness is what an official client has seen of a rollout.
type witness struct {
	Kind       string   `json:"kind"` // polling, websocket, upgrade, or silent: polling, and in no room
	Spans      []span   `json:"spans"`
	Errors     []string `json:"errors"` // of attempts to reconnect
	Duplicated int      `json:"duplicated"`
	Reordered  int      `json:"reordered"`
	Missed     [][]int  `json:"missed"` // by stream: numbers that were not heard
}

// span is a time that a client was connected for. Times are in ms since 1970.
type span struct {
	SID    string  `json:"sid"`
	From   float64 `json:"from"` // when it was in the room
	To     float64 `json:"to"`   // when it knew that the connection had gone; 0: it has not
	Reason string  `json:"reason"`
}

func ms(v float64) time.Time { return time.UnixMicro(int64(v * 1000)) }

// gap is the time between two spans of a client.
type gap struct {
	who    *witness
	lost   span
	from   time.Time // when the client knew that its connection had gone
	joined time.Time // when it was in the room
}

func (w *witness) gaps() (all []gap) {
	for i, s := range w.Spans[:len(w.Spans)-1] {
		joined := slices.IndexFunc(w.Spans[i+1:], func(s span) bool { return s.From != 0 })
		all = append(all, gap{w, s, ms(s.To), ms(w.Spans[i+1+joined].From)})
	}
	return all
}

// observed is a rollout as its clients and the backend have seen it.
type observed struct {
	restarts  []*restart
	streams   []*stream
	witnesses []witness
	latest    [][]float64 // by stream and number: ms until the last client heard an emit
	stalls    [][]stall   // by process
}

func (o *observed) gaps() (all []gap) {
	for i := range o.witnesses {
		all = append(all, o.witnesses[i].gaps()...)
	}
	return all
}

func (o *observed) add(s rolloutSeen) {
	o.witnesses = append(o.witnesses, s.Witnesses...)
	o.stalls = append(o.stalls, s.Stalls)
	for stream, numbers := range s.Latest {
		if stream == len(o.latest) {
			o.latest = append(o.latest, make([]float64, len(numbers)))
		}
		for n, v := range numbers {
			o.latest[stream][n] = max(o.latest[stream][n], v)
		}
	}
}

// stalled is how long clients stood still between two moments. By that much they may be
// late, and what they would have done meanwhile they do at once: on a machine that is busy
// with other things, that is no fault of the nodes.
func (o *observed) stalled(from, to time.Time) (longest time.Duration) {
	for _, process := range o.stalls {
		var sum time.Duration
		for _, s := range process {
			if end, d := ms(s.At), time.Duration(s.MS*float64(time.Millisecond)); end.After(from) && end.Add(-d).Before(to) {
				sum += d
			}
		}
		longest = max(longest, sum)
	}
	return longest
}

// judge holds what the clients have seen to what a rollout may do to them.
func (o *observed) judge(t *testing.T) {
	t.Helper()
	if len(o.witnesses) != rolloutClients {
		t.Fatalf("%d clients tell of themselves", len(o.witnesses))
	}
	for i, w := range o.witnesses {
		if w.Duplicated != 0 || w.Reordered != 0 || len(w.Errors) > 0 {
			t.Errorf("client %d (%s): %d duplicated, %d reordered; attempts to reconnect that failed: %q", i, w.Kind, w.Duplicated, w.Reordered, w.Errors)
		}
	}
	for i := range o.restarts {
		o.judgeRestart(t, i)
	}
	o.logReturns(t)
	o.judgeEmits(t)
}

// judgeRestart looks at the connections that were lost from one restart up to the next.
func (o *observed) judgeRestart(t *testing.T, i int) {
	t.Helper()
	r := o.restarts[i]
	own, passed, back := 0, 0, time.Duration(0)
	for _, g := range o.gaps() {
		switch {
		case g.lost.SID[:4] == r.tag:
			own++
		case !o.elsewhere(g, i):
			continue
		case g.who.Kind == "upgrade": // its WebSocket passed through this node
			passed++
		default:
			t.Errorf("restart %d of node %s: a client (%s) has lost its session %s, which lived elsewhere", i, r.tag, g.who.Kind, g.lost.SID)
		}
		if g.lost.Reason != "transport close" {
			t.Errorf("restart %d: a client (%s) was disconnected by %q", i, g.who.Kind, g.lost.Reason)
		}
		back = max(back, g.joined.Sub(r.began))
	}
	t.Logf("node %d: %d sessions and %d WebSockets to other nodes closed over %v; it ended %.1f s after SIGTERM, everybody was back after %.1f s",
		i, own, passed, r.window, r.exited.Sub(r.began).Seconds(), back.Seconds())
	if limit := rolloutDelay + r.window + backOff + connecting + o.stalled(r.began, r.began.Add(back)); own == 0 || back > limit {
		t.Errorf("restart %d: %d sessions closed, everybody back after %v; want some, and %v", i, own, back, limit)
	}
}

// elsewhere reports whether a session that a client lost during the restart i lived on a
// node that was not the one restarted then, nor the last one: clients may notice late.
func (o *observed) elsewhere(g gap, i int) bool {
	if g.from.Before(o.restarts[i].began) || i+1 < len(o.restarts) && !g.from.Before(o.restarts[i+1].began) {
		return false
	}
	return i == 0 || g.lost.SID[:4] != o.restarts[i-1].tag
}

func (o *observed) logReturns(t *testing.T) {
	t.Helper()
	var lengths []time.Duration
	for _, g := range o.gaps() {
		lengths = append(lengths, g.joined.Sub(g.from))
	}
	slices.Sort(lengths)
	t.Logf("%d reconnects: median %.2f s, longest %.2f s", len(lengths), lengths[len(lengths)/2].Seconds(), lengths[len(lengths)-1].Seconds())
}

// judgeEmits holds each emit that a client has not heard to its gaps.
func (o *observed) judgeEmits(t *testing.T) {
	t.Helper()
	emitted, unsure, fell, lost := 0, 0, 0, 0
	for _, s := range o.streams {
		for _, e := range s.emits {
			emitted++
			if e.unsure {
				unsure++
			}
		}
	}
	members := 0
	var slowest time.Duration
	for i, w := range o.witnesses {
		if w.Kind != "silent" {
			members++
		}
		for stream, numbers := range w.Missed {
			for _, n := range numbers {
				e := o.streams[stream].emits[n]
				around := o.around(e)
				slowest = max(slowest, around)
				switch {
				case e.unsure:
				case w.missing(e, around):
					fell++
				default:
					lost++
					t.Errorf("client %d (%s) has missed emit %d of node %d, sent at %v, answered after %v, when the slowest took %v: it was connected %+v",
						i, w.Kind, n, stream, e.sent, e.answered.Sub(e.sent), around, w.Spans)
				}
			}
		}
	}
	t.Logf("%d emits to %d clients (%d of them cut off without an answer): %d of %d deliveries fell into reconnect gaps, %d were lost outside of them; the slowest of those took %v",
		emitted, members, unsure, fell, emitted*members, lost, slowest)
	if fell == 0 {
		t.Error("nothing fell into a gap: this test can't see losses")
	}
}

// around is how long the slowest of the emits took that were made within a second of e.
func (o *observed) around(e emit) time.Duration {
	latest := 0.
	for i, s := range o.streams {
		for n, other := range s.emits {
			if other.sent.Sub(e.sent).Abs() <= time.Second {
				latest = max(latest, o.latest[i][n])
			}
		}
	}
	return time.Duration(latest * float64(time.Millisecond))
}

// missing reports whether the client may have missed an emit because it had no session.
// It knows of the end of one later than the node: the goodbye goes the way of the emits,
// of which the slowest took so long then, and over polling needs one request more.
func (w *witness) missing(e emit, slowest time.Duration) bool {
	return slices.ContainsFunc(w.gaps(), func(g gap) bool {
		return !g.from.After(e.sent.Add(2*slowest)) && !g.joined.Before(e.sent)
	})
}
