package socketio

import (
	"bytes"
	"errors"
	"strconv"
)

// packetKind is the first character of a packet, as a number (protocol.md 2.1).
type packetKind byte

const (
	kindConnect packetKind = iota
	kindDisconnect
	kindEvent
	kindAck
	kindConnectError
	kindBinaryEvent
	kindBinaryAck
)

// binary reports whether packets of kind k announce attachments.
func (k packetKind) binary() bool { return k == kindBinaryEvent || k == kindBinaryAck }

// maxDigits bounds every number of a packet's header. Fifteen digits stay below
// 2⁵³, so an id survives peers that keep numbers as floats.
const maxDigits = 15

// packet is one decoded Socket.IO packet: the header, and the payload as it stood.
type packet struct {
	kind        packetKind
	namespace   string // "/" when the header has none
	id          int64  // -1: none
	attachments int    // how many binary messages follow
	data        []byte // the JSON after the header, nil when absent; aliases the input
}

// limits bounds what a peer may send. All fields must be set, but for intern.
type limits struct {
	attachments int // binary attachments of a packet
	nameBytes   int // of an event's name, and of a namespace's
	args        int // arguments of an event or an ack
	depth       int // levels of JSON nesting, the array of arguments included; 1 to maxNesting
	// intern returns the string for a namespace that is already known, "" for
	// others. It saves the decoder a copy of the name. May be nil.
	intern func(name []byte) string
}

var (
	errPacketKind      = errors.New("packet of unknown kind")
	errNumberTooLong   = errors.New("number in packet header is too long")
	errAttachmentCount = errors.New("illegal number of attachments")
	errNamespaceLength = errors.New("namespace is too long")
	errPayload         = errors.New("payload does not suit the kind of packet")
)

// decodePacket reads the text of one packet. What it returns aliases p.
//
// The array of an event or ack without attachments is only seen to begin as one:
// parseEvent and parseArgs, which come next, scan it. Every other payload is
// checked here, so that a binary packet which can't become good is refused before
// its attachments are waited for.
func decodePacket(p []byte, lim *limits) (packet, error) {
	if len(p) == 0 || p[0] < '0' || p[0] > '6' {
		return packet{}, errPacketKind
	}
	pkt := packet{kind: packetKind(p[0] - '0')}
	rest, err := pkt.readAttachments(p[1:], lim)
	if err != nil {
		return packet{}, err
	}
	if rest, err = pkt.readNamespace(rest, lim); err != nil {
		return packet{}, err
	}
	if rest, err = pkt.readID(rest); err != nil {
		return packet{}, err
	}
	if len(rest) > 0 {
		pkt.data = rest
	}
	if err := pkt.checkPayload(lim); err != nil {
		return packet{}, err
	}
	return pkt, nil
}

// readAttachments takes the count and its dash off a binary packet. A count of
// zero is refused, as by the reference since parser 4.2.7.
func (pkt *packet) readAttachments(p []byte, lim *limits) ([]byte, error) {
	if !pkt.kind.binary() {
		return p, nil
	}
	n, digits := leadingNumber(p)
	switch {
	case digits == 0, digits > maxDigits, digits == len(p), p[digits] != '-':
		return nil, errAttachmentCount
	case n < 1, n > int64(lim.attachments):
		return nil, errAttachmentCount
	}
	pkt.attachments = int(n)
	return p[digits+1:], nil
}

// readNamespace takes a namespace off p: from a slash to the comma, or to the end,
// as some clients leave the comma out when nothing follows.
func (pkt *packet) readNamespace(p []byte, lim *limits) ([]byte, error) {
	pkt.namespace = "/"
	if len(p) == 0 || p[0] != '/' {
		return p, nil
	}
	name, rest, _ := bytes.Cut(p, []byte{','})
	if len(name) > lim.nameBytes {
		return nil, errNamespaceLength
	}
	if len(name) > 1 {
		pkt.namespace = lim.namespace(name)
	}
	return rest, nil
}

func (lim *limits) namespace(name []byte) string {
	if lim.intern != nil {
		if known := lim.intern(name); known != "" {
			return known
		}
	}
	return string(name)
}

func (pkt *packet) readID(p []byte) ([]byte, error) {
	pkt.id = -1
	id, digits := leadingNumber(p)
	if digits > maxDigits {
		return nil, errNumberTooLong
	}
	if digits > 0 {
		pkt.id = id
	}
	return p[digits:], nil
}

// leadingNumber reads the digits at the start of p. It stops behind maxDigits+1 of
// them: such a number is too long, and its value means nothing.
func leadingNumber(p []byte) (n int64, digits int) {
	for digits < len(p) && digits <= maxDigits && p[digits] >= '0' && p[digits] <= '9' {
		n = n*10 + int64(p[digits]-'0')
		digits++
	}
	return n, digits
}

// checkPayload holds the payload against the table of protocol.md 2.1. An event
// must have one (the reference lets a bare one through and dispatches an event
// without a name); an ack without one has no arguments.
func (pkt *packet) checkPayload(lim *limits) error {
	var ok bool
	switch pkt.kind {
	case kindConnect:
		ok = pkt.data == nil || pkt.data[0] == '{' && validJSON(pkt.data, lim.depth)
	case kindDisconnect:
		ok = pkt.data == nil
	case kindConnectError:
		ok = pkt.data == nil || (pkt.data[0] == '{' || pkt.data[0] == '"') && validJSON(pkt.data, lim.depth)
	case kindEvent:
		ok = pkt.data != nil && pkt.data[0] == '['
	case kindAck:
		ok = pkt.data == nil || pkt.data[0] == '['
	case kindBinaryEvent:
		_, _, err := parseEvent(pkt.data, make([][]byte, pkt.attachments), lim)
		return err
	case kindBinaryAck:
		_, err := parseArgs(pkt.data, make([][]byte, pkt.attachments), lim)
		return err
	}
	if !ok {
		return errPayload
	}
	return nil
}

// appendHeader appends a packet's text up to its JSON. An id below zero means none.
// attachments counts for binary kinds only; namespace must not contain a comma.
func appendHeader(dst []byte, kind packetKind, namespace string, id int64, attachments int) []byte {
	dst = append(dst, '0'+byte(kind))
	if kind.binary() {
		dst = strconv.AppendInt(dst, int64(attachments), 10)
		dst = append(dst, '-')
	}
	if namespace != "/" {
		dst = append(dst, namespace...)
		dst = append(dst, ',')
	}
	if id >= 0 {
		dst = strconv.AppendInt(dst, id, 10)
	}
	return dst
}
