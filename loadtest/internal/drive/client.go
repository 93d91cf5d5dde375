package drive

import (
	"errors"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
)

// state is where a client is in its life.
type state uint8

const (
	apart state = iota // not connected, for the first time or again
	entering
	inside  // connected, and in all of its rooms
	outcast // failed, refused or lost for good
	gone    // taken out by the run: nothing of it is judged any more
)

// client is one client of a group: a wire.Handler, whose methods its reading goroutine
// calls, and what others do with it.
type client struct {
	// Immutable.
	*group
	number int
	wanted int64 // when it was to be there, by the audit's clock
	place  int   // among the group's clients: which rooms are its own
	slow   bool  // reads at the rate that the group's Slow says

	at int // guarded by group.mu: index in group.members

	mu sync.Mutex
	// Guarded by mu.
	state   state
	settled bool   // it is known whether it got in
	isAway  bool   // counted in run.away
	cut     bool   // the run has ended its connection, which is yet to be noticed
	asking  bool   // it has a request on its way, or on the agenda
	life    uint32 // of the connection; it grows with every change of state
	joins   int    // answers that are missing until it is inside
	turn    int    // which of its rooms is next to be published to
	wire    *wire.Client
	sub     *audit.Subscriber
	pub     *audit.Publisher // nil until it publishes
	lostAt  time.Duration    // since the run began, when it was inside the last time; 0: it is, or never was
	// bytesIn and bytesOut are those that the intervals have.
	bytesIn, bytesOut int64
}

// publisherPlace is that of clients that are in no room.
const publisherPlace = -1

func (g *group) newClient(place int) *client {
	c := &client{group: g, number: g.part.number(int(g.lastClient.Add(1)) - 1), place: place}
	c.sub = g.audit.Subscriber(c.number)
	c.wanted = g.audit.Now()
	if share := g.plan.Slow.Share; place != publisherPlace {
		c.slow = int(float64(place+1)*share) > int(float64(place)*share)
	}
	g.unsettled.Add(1)
	return c
}

// rooms is how many rooms the client is in, and room which one is number i of them.
func (c *client) rooms() int {
	if c.place == publisherPlace {
		return 0
	}
	return c.plan.RoomsEach
}

func (c *client) room(i int) *room { return c.group.rooms[(c.place+i)%len(c.group.rooms)] }

// Connected has the client join its rooms.
func (c *client) Connected(w *wire.Client, o wire.Opened) {
	c.open.Add(1)
	c.connected.Store(true)
	if o.Attempt == 0 {
		c.rec.Add(measure.Connected, c.number, 1)
		c.rec.Latency(measure.Connect, c.number, o.Took)
	} else {
		c.rec.Add(measure.Reconnects, c.number, 1)
	}
	c.mu.Lock()
	c.wire = w
	if c.state == gone {
		c.mu.Unlock()
		return // whoever made it so closes the connection
	}
	c.state = entering
	c.life++
	c.joins = c.rooms()
	c.mu.Unlock()
	if c.slow && c.sending.Err() == nil {
		w.Throttle(c.plan.Slow.BytesPerSecond)
	}
	if c.rooms() == 0 {
		c.enter()
		return
	}
	for i := range c.rooms() {
		c.join(w, c.room(i), entry)
	}
	if !c.shapes.JoinAck {
		c.agenda.add(dueThing{at: c.clock() + settling, what: takeAsJoined, who: c, life: c.lifeNow()})
	}
}

// enter is when the client is connected and in all of its rooms.
func (c *client) enter() {
	now := c.clock()
	c.mu.Lock()
	if c.state != entering {
		c.mu.Unlock()
		return
	}
	c.state = inside
	back := c.lostAt > 0
	lost := c.lostAt
	c.lostAt = 0
	c.asking = false
	life := c.life
	c.comeBack()
	first := c.settle()
	c.mu.Unlock()
	if back {
		c.rec.Latency(measure.Reconnect, c.number, now-lost)
	}
	c.agenda.add(dueThing{at: now, what: begin, who: c, life: life})
	if first {
		c.agenda.add(dueThing{at: now, what: beginStay, who: c})
	}
}

// settle notes that it is known whether the client got in. It reports whether that is
// new. mu is held.
func (c *client) settle() bool {
	if c.settled {
		return false
	}
	c.settled = true
	c.unsettled.Add(-1)
	return true
}

// comeBack ends the waiting for the client, if there was any. mu is held.
func (c *client) comeBack() {
	if c.isAway {
		c.isAway = false
		c.away.Add(-1)
	}
}

// Disconnected tells the losses of the network from those of the test.
func (c *client) Disconnected(w *wire.Client, err error) {
	c.open.Add(-1)
	returns := !c.whole.Reconnect.Off && !errors.Is(err, wire.ErrServerDisconnect)
	c.mu.Lock()
	c.count(w)
	wasCut, wasGone := c.cut, c.state == gone
	c.cut = false
	if !wasGone {
		c.state = apart
		c.life++
		c.sub.Disconnected()
		if c.pub != nil {
			c.pub.Disconnected()
		}
		if c.lostAt == 0 {
			c.lostAt = c.clock()
		}
		if returns && !c.isAway {
			c.isAway = true
			c.away.Add(1)
		}
		if !returns {
			c.state = outcast
			c.comeBack()
			c.settle()
		}
	}
	c.mu.Unlock()
	switch {
	case wasGone || wasCut:
	case c.slow:
		c.rec.Add(measure.SlowClosed, c.number, 1)
	default:
		c.rec.Add(measure.Disconnects, c.number, 1)
		c.rec.Error("disconnect: "+wire.Class(err), err)
	}
}

// Failed counts an attempt to come back.
func (c *client) Failed(_ *wire.Client, err error) {
	var refused *wire.ConnectError // the client does not try again then
	c.mu.Lock()
	isGone := c.state == gone
	if !isGone && errors.As(err, &refused) {
		c.state = outcast
		c.comeBack()
		c.settle()
	}
	c.mu.Unlock()
	if !isGone {
		c.rec.Add(measure.ReconnectErrors, c.number, 1)
		c.rec.Error("reconnect: "+wire.Class(err), err)
	}
}

// hurry lets a slow reader read as fast as it can.
func (c *client) hurry() {
	c.mu.Lock()
	w := c.wire
	c.mu.Unlock()
	if w != nil {
		w.Throttle(-1)
	}
}

// end takes the client out. What is due to it until now and has not come is judged as
// lost if that is final, as at the end of the run, or else not at all. The
// connection, if there is one, is the caller's to close.
func (c *client) end(final bool) *wire.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == gone {
		return nil
	}
	if !final {
		for i := range c.rooms() {
			c.sub.Leaving(c.room(i).Room)
			c.sub.Left(c.room(i).Room)
		}
	}
	c.sub.Finish()
	if c.pub != nil {
		c.pub.Finish()
	}
	c.state = gone
	c.life++
	c.comeBack()
	c.settle()
	return c.wire
}

// count adds to the counters what the connection has read and written. mu is held.
func (c *client) count(w *wire.Client) {
	if w == nil {
		return
	}
	in, out := w.Stats()
	c.rec.Add(measure.BytesIn, c.number, in-c.bytesIn)
	c.rec.Add(measure.BytesOut, c.number, out-c.bytesOut)
	c.bytesIn, c.bytesOut = in, out
}
