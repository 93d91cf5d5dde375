package drive

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
)

// inTurn reports whether the group's clients ask one request after the other.
func (g *group) inTurn() bool { return g.plan.Requests && g.plan.RequestRate == 0 }

// beginAsking has the client ask in turn. The first request of each client is somewhere
// in the time that it thinks, so that they do not all ask at once.
func (c *client) beginAsking(now time.Duration, random *rand.Rand) {
	if !c.inTurn() || !c.takeTurn() {
		return
	}
	first := time.Duration(random.Float64() * float64(c.plan.Think.Time(random)))
	c.agenda.add(dueThing{at: now + first, what: ask, who: c, life: c.lifeNow()})
}

// takeTurn reports whether the client has nothing on its way, and takes it that it has.
func (c *client) takeTurn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != inside || c.asking || c.place == publisherPlace {
		return false
	}
	c.asking = true
	return true
}

// rest ends the client's asking until it is begun anew.
func (c *client) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking = false
}

func (c *client) lifeNow() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life
}

// retry is when a client that could not write tries again.
const retry = time.Second

// askInTurn sends the client's next request, or ends its asking while all is quiet.
func (c *client) askInTurn(due time.Duration) {
	if !c.traffic.open.Load() {
		c.rest()
	} else if !c.ask(due, c.nextInTurn) {
		c.agenda.add(dueThing{at: c.clock() + retry, what: ask, who: c, life: c.lifeNow()})
	}
}

// nextInTurn follows an answer. If there was none because the connection ended, the
// client begins anew when it is back.
func (c *client) nextInTurn(err error) {
	if err != nil && !errors.Is(err, wire.ErrAckTimeout) {
		return
	}
	now := c.clock()
	if c.plan.Think.IsZero() {
		c.askInTurn(now)
		return
	}
	c.agenda.add(dueThing{at: now, what: think, who: c, life: c.lifeNow()})
}

// ask sends a request whose time counts from due, and calls then after the answer. It
// returns false if nothing could be sent.
func (c *client) ask(due time.Duration, then func(error)) bool {
	c.mu.Lock()
	w := c.wire
	ready := c.state == inside
	c.mu.Unlock()
	if !ready {
		return false
	}
	array := c.shapes.AppendRequest(nil, c.request, c.number)
	c.asked.Add(1)
	err := w.EmitAck(array, func(args []byte, err error) {
		c.asked.Add(-1)
		c.answered("ack", due, args, err)
		if then != nil {
			then(err)
		}
	})
	if err != nil {
		c.asked.Add(-1)
		c.rec.Error("request: "+wire.Class(err), err)
		return false
	}
	c.rec.Add(measure.Requests, c.number, 1)
	return true
}

// askByRate sends requests when they are due by the group's rate, each client in turn.
func (g *group) askByRate() {
	timer := newTimer()
	defer timer.Stop()
	for n := int64(0); ; n++ {
		at, ok := g.due(g.requests, timer)
		if !ok {
			return
		}
		if c := g.member(n); c == nil || !c.ask(at, nil) {
			g.rec.Add(measure.Unsent, int(n), 1)
		}
	}
}
