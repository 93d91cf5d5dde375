package faulty

import (
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// heldBy is whose delivery is held to be swapped.
type heldBy struct {
	to, from *socketio.Socket
	room     string
}

type delivery struct {
	event string
	args  []any
	timer *time.Timer
}

// publish does to each delivery what chance wants.
func (s *Server) publish(e *socketio.Event) {
	name, ok := e.Arg(0).String()
	event, named := e.Arg(1).String()
	if !ok || !named || event == "" {
		s.answer(e, answerInvalid)
		return
	}
	s.mu.Lock()
	if r := s.rooms[name]; r != nil {
		now := time.Now()
		r.published++
		full := s.faults.MostInRoom > 0 && r.published > s.faults.MostInRoom
		for to, since := range r.members {
			switch {
			case to == e.Socket() && !s.faults.Echo:
			case full:
				s.counts.Deliveries++
				s.counts.Lost++
			default:
				s.deliver(e, heldBy{to, e.Socket(), name}, event, now.Sub(since) >= s.faults.Grace)
			}
		}
		for to, at := range r.left {
			if to != e.Socket() && now.Sub(at) >= s.faults.Grace && s.rand.Float64() < s.faults.Stray {
				s.counts.Strays++
				_ = to.Emit(event, e.Args().From(2))
			}
		}
	}
	s.mu.Unlock()
	s.answer(e, answerOK)
}

// deliver sends one message to one socket, wrongly perhaps. mu is held.
func (s *Server) deliver(e *socketio.Event, by heldBy, event string, wrongly bool) {
	s.counts.Deliveries++
	send := func(args ...any) { _ = by.to.Emit(event, args...) } // who has gone misses it
	as := e.Args().From(2)
	if before := s.held[by]; before != nil { // what overtakes another is left alone
		before.timer.Stop()
		delete(s.held, by)
		send(as)
		_ = by.to.Emit(before.event, before.args...)
		s.counts.Swapped++
		return
	}
	if !wrongly {
		send(as)
		return
	}
	switch s.choose() {
	case lose:
		s.counts.Lost++
	case repeat:
		send(as)
		send(as)
		s.counts.Repeated++
	case swap:
		s.hold(by, &delivery{event: event, args: []any{as}})
	case corruptHeader:
		if args, ok := s.changed(e, 0, audit.MinSize); ok {
			s.counts.CorruptedHeaders++
			send(args...)
			break
		}
		send(as)
	case corruptBody:
		if args, ok := s.changed(e, audit.MinSize, 1<<30); ok {
			s.counts.CorruptedBodies++
			send(args...)
			break
		}
		send(as)
	default:
		send(as)
	}
}

type fault int

const (
	none fault = iota
	lose
	repeat
	swap
	corruptHeader
	corruptBody
)

// choose says what is done to a delivery. mu is held.
func (s *Server) choose() fault {
	f, x := s.faults, s.rand.Float64()
	for i, share := range []float64{f.Lose, f.Repeat, f.Swap, f.CorruptHeader, f.CorruptBody} {
		if x < share {
			return lose + fault(i)
		}
		x -= share
	}
	return none
}

// hold keeps a delivery until the next one has overtaken it, or time is up. mu is held.
func (s *Server) hold(by heldBy, d *delivery) {
	if s.closed {
		return
	}
	s.held[by] = d
	d.timer = time.AfterFunc(s.faults.HoldFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[by] == d {
			s.release(by)
		}
	})
}

// release sends what is held as if nothing had been. mu is held.
func (s *Server) release(by heldBy) {
	d := s.held[by]
	d.timer.Stop()
	delete(s.held, by)
	_ = by.to.Emit(d.event, d.args...)
}

// releaseTo sends all that is held for a member that leaves. mu is held.
func (s *Server) releaseTo(to *socketio.Socket, name string) {
	for by := range s.held {
		if by.to == to && by.room == name {
			s.release(by)
		}
	}
}

func (s *Server) dropHeld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for by, d := range s.held {
		d.timer.Stop()
		delete(s.held, by)
	}
}

// changed returns the arguments of a publication with a byte of the payload changed,
// from from up to, not including, to. It is not ok if there is none. mu is held.
func (s *Server) changed(e *socketio.Event, from, to int) (args []any, ok bool) {
	var payload []byte
	text, isText := e.Arg(2).String()
	if isText {
		payload = []byte(text)
	} else {
		var b socketio.Binary
		if err := e.Arg(2).Bind(&b); err != nil {
			return nil, false
		}
		payload = append(payload, b...)
	}
	to = min(to, len(payload))
	if from >= to {
		return nil, false
	}
	at := from + s.rand.IntN(to-from)
	was := payload[at]
	for payload[at] == was { // another character that JSON carries as it is
		payload[at] = 'A' + byte(s.rand.IntN(26))
	}
	if isText {
		args = append(args, string(payload))
	} else {
		args = append(args, socketio.Binary(payload))
	}
	for i := 3; i < e.Len(); i++ {
		args = append(args, e.Arg(i))
	}
	return args, true
}
