package audit

import "sync/atomic"

// A counter is a field of Sums, or one of those after them.
type counter int8

const (
	due counter = iota
	delivered
	lost
	gap
	absent
	unjudged
	duplicated
	reordered
	corrupted
	afterLeaving
	unknown

	published
	missing     // holes in the numbers of members, of which nothing is known yet
	promised    // deliveries to those who were in the room at the sending
	owedOutside // of due: to those who were not
	remoteDue   // due and delivered from streams of other workers, until they are judged
	counters
)

// shards keep the counting of many goroutines apart. A power of two.
const shards = 16

// tally is the counters of some of the subscribers.
type tally struct {
	n [counters]atomic.Int64
	_ [64]byte
}

func (t *tally) add(c counter, n int64) {
	if n != 0 {
		t.n[c].Add(n)
	}
}

func (a *Audit) total(c counter) (n int64) {
	for i := range a.tallies {
		n += a.tallies[i].n[c].Load()
	}
	return n
}
