package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// recovery is what a client tells a server to get its session back (connection state
// recovery), as the official client has it. A client has one when a server has given it a
// pid, which only servers with recovery do.
type recovery struct {
	pid string
	// offset is the last argument of the last event, if that was a string: a JSON string, or
	// empty. Like the official client's it outlives the session that it came in.
	offset []byte
}

// withRecovery adds to the object of a CONNECT packet what gets the session back. What auth
// has under the same names counts, as the later key does in JSON.
func (c *Client) withRecovery(auth []byte) []byte {
	r := c.recovery
	if r == nil || r.pid == "" {
		return auth
	}
	pid, _ := json.Marshal(r.pid) // a string always is JSON
	object := append([]byte(`{"pid":`), pid...)
	if len(r.offset) > 0 {
		object = append(append(object, `,"offset":`...), r.offset...)
	}
	auth = bytes.TrimSpace(auth)
	if len(auth) == 0 || auth[0] != '{' {
		return append(object, '}')
	}
	if auth = bytes.TrimSpace(auth[1:]); !bytes.HasPrefix(auth, []byte("}")) {
		object = append(object, ',')
	}
	return append(object, auth...)
}

// recovered takes the pid of a CONNECT's answer, and says whether the session goes on.
func (c *Client) recovered(pid string) bool {
	if c.recovery == nil {
		if pid == "" {
			return false
		}
		c.recovery = new(recovery)
	}
	same := pid != "" && pid == c.recovery.pid
	c.recovery.pid = pid
	return same
}

// note keeps the offset of an event that was handed over. Any string in the last place is
// taken for one, even an event's name that has no arguments behind it.
func (r *recovery) note(p packet) {
	if r == nil || r.pid == "" || p.hasID { // the last argument is the callback of the ack then
		return
	}
	if last := lastString(p.payload); last != nil {
		r.offset = append(r.offset[:0], last...)
	}
}

// lastString returns the last element of a JSON array if it is a string, with its quotes.
func lastString(array []byte) []byte {
	array = bytes.TrimSpace(array)
	array = bytes.TrimSpace(bytes.TrimSuffix(array, []byte("]")))
	end := len(array) - 1
	if end < 1 || array[end] != '"' {
		return nil
	}
	for begin := bytes.LastIndexByte(array[:end], '"'); begin >= 0; begin = bytes.LastIndexByte(array[:begin], '"') {
		if array[begin-min(begin, 1)] != '\\' { // one that is escaped is within the string
			return array[begin:]
		}
	}
	return nil
}

// earlyQueue holds the events that came before the answer to CONNECT: what was missed, when
// a session is recovered.
type earlyQueue struct {
	events []earlyEvent
	bytes  int
}

type earlyEvent struct {
	packet      packet
	attachments [][]byte
	at          time.Time
}

// earlyOverhead is what an event takes beside its payload, in bytes.
const earlyOverhead = 160

// keepEarly keeps an event until the answer to CONNECT. If that never comes it is dropped.
// (The official client keeps it for its next connection, and so hands it over twice when
// the server sends it again.)
func (s *session) keepEarly(p packet, e *Event) error {
	if s.early == nil {
		s.early = new(earlyQueue)
	}
	size := len(p.payload) + earlyOverhead
	for _, a := range e.Attachments {
		size += len(a)
	}
	if s.early.bytes += size; s.early.bytes > s.client.cfg.MaxMessage {
		return fmt.Errorf("%w: events of %d bytes before CONNECT", ErrTooBig, s.early.bytes)
	}
	k := earlyEvent{packet: p, at: e.At}
	k.packet.namespace, k.packet.payload = nil, bytes.Clone(p.payload)
	for _, a := range e.Attachments {
		k.attachments = append(k.attachments, bytes.Clone(a))
	}
	s.early.events = append(s.early.events, k)
	return nil
}

// handOverEarly hands the early events over, after Connected and before all others.
func (s *session) handOverEarly() {
	kept := s.early
	if kept == nil {
		return
	}
	s.early = nil
	for _, k := range kept.events {
		if err := s.event(k.packet, &Event{Attachments: k.attachments, At: k.at}); err != nil {
			s.fail(err)
			return
		}
	}
}
