package redis

import (
	"encoding/json"
	"strings"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// An event that is recorded is published with its id at the end, where official nodes do not look:
// the classic adapter's array has a fourth element, the sharded adapter's map a last entry
// "offset". The stream has the same without the id, which only Redis knows. So what is sent to
// it lacks its end: see tail.

// recordForm is how an adapter writes and reads events that are recorded.
type recordForm struct {
	// encode writes what goes into the stream.
	encode func(payload *[]byte, b *socketio.Broadcast) (channel string, end tail, err error)
	// decode reads what comes by the bus.
	decode func(payload string) (at string, b *socketio.Broadcast, err error)
}

// tail is what Redis puts around the id. With an empty after the id is written as MessagePack.
type tail struct{ before, after string }

var (
	classicTail = tail{}
	packedTail  = tail{before: "\xa6offset"}
	jsonTail    = tail{before: `,"offset":"`, after: `"}`}
)

// packedMap5 is the head of the sharded adapter's map when it has an offset.
const packedMap5 = 0x85

// recordedHead begins a classic event that is recorded: an array of four.
const recordedHead = "\x94"

// complete returns an entry of the stream as it was published.
func complete(payload, id string) string {
	switch {
	case strings.HasPrefix(payload, "{"):
		return payload + jsonTail.before + id + jsonTail.after
	case payload != "" && payload[0] == packedMap5:
		payload += packedTail.before
	}
	return payload + string(appendOffset(nil, id))
}

// appendOffset writes an id always in the same form, which a script can write as well.
func appendOffset(dst []byte, id string) []byte {
	return append(append(dst, 0xd9, byte(len(id))), id...)
}

func (a *Adapter) classicForm() recordForm {
	return recordForm{
		encode: func(payload *[]byte, b *socketio.Broadcast) (string, tail, error) {
			var err error
			*payload, err = appendRecorded((*payload)[:0], a.uid, b)
			return a.names.target(b.Namespace, b.Rooms), classicTail, err
		},
		decode: func(payload string) (string, *socketio.Broadcast, error) {
			_, at, b, err := decodeRecorded(payload, a.cfg.MaxMessageBytes)
			return at, b, err
		},
	}
}

// appendRecorded is appendEnvelope for what gets a fourth element.
func appendRecorded(dst []byte, uid string, b *socketio.Broadcast) ([]byte, error) {
	out, err := appendEnvelope(dst, uid, b)
	if err == nil {
		out[len(dst)]++
	}
	return out, err
}

func (s *Sharded) form() recordForm {
	return recordForm{encode: s.encodeRecorded, decode: func(payload string) (string, *socketio.Broadcast, error) {
		m, err := decodeSharded(payload, s.cfg.MaxMessageBytes)
		if err != nil {
			return "", nil, err
		}
		if m.kind != shardedBroadcast {
			return "", nil, errNotEvent
		}
		b, _, _, err := m.broadcast()
		return m.offset, b, err
	}}
}

func (s *Sharded) encodeRecorded(payload *[]byte, b *socketio.Broadcast) (channel string, end tail, err error) {
	channel = s.channelOf(b)
	if *payload, err = s.appendShardedBroadcast((*payload)[:0], b, "", 0); err != nil {
		return channel, tail{}, err
	}
	if len(b.Attachments) == 0 {
		*payload = (*payload)[:len(*payload)-1] // the brace
		return channel, jsonTail, nil
	}
	(*payload)[0] = packedMap5
	return channel, packedTail, nil
}

// offsetText reads the id of a sharded event. Another value than a text is somebody else's affair.
func offsetText(value string) string {
	var s string
	if !strings.HasPrefix(value, `"`) || json.Unmarshal([]byte(value), &s) != nil {
		return ""
	}
	return s
}

// readOffset reads what stands behind the three of an envelope, likewise.
func (e *envelope) readOffset() (at string, err error) {
	text := e.Reader
	if at, err = text.String(); err == nil {
		e.Reader = text
		return at, nil
	}
	return "", e.Skip()
}
