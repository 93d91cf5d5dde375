package redis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// messageType is what a request asks for, or a response answers (protocol.md 4.1.5).
type messageType uint64

const (
	askSocketIDs   messageType = iota
	askRooms                   // the names of all rooms, those of socket ids included
	changeJoin                 // this and the two below are not answered, but in their old form
	changeLeave                //
	changeClose                //
	askSockets                 //
	serverEvent                // answered if it has an id
	ackedBroadcast             //
	clientCount                // a response: how many sockets were sent to
	clientAck                  // a response: one ack of one of them
)

// errTooLarge is wrapped in ErrBadEvent.
var errTooLarge = errors.New("too large")

// jsonRequest is a request of any type but ackedBroadcast, as the official adapter
// writes it.
type jsonRequest struct {
	UID   string          `json:"uid"`
	ID    string          `json:"requestId,omitempty"`
	Type  messageType     `json:"type"`
	Opts  *jsonTarget     `json:"opts,omitempty"`
	Rooms []string        `json:"rooms,omitzero"`
	Close *bool           `json:"close,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

type jsonTarget struct {
	Rooms  []string `json:"rooms"`
	Except []string `json:"except"`
}

func newJSONTarget(t socketio.Target) *jsonTarget {
	return &jsonTarget{Rooms: notNil(t.Rooms), Except: notNil(t.Except)}
}

// notNil makes a list that is written as [], not as null.
func notNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// appendJSON appends v as JSON.stringify would write it.
func appendJSON(dst []byte, v any) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return dst, err
	}
	return out.Bytes()[:out.Len()-1], nil // without the line's end
}

func newChangeRequest(uid string, c *socketio.Change) (jsonRequest, error) {
	r := jsonRequest{UID: uid, Opts: newJSONTarget(c.Target)}
	switch c.Kind {
	case socketio.ChangeJoin:
		r.Type, r.Rooms = changeJoin, notNil(c.ChangeRooms)
	case socketio.ChangeLeave:
		r.Type, r.Rooms = changeLeave, notNil(c.ChangeRooms)
	case socketio.ChangeDisconnect:
		r.Type, r.Close = changeClose, &c.Close
	default:
		return r, fmt.Errorf("unknown change %d", c.Kind)
	}
	return r, nil
}

// appendServerEvent appends the request that hands e to the other programs. One with
// attachments is in MessagePack: official nodes read both forms whatever the type.
func appendServerEvent(dst []byte, uid, id string, e *socketio.ServerEvent) ([]byte, error) {
	if len(e.Attachments) == 0 {
		return appendJSON(dst, jsonRequest{UID: uid, ID: id, Type: serverEvent, Data: e.Data})
	}
	entries := 3
	if id != "" {
		entries++
	}
	out := notepack.AppendMap(dst, entries)
	out = notepack.AppendString(notepack.AppendString(out, "uid"), uid)
	if id != "" {
		out = notepack.AppendString(notepack.AppendString(out, "requestId"), id)
	}
	out = notepack.AppendUint(notepack.AppendString(out, "type"), uint64(serverEvent))
	out, err := notepack.AppendJSON(notepack.AppendString(out, "data"), e.Data, e.Attachments)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// appendAckedBroadcast appends the request to deliver b and to send back the acks that
// come within timeout.
func appendAckedBroadcast(dst []byte, uid, id string, b *socketio.Broadcast, timeout time.Duration) ([]byte, error) {
	out := notepack.AppendMap(dst, 5)
	out = notepack.AppendString(notepack.AppendString(out, "uid"), uid)
	out = notepack.AppendString(notepack.AppendString(out, "requestId"), id)
	out = notepack.AppendUint(notepack.AppendString(out, "type"), uint64(ackedBroadcast))
	out, err := appendPacket(notepack.AppendString(out, "packet"), b)
	if err != nil {
		return dst, err
	}
	return appendOptions(notepack.AppendString(out, "opts"), b, timeout), nil
}
