package redis

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// maxClientCount is more sockets than a node can have. A larger number is no count.
const maxClientCount = 10_000_000

// jsonResponse is an answer of any type but clientAck. UID names who answers, so that a
// second answer of the same node is noticed; and More has the arguments of an ack after
// the first. Official nodes have neither, and ignore both.
type jsonResponse struct {
	Type        messageType       `json:"type,omitempty"`
	ID          string            `json:"requestId"`
	Sockets     any               `json:"sockets,omitempty"`
	Rooms       []string          `json:"rooms,omitzero"`
	ClientCount *int              `json:"clientCount,omitempty"`
	Data        json.RawMessage   `json:"data,omitempty"`
	More        []json.RawMessage `json:"more,omitempty"`
	UID         string            `json:"uid,omitempty"`
}

// describe makes infos what programs on official nodes can use: they expect data to be
// an object, and a handshake.
func describe(infos []socketio.SocketInfo) []socketio.SocketInfo {
	described := make([]socketio.SocketInfo, len(infos))
	for i, info := range infos {
		info.Rooms = notNil(info.Rooms)
		info.Handshake = orObject(info.Handshake)
		info.Data = orObject(info.Data)
		described[i] = info
	}
	return described
}

func orObject(text json.RawMessage) json.RawMessage {
	if len(text) == 0 || string(text) == "null" {
		return json.RawMessage("{}")
	}
	return text
}

// appendServerReply appends the answer to a server-side event: its first argument, which
// is all that an official node looks at, and the others.
func appendServerReply(dst []byte, id, uid string, ack socketio.Ack) ([]byte, error) {
	if len(ack.Attachments) > 0 {
		return appendAck(dst, serverEvent, id, "data", ack)
	}
	var args []json.RawMessage
	if err := json.Unmarshal(ack.Data, &args); err != nil {
		return dst, err
	}
	r := jsonResponse{Type: serverEvent, ID: id, UID: uid}
	if len(args) > 0 {
		r.Data, r.More = args[0], args[1:]
	}
	return appendJSON(dst, r)
}

// appendAck appends an ack in MessagePack, with its first argument under key.
func appendAck(dst []byte, t messageType, id, key string, ack socketio.Ack) ([]byte, error) {
	packed, err := notepack.AppendJSON(nil, ack.Data, ack.Attachments)
	if err != nil {
		return dst, err
	}
	r := notepack.NewReader(string(packed))
	n, err := r.Array()
	if err != nil {
		return dst, fmt.Errorf("ack is no array: %w", err)
	}
	first := len(packed) - r.Rest()
	if n > 0 {
		if err := r.Skip(); err != nil {
			return dst, err
		}
	}
	rest := len(packed) - r.Rest()
	dst = notepack.AppendMap(dst, 2+min(n, 2))
	dst = notepack.AppendUint(notepack.AppendString(dst, "type"), uint64(t))
	dst = notepack.AppendString(notepack.AppendString(dst, "requestId"), id)
	if n > 0 {
		dst = append(notepack.AppendString(dst, key), packed[first:rest]...)
	}
	if n > 1 {
		dst = notepack.AppendArray(notepack.AppendString(dst, "more"), n-1)
		dst = append(dst, packed[rest:]...)
	}
	return dst, nil
}

// ack reads the arguments that appendAck and appendServerReply have written, or an
// official node.
func (f fields) ack(key string, maxBytes int) (socketio.Ack, error) {
	first, ok := f[key]
	if !ok && !f.has("more") {
		return socketio.Ack{Data: []byte("[]")}, nil
	}
	ack := socketio.Ack{Data: []byte{'['}}
	var err error
	if !ok {
		ack.Data = append(ack.Data, "null"...)
	} else if ack.Data, ack.Attachments, err = first.JSON(ack.Data, nil, maxBytes); err != nil {
		return ack, err
	}
	if more, ok := f.find("more"); ok {
		n, err := more.Array()
		if err != nil {
			return ack, err
		}
		for range n {
			if ack.Data, ack.Attachments, err = more.JSON(append(ack.Data, ','), ack.Attachments, maxBytes); err != nil {
				return ack, err
			}
		}
	}
	ack.Data = append(ack.Data, ']')
	return ack, nil
}

var errNoList = errors.New("no list of sockets")

// sockets reads the answer to askSockets.
func (f fields) sockets(maxBytes int) ([]socketio.SocketInfo, error) {
	r, ok := f.find("sockets")
	if !ok {
		return nil, errNoList
	}
	n, err := r.Array()
	if err != nil {
		return nil, err
	}
	infos := make([]socketio.SocketInfo, 0, min(n, 64))
	for range n {
		entry, err := readFields(&r, "id", "handshake", "rooms", "data")
		if err != nil {
			return nil, err
		}
		info, err := entry.socket(maxBytes)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (f fields) socket(maxBytes int) (info socketio.SocketInfo, err error) {
	if info.ID, err = f.name("id"); err == nil && info.ID == "" {
		err = notepack.ErrType
	}
	if err == nil {
		info.Rooms, err = f.names("rooms")
	}
	var bytes [][]byte
	if err == nil {
		info.Handshake, bytes, err = f.json("handshake", maxBytes)
	}
	if err == nil && len(bytes) == 0 {
		info.Data, bytes, err = f.json("data", maxBytes)
	}
	if err == nil && len(bytes) > 0 {
		err = notepack.ErrAttachments // there is no place for them
	}
	return info, err
}
