package socketio

import "slices"

// assembly is a packet whose attachments have not all arrived.
type assembly struct {
	socket *Socket
	kind   packetKind
	id     int64
	want   int
	data   []byte
	got    [][]byte
	size   int // bytes of got
}

// assembling reports whether attachments are missing.
func (c *conn) assembling() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.assembly != nil
}

// assemble begins to wait for the attachments of p.
func (c *conn) assemble(s *Socket, p packet) {
	a := &assembly{socket: s, kind: p.kind, id: p.id, want: p.attachments, data: slices.Clone(p.data)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.assembly = a
	}
}

// attach takes a binary message. All attachments of a packet together may be as
// large as one message.
func (c *conn) attach(data []byte) {
	c.mu.Lock()
	a := c.assembly
	if c.closing {
		c.mu.Unlock()
		return
	}
	if a == nil {
		c.mu.Unlock()
		c.refuse(ReasonForcedClose, errStrayBinary)
		return
	}
	if a.size+len(data) > c.server.cfg.Engine.MaxPayload {
		c.mu.Unlock()
		c.refuse(ReasonForcedClose, errAttachmentsTooLarge)
		return
	}
	a.got = append(a.got, slices.Clone(data))
	a.size += len(data)
	if len(a.got) < a.want {
		c.mu.Unlock()
		return
	}
	c.assembly = nil
	c.mu.Unlock()
	c.complete(a.socket, a.kind, a.id, a.data, a.got)
}
