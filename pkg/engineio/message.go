package engineio

import (
	"encoding/base64"
	"encoding/binary"
	"sync"
)

// headroom is the longest WebSocket header of an unmasked frame (RFC 6455 5.2).
const headroom = 10

// Message is one outgoing message in every form that a transport writes, made
// once and shared by all its recipients. It is immutable after construction, so
// any number of sessions may hold it at the same time.
type Message struct {
	// NoCompress keeps HTTP compression off for a polling answer that consists
	// of such messages only. Set it before the first Send.
	NoCompress bool

	isBinary bool
	isRaw    bool // frame is a WebSocket control frame, with no polling form
	buf      []byte
	start    int // the WebSocket frame begins here

	pollOnce sync.Once
	poll     []byte // polling form of a binary message, made on first use
}

// NewText returns a text message whose data is the concatenation of parts. The
// bytes are copied; they must be valid UTF-8.
func NewText(parts ...[]byte) *Message {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	m := &Message{buf: make([]byte, headroom, headroom+1+n)}
	m.buf = append(m.buf, packetMessage)
	for _, p := range parts {
		m.buf = append(m.buf, p...)
	}
	m.frame(0x81)
	return m
}

// NewBinary returns a binary message with a copy of data.
func NewBinary(data []byte) *Message {
	m := &Message{isBinary: true, buf: make([]byte, headroom, headroom+len(data))}
	m.buf = append(m.buf, data...)
	m.frame(0x82)
	return m
}

// Data returns the message's data, which must not be changed, and whether it is
// binary. It is for tests and tools; transports write other forms.
func (m *Message) Data() (data []byte, binary bool) {
	if m.isBinary {
		return m.buf[headroom:], true
	}
	return m.buf[headroom+1:], false
}

// newPacket returns a packet without data, such as a ping.
func newPacket(kind byte, data string) *Message {
	m := &Message{buf: make([]byte, headroom, headroom+1+len(data)), NoCompress: true}
	m.buf = append(m.buf, kind)
	m.buf = append(m.buf, data...)
	m.frame(0x81)
	return m
}

// newRaw returns a finished WebSocket control frame.
func newRaw(frame []byte) *Message { return &Message{isRaw: true, buf: frame} }

// Packets and frames without content of their own are shared by all sessions.
var (
	pingPacket  = newPacket(packetPing, "")
	noopPacket  = newPacket(packetNoop, "")
	closePacket = newPacket(packetClose, "")
	// closeFrame has no status code: the peer sees 1005, as with the reference.
	closeFrame = newRaw([]byte{0x88, 0})
)

// frame writes the WebSocket header in front of the payload, so that the frame
// is one run of bytes and its tail is the polling form.
func (m *Message) frame(first byte) {
	n := len(m.buf) - headroom
	switch {
	case n < 126:
		m.start = headroom - 2
		m.buf[m.start+1] = byte(n)
	case n <= 0xffff:
		m.start = headroom - 4
		m.buf[m.start+1] = 126
		binary.BigEndian.PutUint16(m.buf[m.start+2:], uint16(n))
	default:
		m.start = headroom - 10
		m.buf[m.start+1] = 127
		binary.BigEndian.PutUint64(m.buf[m.start+2:], uint64(n))
	}
	m.buf[m.start] = first
}

// wire returns the WebSocket frame.
func (m *Message) wire() []byte { return m.buf[m.start:] }

// polling returns the packet as it stands in a polling payload (Engine.IO v4,
// "Payload encoding"): text as it is, binary as "b" and base64.
func (m *Message) polling() []byte {
	if !m.isBinary {
		return m.buf[headroom:]
	}
	m.pollOnce.Do(func() {
		raw := m.buf[headroom:]
		m.poll = make([]byte, 1, 1+base64.StdEncoding.EncodedLen(len(raw)))
		m.poll[0] = 'b'
		m.poll = base64.StdEncoding.AppendEncode(m.poll, raw)
	})
	return m.poll
}

// size is what the message counts towards a session's queue limit, in bytes.
func (m *Message) size() int { return len(m.buf) - m.start }
