package crew

import (
	"sync"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

const (
	// rounds is how many pings compare the clocks before a run. The quickest counts.
	rounds = 16
	// pingEvery is how often they are compared in a run.
	pingEvery = 250 * time.Millisecond
	// drift is the most by which two clocks run apart in a second: quartz is within 50
	// millionths, and so is what keeps it right.
	drift = 100 * time.Microsecond
)

// comparison is what one ping tells: by how much the worker's clock is ahead of ours, give
// or take margin.
type comparison struct{ ahead, margin time.Duration }

// compare reads an answer that came back at a time of our clock. It is as right as it was
// quick: the worker's clock was read at some moment between sending and return.
func compare(p pong, back int64) (c comparison, ok bool) {
	there, here := p.Answered-p.Received, back-p.Sent
	if there < 0 || here < there {
		return comparison{}, false
	}
	return comparison{
		ahead:  time.Duration((p.Received-p.Sent)+(p.Answered-back)) / 2,
		margin: time.Duration(here-there+1) / 2,
	}, true
}

// estimate is how a worker's clock compares with ours. It may be used from any goroutine.
type estimate struct {
	mu sync.Mutex
	// Guarded by mu.
	best      comparison
	at        int64         // when, by our clock
	low, high time.Duration // of all that were in use
	worst     time.Duration // margin that was in use, with what the clocks may have drifted meanwhile
}

// begin takes what the first comparisons have come to.
func (e *estimate) begin(c comparison, now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.best, e.at = c, now
	e.low, e.high, e.worst = c.ahead, c.ahead, c.margin
}

// add takes a later comparison, if by now it is the better one: under load an answer
// takes its time, and says little.
func (e *estimate) add(c comparison, now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.margin > e.margin(now) {
		return
	}
	e.worst = max(e.worst, e.margin(now))
	e.best, e.at = c, now
	e.low, e.high = min(e.low, c.ahead), max(e.high, c.ahead)
}

// margin is that of the best comparison, grown old. mu is held.
func (e *estimate) margin(now int64) time.Duration {
	age := time.Duration(now - e.at).Seconds()
	return e.best.margin + time.Duration(age*float64(drift))
}

// ahead is by how much the worker's clock is ahead of ours.
func (e *estimate) ahead() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.best.ahead
}

// overall is what held during the whole run up to now, and bound the largest error of
// what ahead said in it.
func (e *estimate) overall(now int64) (s audit.Skew, bound time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	bound = max(e.worst, e.margin(now))
	return audit.Skew{Offset: (e.low + e.high) / 2, Margin: (e.high-e.low)/2 + bound}, bound
}

// between is how clock b compares with clock a, if both are compared with ours.
func between(a, b audit.Skew) audit.Skew {
	return audit.Skew{Offset: a.Offset - b.Offset, Margin: a.Margin + b.Margin}
}
