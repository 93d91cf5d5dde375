package redis

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// shardedType is what a message of a sharded adapter is (protocol.md 4.2).
type shardedType uint64

const (
	shardedBroadcast   shardedType = iota + 3
	shardedJoin                    // this and the two below are not answered
	shardedLeave                   //
	shardedDisconnect              //
	shardedFetch                   //
	shardedSockets                 // answers the one above
	shardedServerEvent             //
	shardedServerReply             // answers the one above
	shardedClientCount             // answers a broadcast with a question in it, and comes first
	shardedAck                     // one ack of one socket, for the same
)

// shardedMessage is an envelope {uid, nsp, type, data}. What came in MessagePack has been
// turned into JSON with placeholders.
type shardedMessage struct {
	uid, namespace string
	kind           shardedType
	data           string // JSON text
	attachments    [][]byte
	offset         string // of an event that is recorded
}

// decodeSharded reads an envelope. Unknown entries are skipped, as they are by the
// official adapter; of two of one name the last counts.
func decodeSharded(payload string, maxBytes int) (m shardedMessage, err error) {
	if payload != "" && payload[0] != '{' {
		r := notepack.NewReader(payload)
		var text []byte
		if text, m.attachments, err = r.JSON(make([]byte, 0, 2*len(payload)), nil, maxBytes); err == nil {
			err = r.End()
		}
		payload = string(text)
	}
	if err == nil {
		err = jsonEntries(payload, m.entry)
	}
	if err != nil {
		return m, fmt.Errorf("decode envelope: %w", err)
	}
	return m, nil
}

func (m *shardedMessage) entry(key, value string) (err error) {
	switch key {
	case "uid":
		m.uid, err = jsonText(value)
	case "nsp":
		m.namespace, err = jsonText(value)
	case "type":
		var n uint64
		if n, err = strconv.ParseUint(value, 10, 8); err != nil {
			err = notepack.ErrType
		}
		m.kind = shardedType(n)
	case "data":
		m.data = value
	case "offset":
		m.offset = offsetText(value)
	}
	return err
}

// broadcast reads the data of a broadcast. question is not "" if acks are asked for.
func (m *shardedMessage) broadcast() (b *socketio.Broadcast, question string, timeout time.Duration, err error) {
	d := shardedEvent{b: &socketio.Broadcast{Namespace: m.namespace, Attachments: m.attachments}}
	if err := jsonEntries(m.data, d.entry); err != nil {
		return nil, "", 0, fmt.Errorf("decode broadcast: %w", err)
	}
	if !d.isEvent || len(d.b.Data) == 0 || d.b.Data[0] != '[' {
		return nil, "", 0, errNotEvent
	}
	return d.b, d.question, d.timeout, nil
}

// shardedEvent is the data of a broadcast while it is being decoded.
type shardedEvent struct {
	b        *socketio.Broadcast
	isEvent  bool
	question string
	timeout  time.Duration
}

func (d *shardedEvent) entry(key, value string) (err error) {
	switch key {
	case "packet":
		return jsonEntries(value, d.packet)
	case "opts":
		return jsonEntries(value, d.option)
	case "requestId":
		d.question, err = jsonText(value)
	}
	return err
}

func (d *shardedEvent) packet(key, value string) error {
	switch key {
	case "type":
		d.isEvent = value == "2"
	case "data":
		d.b.Data = []byte(value)
	case "nsp":
		namespace, err := jsonText(value)
		if err == nil && namespace != d.b.Namespace {
			err = errNamespace
		}
		return err
	}
	return nil
}

func (d *shardedEvent) option(key, value string) (err error) {
	switch key {
	case "rooms":
		d.b.Rooms, err = validNames(value)
	case "except":
		d.b.Except, err = validNames(value)
	case "flags":
		if value != "null" {
			err = jsonEntries(value, d.flag)
		}
	}
	return err
}

func (d *shardedEvent) flag(key, value string) (err error) {
	switch key {
	case "volatile":
		d.b.Volatile, err = jsonFlag(value, false)
	case "compress":
		var compress bool
		compress, err = jsonFlag(value, true)
		d.b.NoCompress = !compress
	case "timeout":
		if ms, err := strconv.ParseUint(value, 10, 32); err == nil { // one that makes no sense is not used
			d.timeout = time.Duration(ms) * time.Millisecond
		}
	}
	return err
}

func validNames(value string) ([]string, error) {
	names, err := jsonNames(value)
	for _, name := range names {
		if !utf8.ValidString(name) {
			return nil, notepack.ErrType
		}
	}
	return names, err
}

// appendSharded appends an envelope, in the official adapter's order of entries. data
// appends the JSON of what is in it; with attachments everything becomes MessagePack.
// With an error the result is dst as it was.
func (s *Sharded) appendSharded(dst []byte, namespace string, kind shardedType, attachments [][]byte, data func([]byte) []byte) ([]byte, error) {
	out := strconv.AppendUint(append(dst, `{"type":`...), uint64(kind), 10)
	out = data(append(out, `,"data":`...))
	out = append(out, s.tail(namespace)...)
	if len(attachments) == 0 {
		return out, nil
	}
	text := out[len(dst):]
	packed, err := notepack.AppendJSON(make([]byte, 0, 2*len(text)), text, attachments)
	if err != nil {
		return dst, err
	}
	return append(dst, packed...), nil
}

// tail is how this node's envelopes in JSON end.
func (s *Sharded) tail(namespace string) string {
	return `,"uid":"` + s.uid + `","nsp":` + string(notepack.AppendQuoted(nil, namespace)) + `}`
}

// appendShardedBroadcast appends an emit. With a question acks are wanted, and sent back
// for as long as timeout.
func (s *Sharded) appendShardedBroadcast(dst []byte, b *socketio.Broadcast, question string, timeout time.Duration) ([]byte, error) {
	if len(b.Attachments) == 0 && !json.Valid(b.Data) {
		return dst, notepack.ErrJSON
	}
	return s.appendSharded(dst, b.Namespace, shardedBroadcast, b.Attachments, func(dst []byte) []byte {
		dst = append(dst, `{"packet":{"type":2,"data":`...)
		dst = append(append(dst, b.Data...), '}')
		if question != "" {
			dst = notepack.AppendQuoted(append(dst, `,"requestId":`...), question)
		}
		dst = appendJSONTarget(append(dst, `,"opts":`...), socketio.Target{Rooms: b.Rooms, Except: b.Except})
		dst = append(dst, `,"flags":{`...)
		start := len(dst)
		if b.Volatile {
			dst = append(dst, `"volatile":true,`...)
		}
		if b.NoCompress {
			dst = append(dst, `"compress":false,`...)
		}
		if timeout > 0 {
			dst = append(strconv.AppendInt(append(dst, `"timeout":`...), timeout.Milliseconds(), 10), ',')
		}
		if len(dst) > start {
			dst = dst[:len(dst)-1]
		}
		return append(dst, "}}}"...)
	})
}

// appendJSONTarget appends whom something is for, and leaves the object open.
func appendJSONTarget(dst []byte, t socketio.Target) []byte {
	dst = appendJSONNames(append(dst, `{"rooms":`...), t.Rooms)
	return appendJSONNames(append(dst, `,"except":`...), t.Except)
}

func appendJSONNames(dst []byte, names []string) []byte {
	dst = append(dst, '[')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = notepack.AppendQuoted(dst, name)
	}
	return append(dst, ']')
}
