package drive

import (
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// Part is one process's share of a run that several make together. The zero value is
// all of it.
type Part struct {
	// Worker is the process's number among those of the run, from 0, and Workers how many
	// there are.
	Worker, Workers int
	// Clock is what the audit tells the time by, and Start when the run began by it, the
	// same moment in all parts, so that their intervals are of the same times. nil, and
	// zero: a clock of its own, and now.
	Clock *audit.Clock
	Start time.Time
	// Clocks are those of the other parts; nil: all show the same.
	Clocks *Clocks
}

// Clocks is by how much the clocks of a run's parts differ. It may be set and used from
// any goroutine.
type Clocks struct {
	behind [audit.MaxWorkers]atomic.Int64
}

// Set says how far a worker's clock is behind this one's.
func (c *Clocks) Set(worker int, behind time.Duration) { c.behind[worker].Store(int64(behind)) }

// due is when a message was due, by our clock.
func (c *Clocks) due(s audit.Stamp) int64 {
	if c == nil {
		return s.Due
	}
	return s.Due + c.behind[s.Worker()].Load()
}

// Clients is how many of the plan's clients, publishers included, are this part's when
// there are the most of them.
func (p Part) Clients(whole *plan.Plan) (n int) {
	for i := range whole.Groups {
		publishers := whole.Groups[i].Publishers
		n += p.of(publishers) + p.of(whole.Most(i)-publishers)
	}
	return n
}

// of returns how many of n things are this part's. Thing number i is the part's whose
// Worker is i modulo Workers.
func (p Part) of(n int) int { return max(0, (n-p.Worker+p.Workers-1)/p.Workers) }

// number is, in the whole run, that of the part's thing n.
func (p Part) number(n int) int { return n*p.Workers + p.Worker }

// shares is what a group's traffic is multiplied with in this part. Who publishes is
// where the publishers are; members are everywhere.
type shares struct {
	publish  float64
	ask      float64
	arrivals float64
}

func (p Part) shares(g *plan.Group) shares {
	even := 1 / float64(p.Workers)
	s := shares{publish: even, ask: even, arrivals: even}
	if g.Publishers > 0 {
		s.publish = float64(p.of(g.Publishers)) / float64(g.Publishers)
	}
	return s
}

// messages is how many of the group's messages are this part's; 0 if there is no limit.
func (p Part) messages(g *plan.Group) int {
	if g.Publishers == 0 {
		return p.of(g.Messages)
	}
	n := 0
	for i := range p.of(g.Publishers) {
		n += Part{Worker: p.number(i), Workers: g.Publishers}.of(g.Messages)
	}
	return n
}

// window is how many of the group's messages may be on their way from this part.
func (p Part) window(g *plan.Group) int {
	return max(1, int(float64(g.Window)*p.shares(g).publish))
}

// times is a line at a share of its height.
func times(l plan.Line, share float64) plan.Line {
	l.From *= share
	l.To *= share
	return l
}
