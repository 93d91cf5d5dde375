package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"sync"
)

// received counts what was read.
func (s *session) received(n int) {
	s.client.in.Add(int64(n))
	if !s.active.Load() {
		s.active.Store(true)
	}
}

// packet handles an Engine.IO packet of text. e is what an event is handed over in.
func (s *session) packet(p []byte, e *Event) error {
	if len(p) == 0 {
		return fmt.Errorf("%w: empty", ErrBadPacket)
	}
	if s.step == opening && p[0] != '0' {
		return fmt.Errorf("%w: instead of an open packet: %.80q", ErrNotSocketIO, p)
	}
	switch p[0] {
	case '4':
		return s.message(p[1:], e)
	case '2':
		s.heard()
		return s.sendPacket("3")
	case '0':
		if s.step != opening {
			return fmt.Errorf("%w: a second open packet", ErrBadPacket)
		}
		return s.opened(p[1:])
	case '1':
		if s.socket == nil {
			return ErrServerClosed
		}
		return nil // on a WebSocket, closing the socket counts
	case '3', '6':
		return nil // noop, and a pong that nobody has asked for
	case 'b':
		data, err := base64.StdEncoding.AppendDecode(nil, p[1:])
		if err != nil {
			return fmt.Errorf("%w: base64: %w", ErrBadPacket, err)
		}
		return s.binary(data, e)
	}
	return fmt.Errorf("%w: no such Engine.IO type: %.20q", ErrBadPacket, p)
}

// message handles a Socket.IO packet.
func (s *session) message(b []byte, e *Event) error {
	if s.pending != nil {
		return fmt.Errorf("%w: text in place of an attachment", ErrBadPacket)
	}
	p, err := parsePacket(b)
	if err != nil {
		return err
	}
	if p.attachments > 0 {
		s.pending = assemble(p)
		return nil
	}
	e.Attachments = e.Attachments[:0]
	return s.dispatch(p, e)
}

// dispatch handles a packet that is complete.
func (s *session) dispatch(p packet, e *Event) error {
	if !s.addressed(p.namespace) {
		return nil
	}
	if s.step == joining {
		switch p.kind {
		case typeConnect:
			return s.admitted(p)
		case typeConnectError:
			return s.refused(p)
		case typeEvent, typeBinaryEvent:
			return s.keepEarly(p, e)
		}
		return nil // as meant for somebody who is connected
	}
	switch p.kind {
	case typeEvent, typeBinaryEvent:
		return s.event(p, e)
	case typeAck, typeBinaryAck:
		return s.answered(p)
	case typeDisconnect:
		return ErrServerDisconnect
	case typeConnectError:
		return s.refused(p)
	}
	return fmt.Errorf("%w: a second CONNECT", ErrBadPacket)
}

// addressed says whether a packet is for the client's namespace.
func (s *session) addressed(namespace []byte) bool {
	prefix := s.client.target.prefix
	if prefix == "" {
		return len(namespace) == 0
	}
	return string(namespace) == prefix[:len(prefix)-1]
}

func (s *session) event(p packet, e *Event) error {
	var err error
	if e.Name, e.Args, err = parseEvent(p.payload); err != nil {
		return err
	}
	e.WantsAck, e.AckID = p.hasID, p.id
	s.client.cfg.Handler.Event(s.client, e)
	s.client.recovery.note(p)
	return nil
}

func (s *session) answered(p packet) error {
	args, err := parseArray(p.payload)
	if err != nil {
		return err
	}
	if !p.hasID {
		return nil
	}
	if answer := s.acks.take(p.id); answer != nil { // late ones are nobody's any more
		answer(args, nil)
	}
	return nil
}

// assembly is a packet that waits for its attachments.
type assembly struct {
	packet packet // its slices are parts of text
	text   []byte
	data   []byte // the attachments, one after the other
	ends   []int
}

var assemblies = sync.Pool{New: func() any { return new(assembly) }}

func assemble(p packet) *assembly {
	a := assemblies.Get().(*assembly)
	a.text = append(append(a.text[:0], p.namespace...), p.payload...)
	a.data, a.ends = a.data[:0], a.ends[:0]
	a.packet = p
	a.packet.namespace = a.text[:len(p.namespace)]
	a.packet.payload = a.text[len(p.namespace):]
	return a
}

// binary handles an attachment.
func (s *session) binary(data []byte, e *Event) error {
	a := s.pending
	if a == nil {
		if s.step == opening {
			return fmt.Errorf("%w: binary data at the beginning", ErrNotSocketIO)
		}
		return fmt.Errorf("%w: an attachment of nothing", ErrBadPacket)
	}
	if len(a.data)+len(data) > s.client.cfg.MaxMessage {
		return fmt.Errorf("%w: attachments of %d bytes", ErrTooBig, len(a.data)+len(data))
	}
	a.data = append(a.data, data...)
	a.ends = append(a.ends, len(a.data))
	if len(a.ends) < a.packet.attachments {
		return nil
	}
	s.pending = nil
	e.Attachments = e.Attachments[:0]
	start := 0
	for _, end := range a.ends {
		e.Attachments = append(e.Attachments, a.data[start:end])
		start = end
	}
	err := s.dispatch(a.packet, e)
	if cap(a.data)+cap(a.text) <= maxPooled {
		assemblies.Put(a)
	}
	return err
}

// connectPacket asks for the namespace.
func connectPacket(auth []byte) message {
	return message{kind: typeConnect, payload: bytes.TrimSpace(auth)}
}
