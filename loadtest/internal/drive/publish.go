package drive

import (
	"math/rand/v2"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
)

// sender publishes for a group, in one goroutine.
type sender struct {
	*group
	random *rand.Rand
	window *audit.Window // nil: an open loop

	// Buffers that are used again.
	payload, array []byte
}

// publishAll publishes until the run's traffic ends, or there are as many messages as the
// plan wants.
func (g *group) publishAll() {
	s := &sender{group: g, random: g.random(byPublisher)}
	switch {
	case g.shares.publish == 0:
	case g.plan.Rate == 0 && g.plan.Window > 0:
		s.window = audit.NewWindow(g.part.window(g.plan))
		s.byWindow()
	default:
		s.byRate()
	}
	g.sent.Store(true)
}

// enough reports whether n messages are what the plan wants.
func (s *sender) enough(n int64) bool { return s.plan.Messages > 0 && n >= int64(s.messages) }

// byRate publishes what is due when it is due. What cannot be sent then is counted, and
// not made up for.
func (s *sender) byRate() {
	timer := newTimer()
	defer timer.Stop()
	for n := int64(0); !s.enough(n); n++ {
		at, ok := s.due(s.publishing, timer)
		if !ok {
			return
		}
		if s.send(n, at) == unsent {
			s.rec.Add(measure.Unsent, s.index, 1)
		}
	}
}

// due waits for what is due next in a lane. When sending has ended, what is overdue is
// given yet, for half the time that the run has to its end; what is left then counts as
// unsent, and ok is false.
func (g *group) due(l *lane, timer *time.Timer) (at time.Duration, ok bool) {
	if at, ok = l.next(g.sending, timer); ok {
		return at, true
	}
	stopped := time.Duration(g.stopped.Load())
	if g.clock() < stopped+g.whole.Drain/2 {
		return l.overdue(stopped)
	}
	g.rec.Add(measure.Unsent, g.index, l.missed(stopped))
	return 0, false
}

// unsent is what send returns when nothing was written.
const unsent = -1

// send publishes message number n. It returns how many members it is due to. What was
// taken of the window for a message that is not sent, or due to nobody, is back.
func (s *sender) send(n int64, due time.Duration) (members int) {
	c, rm := s.next(n)
	if c == nil {
		return s.notMade()
	}
	size := s.plan.Payload.Size(s.random)
	c.mu.Lock()
	if c.state != inside {
		c.mu.Unlock()
		return s.notMade()
	}
	if c.pub == nil {
		c.pub = s.audit.Publisher(c.number, s.window)
	}
	w := c.wire
	stream := c.pub.Stream(rm.Room)
	var m audit.Sent
	s.payload, m = stream.Next(s.payload[:0], size, s.nanos(due))
	c.mu.Unlock()

	err := s.emit(c, w, rm, due)
	if err != nil {
		c.mu.Lock()
		stream.Unsent(m.Seq)
		c.mu.Unlock()
		s.rec.Error("publish: "+wire.Class(err), err)
		return unsent
	}
	s.rec.Add(measure.Published, s.index, 1)
	return m.Members
}

func (s *sender) notMade() int {
	if s.window != nil {
		s.window.Return()
	}
	return unsent
}

// next is who publishes message number n, and to where: publishers in turn, each to its
// rooms in turn. nil if there is nobody, or no room.
func (s *sender) next(n int64) (*client, *room) {
	if len(s.group.rooms) == 0 {
		return nil, nil
	}
	if p := int64(len(s.publishers)); p > 0 {
		turn := int64(s.part.number(int(n%p))) + n/p // so that publishers do not all begin with the first room
		return s.publishers[n%p], s.group.rooms[turn%int64(len(s.group.rooms))]
	}
	c := s.member(n)
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	return c, c.room(c.turn % c.rooms())
}

// emit writes the payload to the room.
func (s *sender) emit(c *client, w *wire.Client, rm *room, due time.Duration) error {
	if s.plan.Binary {
		s.array = s.shapes.AppendPublishAttached(s.array[:0], rm.name, c.number)
		return w.EmitBinary(s.array, s.payload)
	}
	s.array = s.shapes.AppendPublish(s.array[:0], rm.name, s.payload, c.number)
	if !s.plan.AckPublish {
		return w.Emit(s.array)
	}
	s.asked.Add(1)
	err := w.EmitAck(s.array, func(args []byte, err error) {
		c.asked.Add(-1)
		c.answered("publish", due, args, err)
	})
	if err != nil {
		s.asked.Add(-1)
	}
	return err
}
