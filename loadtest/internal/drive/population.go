package drive

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// crowd is how many clients a group is to have in a phase.
type crowd struct {
	phase    context.Context // ends with it
	at       time.Duration
	length   time.Duration // 0: until the next phase
	clients  plan.Line
	arrivals plan.Line // clients a second; 0 unless they come in an open loop
}

// populate brings clients and sends them away, as the phases want.
func (g *group) populate() {
	g.dialer.all(g.publishers)
	for {
		select {
		case <-g.sending.Done():
			g.stayAway()
			return
		case c := <-g.crowds:
			g.move(c)
		}
	}
}

// stayAway is for crowds whose turn has not come before nothing more is sent: nobody is
// to wait for them. There come no more of them.
func (g *group) stayAway() {
	for range len(g.crowds) {
		<-g.crowds
		g.unsettled.Add(-1)
	}
}

// move passes one phase. A change that is not a ramp's is made at once, and those who
// come are connected as fast as the dialer does it.
func (g *group) move(c crowd) {
	from, to := g.own(c.clients.From), g.own(c.clients.To)
	if c.clients.Over == 0 {
		from = to
	}
	g.reach(from)
	g.unsettled.Add(-1)
	switch change := math.Abs(float64(to - from)); {
	case c.arrivals.From > 0 || c.arrivals.To > 0:
		g.paced(c, stretch{at: c.at, length: c.length, from: c.arrivals.From, to: c.arrivals.To}, g.arrive)
	case change > 0:
		rate := change / c.length.Seconds()
		step := g.arrive
		if to < from {
			step = g.dismiss
		}
		g.paced(c, stretch{at: c.at, length: c.length, from: rate, to: rate}, step)
	}
}

// own is how many of the group's clients are this process's.
func (g *group) own(clients float64) int { return g.part.of(int(math.Round(clients))) }

// paced takes a step whenever one is due in the phase.
func (g *group) paced(c crowd, s stretch, step func()) {
	timer := newTimer()
	defer timer.Stop()
	l := newLane(g.clock, 1)
	l.changes <- s
	for {
		if _, ok := l.next(c.phase, timer); !ok {
			break
		}
		step()
	}
	for range l.missed(g.clock()) { // this program was late
		step()
	}
}

// reach makes the members so many.
func (g *group) reach(n int) {
	g.mu.Lock()
	have := len(g.members)
	g.mu.Unlock()
	var coming []*client
	for ; have < n; have++ {
		c := g.newClient(g.part.number(have))
		if g.add(c) {
			coming = append(coming, c)
		}
	}
	g.dialer.all(coming)
	for ; have > n; have-- {
		g.dismiss()
	}
}

// arrive adds a member that connects now.
func (g *group) arrive() {
	g.mu.Lock()
	place := len(g.members)
	g.mu.Unlock()
	if c := g.newClient(g.part.number(place)); g.add(c) {
		g.dialer.now(c)
	}
}

// add makes a client a member. When the run is over it has failed instead.
func (g *group) add(c *client) bool {
	g.mu.Lock()
	closed := g.closed
	if !closed {
		c.at = len(g.members)
		g.members = append(g.members, c)
	}
	g.mu.Unlock()
	if closed {
		c.failed(errNoTurn)
	}
	return !closed
}

// closeDoor lets nobody in any more, and returns those who are there.
func (g *group) closeDoor() []*client {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	return g.everybody()
}

// remove takes a client out of the members. It returns false if it is none.
func (g *group) remove(c *client) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.at >= len(g.members) || g.members[c.at] != c {
		return false
	}
	last := len(g.members) - 1
	g.members[c.at] = g.members[last]
	g.members[c.at].at = c.at
	g.members[last] = nil
	g.members = g.members[:last]
	return true
}

// dismiss sends the last member away.
func (g *group) dismiss() {
	g.mu.Lock()
	var c *client
	if n := len(g.members); n > 0 {
		c = g.members[n-1]
	}
	g.mu.Unlock()
	if c != nil {
		g.sendAway(c)
	}
}

// sendAway ends a client. It reports whether it was there.
func (g *group) sendAway(c *client) bool {
	if !g.remove(c) {
		return false
	}
	if w := c.end(false); w != nil {
		g.work.Go(func() { g.close(c, w) })
	}
	return true
}

// replace sends a client away whose stay is over. Where their number is fixed, another
// takes its place.
func (g *group) replace(c *client) {
	if g.sending.Err() != nil || !g.sendAway(c) || g.plan.Arrivals > 0 {
		return
	}
	if next := g.newClient(c.place); g.add(next) {
		g.dialer.now(next)
	}
}

// resume has clients begin what they do in turn, after a quiet phase.
func (g *group) resume() {
	if !g.inTurn() || !g.traffic.open.Load() {
		return
	}
	now := g.clock()
	for _, c := range g.everybody() {
		g.agenda.add(dueThing{at: now, what: beginAsking, who: c, life: c.lifeNow()})
	}
}

// slowOnes are the slow readers.
func (g *group) slowOnes() []*client {
	return slices.DeleteFunc(g.everybody(), func(c *client) bool { return !c.slow })
}
