package socketio

import (
	"bytes"

	"github.com/causeway-rt/causeway/internal/sabotage"
	"github.com/causeway-rt/causeway/pkg/engineio"
)

// recorded is an event with its place in the history.
type recorded struct {
	*Broadcast
	at      Offset
	packets []*engineio.Message // made when they are wanted
	bad     bool                // it was read, and is not well formed
}

// packet returns the event as it is sent to clients. Callers hold order, or are alone.
func (e *recorded) packet() []*engineio.Message {
	if e.packets == nil {
		e.packets = packetWithOffset(e.Broadcast, e.at)
	}
	return e.packets
}

// size is about how long its packet is.
func (e *recorded) size() int {
	size := len(e.Data) + maxOffsetBytes
	for _, a := range e.Attachments {
		size += len(a)
	}
	return size
}

// packetWithOffset is packetMessages for an event that ends with an offset: its last
// argument, which the client notes (protocol.md 3.8).
func packetWithOffset(b *Broadcast, at Offset) []*engineio.Message {
	kind := kindEvent
	if len(b.Attachments) > 0 {
		kind = kindBinaryEvent
	}
	var header, tail [64]byte
	array := bytes.TrimRight(b.Data, " \t\r\n")
	array = array[:len(array)-1] // the bracket
	text := append(at.AppendTo(append(tail[:0], `,"`...)), `"]`...)
	batch := make([]*engineio.Message, 1, 1+len(b.Attachments))
	batch[0] = engineio.NewText(appendHeader(header[:0], kind, b.Namespace, -1, len(b.Attachments)), array, text)
	for _, a := range b.Attachments {
		batch = append(batch, engineio.NewBinary(a))
	}
	if b.NoCompress {
		withoutCompression(batch)
	}
	return batch
}

// deliverRecorded sends an event of the history to the sockets that it is for.
func (r *recoverable) deliverRecorded(b *Broadcast, at Offset) error {
	r.order.Lock()
	if !at.After(r.position) && !sabotage.Dedupe {
		r.order.Unlock()
		return ErrRepeated
	}
	to := r.send(&recorded{Broadcast: b, at: at})
	r.order.Unlock()
	r.ns.told(to, b)
	return nil
}

// send needs order. The caller releases the audience, which is left with those that the
// event was sent to.
func (r *recoverable) send(e *recorded) *audience {
	n := r.ns
	r.position = e.at
	n.inFlight.RLock()
	to := n.rooms.membersAt(e.Rooms, e.Except, e.at)
	kept := to.sockets[:0]
	for _, s := range to.sockets {
		if s.state.Load() != stateConnected || !e.at.After(s.life.floor) {
			continue
		}
		if s.conn.session.Send(e.packet()...) != nil {
			s.life.holed = true
			continue
		}
		s.life.sent = e.at
		kept = append(kept, s)
	}
	n.inFlight.RUnlock()
	to.keep(kept)
	if len(kept) > 0 {
		n.server.counters.deliver(e.packets, len(kept))
	}
	r.ring.add(e)
	r.reveal()
	return to
}

// deliverUnrecorded sends an event that is not in the history, with the offset up to
// where its recipients have had everything. One that has had more already, as it has just
// come back, gets it with its own offset; a volatile one is left out then.
func (r *recoverable) deliverUnrecorded(b *Broadcast) {
	n := r.ns
	r.order.Lock()
	n.inFlight.RLock()
	to := n.rooms.members(b.Rooms, b.Except)
	e := recorded{Broadcast: b, at: r.position}
	kept := to.sockets[:0]
	for _, s := range to.sockets {
		if s.state.Load() != stateConnected {
			continue
		}
		var taken bool
		switch ahead := s.life.floor.After(e.at); {
		case ahead && b.Volatile:
			n.server.counters.volatileSkipped.Add(1)
		case ahead:
			taken = s.conn.send(packetWithOffset(b, s.life.floor), false)
		default:
			taken = s.conn.send(e.packet(), b.Volatile)
		}
		if taken {
			kept = append(kept, s)
		}
	}
	n.inFlight.RUnlock()
	to.keep(kept)
	r.order.Unlock()
	if len(kept) > 0 {
		n.server.counters.deliver(e.packet(), len(kept))
	}
	n.told(to, b)
}

// told has the listeners of those that have got b told, and releases them.
func (n *Namespace) told(to *audience, b *Broadcast) {
	defer to.release()
	if n.outgoing.Load() > 0 {
		n.overhear(to.sockets, b)
	}
}
