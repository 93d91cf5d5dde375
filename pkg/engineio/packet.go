package engineio

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// The packet types of Engine.IO v4, "Packet types".
const (
	packetOpen    = '0'
	packetClose   = '1'
	packetPing    = '2'
	packetPong    = '3'
	packetMessage = '4'
	packetUpgrade = '5'
	packetNoop    = '6'
)

// separator stands between the packets of a polling payload ("Payload encoding").
const separator = 0x1e

// packet is one incoming packet. Its data aliases the bytes that it was decoded from.
type packet struct {
	kind   byte
	binary bool
	data   []byte
}

// decodeText decodes a packet in its text form, as it stands in a text frame or in a
// polling payload. It decodes base64 in place. ok is false for what is no packet.
func decodeText(p []byte) (pk packet, ok bool) {
	if len(p) == 0 {
		return packet{}, false
	}
	switch kind := p[0]; {
	case kind >= packetOpen && kind <= packetNoop:
		return packet{kind: kind, data: p[1:]}, true
	case kind == 'b':
		enc := base64.RawStdEncoding
		src := bytes.TrimRight(p[1:], "=")
		n, err := enc.Decode(src, src)
		if err != nil {
			return packet{}, false
		}
		return packet{kind: packetMessage, binary: true, data: src[:n]}, true
	}
	return packet{}, false
}

// payload walks the packets of a polling request body.
type payload struct {
	rest []byte
	more bool
}

func newPayload(body []byte) payload { return payload{rest: body, more: true} }

// next returns the bytes of the next packet, which may be none.
func (p *payload) next() (raw []byte, ok bool) {
	if !p.more {
		return nil, false
	}
	raw, p.rest, p.more = bytes.Cut(p.rest, []byte{separator})
	return raw, true
}

// appendPayload appends the polling form of messages to dst, which may hold some already.
func appendPayload(dst []byte, messages []*Message) []byte {
	for _, m := range messages {
		if m.isRaw {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, separator)
		}
		dst = append(dst, m.polling()...)
	}
	return dst
}

// validText reports whether data may be handed on as text. What is not UTF-8 would
// make the frames of every other recipient illegal.
func validText(data []byte) bool { return utf8.Valid(data) }
