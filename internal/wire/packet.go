package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Types of Socket.IO packets (protocol v5).
const (
	typeConnect      = '0'
	typeDisconnect   = '1'
	typeEvent        = '2'
	typeAck          = '3'
	typeConnectError = '4'
	typeBinaryEvent  = '5'
	typeBinaryAck    = '6'
)

// maxAttachments bounds the attachments of a packet. Official servers allow 10 by default.
const maxAttachments = 256

// packet is a Socket.IO packet. The slices are parts of what was parsed.
type packet struct {
	kind        byte
	hasID       bool
	attachments int
	id          uint64
	namespace   []byte // empty: the main one
	payload     []byte // JSON; empty if there is none
}

// parsePacket takes a packet apart, as the official decoder does, without looking into
// its payload.
func parsePacket(b []byte) (packet, error) {
	if len(b) == 0 || b[0] < typeConnect || b[0] > typeBinaryAck {
		return packet{}, fmt.Errorf("%w: no such type: %.20q", ErrBadPacket, b)
	}
	p := packet{kind: b[0]}
	b = b[1:]
	if p.kind >= typeBinaryEvent {
		n, rest := number(b)
		if len(rest) == len(b) || len(rest) == 0 || rest[0] != '-' {
			return packet{}, fmt.Errorf("%w: attachments: %.20q", ErrBadPacket, b)
		}
		if n > maxAttachments {
			return packet{}, fmt.Errorf("%w: %d attachments", ErrBadPacket, n)
		}
		p.attachments, b = int(n), rest[1:]
	}
	if len(b) > 0 && b[0] == '/' {
		end := bytes.IndexByte(b, ',')
		if end < 0 {
			p.namespace, b = b, nil
		} else {
			p.namespace, b = b[:end], b[end+1:]
		}
		if len(p.namespace) == 1 {
			p.namespace = nil
		}
	}
	var rest []byte
	p.id, rest = number(b)
	p.hasID = len(rest) < len(b)
	p.payload = rest
	return p, nil
}

// number reads the decimal digits at the beginning of b. One that is too large comes
// out as 1<<63, which nothing has.
func number(b []byte) (n uint64, rest []byte) {
	i := 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if n > (1<<63-10)/10 {
			n = 1 << 63
			continue
		}
		n = n*10 + uint64(b[i]-'0')
	}
	return n, b[i:]
}

// parseEvent splits the array of an event into its name and what follows.
func parseEvent(array []byte) (name, args []byte, err error) {
	bad := fmt.Errorf
	array = bytes.TrimSpace(array)
	n := len(array)
	if n < 2 || array[0] != '[' || array[n-1] != ']' {
		return nil, nil, bad("%w: event: %.40q", ErrBadPacket, array)
	}
	inner := array[1 : n-1]
	i := space(inner)
	var end int // of the name, in inner
	if i < len(inner) && inner[i] == '"' {
		name, end, err = eventName(inner[i:])
		end += i
	} else {
		end = i + notNumber(inner[i:])
		name = inner[i:end]
		if len(name) == 0 {
			err = ErrBadPacket
		}
	}
	if err != nil {
		return nil, nil, bad("%w: name of event: %.40q", ErrBadPacket, array)
	}
	rest := inner[end:]
	rest = rest[space(rest):]
	switch {
	case len(rest) == 0:
		return name, nil, nil
	case rest[0] != ',' || len(rest) == 1:
		return nil, nil, bad("%w: event: %.40q", ErrBadPacket, array)
	}
	return name, rest[1:], nil
}

// eventName reads the JSON string at the beginning of b, and where it ends.
func eventName(b []byte) (name []byte, end int, err error) {
	plain := bytes.IndexByte(b[1:], '"') + 1
	if plain > 0 && bytes.IndexByte(b[:plain], '\\') < 0 {
		return b[1:plain], plain + 1, nil
	}
	for end = 1; end < len(b) && b[end] != '"'; end++ {
		if b[end] == '\\' {
			end++
		}
	}
	if end >= len(b) {
		return nil, 0, ErrBadPacket
	}
	var unescaped string
	if err := json.Unmarshal(b[:end+1], &unescaped); err != nil {
		return nil, 0, err
	}
	return []byte(unescaped), end + 1, nil
}

func space(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
	}
	return len(b)
}

func notNumber(b []byte) int {
	for i, c := range b {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return i
		}
	}
	return len(b)
}

// parseArray returns what is between the brackets of an ack's payload.
func parseArray(b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != '[' || b[len(b)-1] != ']' {
		return nil, fmt.Errorf("%w: ack: %.40q", ErrBadPacket, b)
	}
	return b[1 : len(b)-1], nil
}
