package socketio

import "github.com/causeway-rt/causeway/pkg/engineio"

// packetMessages turns a packet into what a session sends: its text, and a
// message for each attachment.
func packetMessages(kind packetKind, namespace string, id int64, data []byte, attachments [][]byte) []*engineio.Message {
	if len(attachments) > 0 {
		switch kind {
		case kindEvent:
			kind = kindBinaryEvent
		case kindAck:
			kind = kindBinaryAck
		}
	}
	var header [64]byte
	batch := make([]*engineio.Message, 1, 1+len(attachments))
	batch[0] = engineio.NewText(appendHeader(header[:0], kind, namespace, id, len(attachments)), data)
	for _, a := range attachments {
		batch = append(batch, engineio.NewBinary(a))
	}
	return batch
}

func withoutCompression(batch []*engineio.Message) {
	for _, m := range batch {
		m.NoCompress = true
	}
}

// deliver sends b to the sockets of this node that it addresses. The packet is
// made once and shared by all of them.
func (n *Namespace) deliver(b *Broadcast) {
	if n.recovery != nil {
		n.recovery.deliverUnrecorded(b)
		return
	}
	n.deliverAs(b, -1, nil)
}

// deliverAs is deliver with an ack id, or -1. expect, if not nil, is called for
// each recipient before anything is sent to it, and may leave it out.
func (n *Namespace) deliverAs(b *Broadcast, id int64, expect func(*Socket) bool) {
	n.inFlight.RLock()
	to := n.rooms.members(b.Rooms, b.Except)
	defer to.release()
	if len(to.sockets) == 0 {
		n.inFlight.RUnlock()
		return
	}
	batch := packetMessages(kindEvent, n.name, id, b.Data, b.Attachments)
	if b.NoCompress {
		withoutCompression(batch)
	}
	delivered := 0
	for _, s := range to.sockets {
		if s.state.Load() != stateConnected || expect != nil && !expect(s) {
			continue
		}
		if s.conn.send(batch, b.Volatile) {
			delivered++
		}
	}
	n.inFlight.RUnlock()
	n.server.counters.deliver(batch, delivered)
	if n.outgoing.Load() > 0 {
		n.overhear(to.sockets, b)
	}
}

// send hands a packet to the session, and reports whether it was taken.
func (c *conn) send(batch []*engineio.Message, volatile bool) bool {
	if volatile {
		return c.session.SendVolatile(batch...)
	}
	return c.session.Send(batch...) == nil
}

// overhear calls the listeners of recipients, after all of them have been served:
// a listener may leave the room.
func (n *Namespace) overhear(to []*Socket, b *Broadcast) {
	var name string
	var args Args
	for _, s := range to {
		heard := s.outgoingListeners()
		if len(heard) == 0 || s.state.Load() != stateConnected {
			continue
		}
		if name == "" {
			var err error
			if name, args, err = parseEvent(b.Data, b.Attachments, &n.server.limits); err != nil {
				return // our own encoder made it: only beyond the limits for what comes in
			}
		}
		for _, f := range heard {
			s.protect("outgoing event", func() { f(name, args) })
		}
	}
}
