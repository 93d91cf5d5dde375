package drive

import (
	"math/rand/v2"
	"time"
)

// action is what an agenda has for a client.
type action uint8

const (
	begin        action = iota // it is in its rooms: what it does from now on is to be chosen
	beginStay                  // it is in for the first time
	beginRejoin                // it has joined a room again
	beginAsking                // there is traffic again
	think                      // it has its answer
	ask                        // it asks again
	rejoin                     // it leaves a room and joins it again
	leave                      // another takes its place
	takeAsJoined               // nothing says that it is in its rooms, and nothing will
)

// do does what is due for a client, or chooses when the next thing is.
func (g *group) do(d dueThing, random *rand.Rand) {
	c := d.who
	if d.what != leave && d.what != beginStay && !c.sameLife(d.life) {
		return
	}
	again := func(what action, after time.Duration) {
		g.agenda.add(dueThing{at: d.at + after, what: what, who: c, life: d.life})
	}
	switch d.what {
	case begin:
		if c.rooms() > 0 && !g.plan.Rejoin.IsZero() && g.shapes.JoinAck { // else nothing says when it has left
			again(rejoin, g.plan.Rejoin.Time(random))
		}
		c.beginAsking(d.at, random)
	case beginStay:
		if !g.plan.Stay.IsZero() {
			again(leave, g.plan.Stay.Time(random))
		}
	case beginAsking:
		c.beginAsking(d.at, random)
	case beginRejoin:
		again(rejoin, g.plan.Rejoin.Time(random))
	case think:
		again(ask, g.plan.Think.Time(random))
	case ask:
		c.askInTurn(d.at)
	case rejoin:
		if g.traffic.open.Load() {
			c.rejoin(c.room(random.IntN(c.rooms())), d.at)
		} else {
			again(beginRejoin, 0)
		}
	case leave:
		g.replace(c)
	case takeAsJoined:
		c.mu.Lock()
		if c.state == entering {
			c.joinedAll()
		}
		c.mu.Unlock()
		c.enter()
	}
}

// sameLife reports whether the client's connection is still the same.
func (c *client) sameLife(life uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life == life
}
