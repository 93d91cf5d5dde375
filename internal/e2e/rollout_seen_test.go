package e2e

import (
	"slices"
	"testing"
	"time"
)

// witness is what an official client has seen of a rollout.
type witness struct {
	Transport  string   `json:"transport"`
	Spans      []span   `json:"spans"`
	Errors     []string `json:"errors"` // of attempts to reconnect
	Duplicated int      `json:"duplicated"`
	Reordered  int      `json:"reordered"`
	Missed     [][]int  `json:"missed"` // by stream: numbers that were not heard
	Latest     float64  `json:"latest"` // ms that the slowest event took
}

// span is a time that a client was connected for. Times are in ms since 1970.
type span struct {
	SID       string  `json:"sid"`
	Connected float64 `json:"connected"`
	From      float64 `json:"from"` // when it was in the room
	To        float64 `json:"to"`   // when it knew that the connection had gone; 0: it has not
	Reason    string  `json:"reason"`
}

func ms(v float64) time.Time { return time.UnixMicro(int64(v * 1000)) }

// observed is a rollout as its clients and the backend have seen it.
type observed struct {
	restarts  []*restart
	streams   []*stream
	witnesses []witness
}

// closedSessions are the ids of the sessions that the drains have closed.
func (o *observed) closedSessions() map[string]bool {
	closed := map[string]bool{}
	for _, m := range o.witnesses {
		for _, s := range m.Spans {
			closed[s.SID] = s.To != 0
		}
	}
	return closed
}

func (o *observed) judge(t *testing.T) {
	t.Helper()
	if len(o.witnesses) != rolloutClients {
		t.Fatalf("%d clients tell of themselves", len(o.witnesses))
	}
	for i, m := range o.witnesses {
		if m.Duplicated != 0 || m.Reordered != 0 {
			t.Errorf("client %d (%s): %d duplicated, %d reordered", i, m.Transport, m.Duplicated, m.Reordered)
		}
		if len(m.Errors) > 0 {
			t.Errorf("client %d (%s): attempts to reconnect failed: %q", i, m.Transport, m.Errors)
		}
	}
	o.judgeGaps(t)
	o.judgeReturns(t)
}

// judgeReturns holds each gap to the drain that made it.
func (o *observed) judgeReturns(t *testing.T) {
	t.Helper()
	var gaps []time.Duration
	var returns []time.Time
	for i, r := range o.restarts {
		lost, back := 0, time.Duration(0)
		for n, m := range o.witnesses {
			for j, s := range m.Spans[:len(m.Spans)-1] {
				if to := ms(s.To); to.Before(r.began) || i+1 < len(o.restarts) && !to.Before(o.restarts[i+1].began) {
					continue
				}
				if s.Reason != "transport close" {
					t.Errorf("client %d (%s) was disconnected by %q", n, m.Transport, s.Reason)
				}
				lost++
				again := m.Spans[j+1]
				back = max(back, ms(again.From).Sub(r.began))
				gaps = append(gaps, ms(again.From).Sub(ms(s.To)))
				returns = append(returns, ms(again.Connected))
			}
		}
		limit := rolloutDelay + r.window + backOff + connecting
		t.Logf("node %d: %d connections closed over %v; it ended %.1f s after SIGTERM, everybody was back after %.1f s",
			i, lost, r.window, r.exited.Sub(r.began).Seconds(), back.Seconds())
		if lost == 0 || back > limit {
			t.Errorf("%d connections closed, back after %v; want it within %v", lost, back, limit)
		}
	}
	slices.Sort(gaps)
	burst := most(returns, time.Second)
	t.Logf("%d gaps: median %.2f s, longest %.2f s; at most %d clients came back in any second", len(gaps), gaps[len(gaps)/2].Seconds(), gaps[len(gaps)-1].Seconds(), burst)
	if burst > rolloutClients/10 {
		t.Errorf("%d of %d clients came back in a second", burst, rolloutClients)
	}
}

// judgeGaps holds each emit that a client has not heard to its gaps. The client knows
// that its session has been closed a little later than the node does, and an emit takes
// a little to get to the node: no more than the slowest that was heard.
func (o *observed) judgeGaps(t *testing.T) {
	t.Helper()
	slowest := 0.
	for _, m := range o.witnesses {
		slowest = max(slowest, m.Latest)
	}
	margin := time.Duration(slowest * float64(time.Millisecond))
	fell, lost, emitted, unsure := 0, 0, 0, 0
	for _, s := range o.streams {
		emitted += len(s.emits)
		for _, e := range s.emits {
			if e.unsure {
				unsure++
			}
		}
	}
	for i, m := range o.witnesses {
		for stream, numbers := range m.Missed {
			for _, n := range numbers {
				e := o.streams[stream].emits[n]
				switch {
				case e.unsure:
				case m.inGap(e, margin):
					fell++
				default:
					lost++
					t.Errorf("client %d (%s) has missed emit %d of node %d, which was sent at %v and answered at %v: it was connected for %+v",
						i, m.Transport, n, stream, e.sent, e.answered, m.Spans)
				}
			}
		}
	}
	t.Logf("%d emits to %d clients (%d cut off without an answer): %d of %d deliveries fell into reconnect gaps, %d were lost outside of them; the slowest took %v",
		emitted, len(o.witnesses), unsure, fell, emitted*len(o.witnesses), lost, margin)
}

// inGap says whether an emit was under way while the client was not in the room.
func (m *witness) inGap(e emit, margin time.Duration) bool {
	for j, s := range m.Spans[:len(m.Spans)-1] {
		if !e.answered.Add(margin).Before(ms(s.To)) && !e.sent.After(ms(m.Spans[j+1].From)) {
			return true
		}
	}
	return false
}
