package drive

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
)

// settling is after how long a join that is not answered is taken to be done.
const settling = time.Second

// room is a room of a group.
type room struct {
	*audit.Room
	name []byte
}

// entry is the time of joins whose acks are not measured: those that follow the
// connecting, when all clients come at once.
const entry = time.Duration(-1)

// join asks to be let into a room. The ack's time counts from due.
func (c *client) join(w *wire.Client, rm *room, due time.Duration) {
	c.mu.Lock()
	if c.state != gone {
		c.sub.Joining(rm.Room)
	}
	c.mu.Unlock()
	array := c.shapes.AppendJoin(nil, rm.name, c.number)
	if !c.shapes.JoinAck {
		_ = w.Emit(array) // an error is the connection's end, which is told
		return
	}
	c.asked.Add(1)
	err := w.EmitAck(array, func(args []byte, err error) {
		c.asked.Add(-1)
		c.joined(rm, due, args, err)
	})
	if err != nil {
		c.asked.Add(-1)
	}
}

// joined takes the server's answer to a join.
func (c *client) joined(rm *room, due time.Duration, args []byte, err error) {
	if !c.answered("join", due, args, err) {
		c.mu.Lock()
		if c.state != gone {
			c.sub.Refused(rm.Room)
			c.sub.AbsentSince(rm.Room, c.wanted) // unless it once was there
			c.settle()
		}
		c.mu.Unlock()
		return
	}
	c.rec.Add(measure.Joins, c.number, 1)
	c.mu.Lock()
	if c.state == gone {
		c.mu.Unlock()
		return
	}
	c.sub.Joined(rm.Room)
	all := false
	if c.state == entering {
		c.joins--
		all = c.joins == 0
	}
	life := c.life
	c.mu.Unlock()
	if all {
		c.enter()
	}
	if due != entry {
		c.agenda.add(dueThing{at: c.clock(), what: beginRejoin, who: c, life: life})
	}
}

// joinedAll is for servers that do not answer joins. mu is held.
func (c *client) joinedAll() {
	for i := range c.rooms() {
		c.sub.Joined(c.room(i).Room)
	}
}

// rejoin leaves a room and joins it anew.
func (c *client) rejoin(rm *room, due time.Duration) {
	c.mu.Lock()
	if c.state != inside {
		c.mu.Unlock()
		return
	}
	c.sub.Leaving(rm.Room)
	w := c.wire
	c.mu.Unlock()
	array := c.shapes.AppendLeave(nil, rm.name, c.number)
	c.asked.Add(1)
	err := w.EmitAck(array, func(args []byte, err error) {
		c.asked.Add(-1)
		c.left(w, rm, due, args, err)
	})
	if err != nil {
		c.asked.Add(-1)
	}
}

// left takes the server's answer to a leave, and asks to be let in again.
func (c *client) left(w *wire.Client, rm *room, due time.Duration, args []byte, err error) {
	if !c.answered("leave", due, args, err) {
		return // it stays in doubt whether the client is in the room
	}
	c.rec.Add(measure.Leaves, c.number, 1)
	c.mu.Lock()
	isGone := c.state == gone
	if !isGone {
		c.sub.Left(rm.Room)
	}
	c.mu.Unlock()
	if !isGone {
		c.join(w, rm, c.clock())
	}
}

// answered counts an answer, or its absence, and reports whether it says yes. What the
// end of the connection took away is counted with that.
func (c *client) answered(what string, due time.Duration, args []byte, err error) bool {
	switch {
	case errors.Is(err, wire.ErrAckTimeout):
		c.rec.Add(measure.AckTimeouts, c.number, 1)
		c.rec.Error(what+": timeout", err)
		return false
	case err != nil:
		return false
	}
	if due != entry {
		c.rec.Add(measure.Acks, c.number, 1)
		c.rec.Latency(measure.Ack, c.number, c.clock()-due)
	}
	if code, refused := refusal(args); refused {
		c.rec.Add(measure.Refused, c.number, 1)
		c.rec.Error(what+": "+code, errors.New(string(args)))
		return false
	}
	return true
}

// refusal reports whether an answer's first argument is {"ok":false,"error":code}.
func refusal(args []byte) (code string, refused bool) {
	if !bytes.Contains(args, []byte("false")) {
		return "", false
	}
	var answer struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(args[:endOfValue(args)], &answer) != nil || answer.OK == nil || *answer.OK {
		return "", false
	}
	if answer.Error == "" {
		answer.Error = "refused"
	}
	return answer.Error, true
}
