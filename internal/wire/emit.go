package wire

import "fmt"

// Emit sends an event: a JSON array with the event's name first. It does not block: what
// the kernel does not take at once waits, up to 1 MiB, and is refused with ErrQueueFull
// beyond. Without a connection it returns ErrNotConnected; nothing is kept for later.
// array is the caller's again when Emit has returned.
func (c *Client) Emit(array []byte) error {
	return c.send(message{kind: typeEvent, payload: array})
}

// EmitBinary sends an event with binary attachments, for which array has a placeholder
// each: {"_placeholder":true,"num":0}. Otherwise it is like Emit.
func (c *Client) EmitBinary(array []byte, attachments ...[]byte) error {
	if len(attachments) == 0 {
		return c.Emit(array)
	}
	return c.send(message{kind: typeBinaryEvent, payload: array, attachments: attachments})
}

// EmitAck sends an event that the server is to answer. answer is called exactly once, by
// the reading goroutine: with the elements of the answer, JSON with commas between and
// valid until it returns, or with ErrAckTimeout or ErrDisconnected. If EmitAck returns an
// error, it is not called.
func (c *Client) EmitAck(array []byte, answer func(args []byte, err error)) error {
	s, err := c.current()
	if err != nil {
		return err
	}
	id := s.acks.add(answer)
	err = s.send(message{kind: typeEvent, payload: array, id: id, hasID: true})
	if err != nil && s.acks.take(id) == nil {
		return nil // answer was told already
	}
	return err
}

// Ack answers an event that WantsAck, with a JSON array.
func (c *Client) Ack(id uint64, array []byte) error {
	return c.send(message{kind: typeAck, payload: array, id: id, hasID: true})
}

func (c *Client) send(m message) error {
	if n := len(m.payload); n < 2 || m.payload[0] != '[' || m.payload[n-1] != ']' {
		return fmt.Errorf("%w: not an array: %.40q", ErrBadPacket, m.payload)
	}
	s, err := c.current()
	if err != nil {
		return err
	}
	return s.send(m)
}

func (c *Client) current() (*session, error) {
	s := c.session.Load()
	if s == nil || !s.ready.Load() {
		return nil, ErrNotConnected
	}
	return s, nil
}
