package redis

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// eventPacket is the type of an EVENT packet, the only one that may be broadcast.
const eventPacket = 2

var (
	errNotEvent  = errors.New("not an event")
	errNamespace = errors.New("another namespace than the channel's")
	errRoom      = errors.New("other rooms than the channel's")
)

// appendEnvelope appends the payload of an emit to dst, [uid, packet, opts] in
// MessagePack (protocol.md 4.1.3), or returns dst as it was with an error.
func appendEnvelope(dst []byte, uid string, b *socketio.Broadcast) ([]byte, error) {
	out := notepack.AppendArray(dst, 3)
	out = notepack.AppendString(out, uid)
	out, err := appendPacket(out, b)
	if err != nil {
		return dst, err
	}
	return appendOptions(out, b, 0), nil
}

func appendPacket(dst []byte, b *socketio.Broadcast) ([]byte, error) {
	out := notepack.AppendMap(dst, 3)
	out = notepack.AppendString(out, "type")
	out = notepack.AppendUint(out, eventPacket)
	out = notepack.AppendString(out, "data")
	out, err := notepack.AppendJSON(out, b.Data, b.Attachments)
	if err != nil {
		return dst, fmt.Errorf("encode packet: %w", err)
	}
	out = notepack.AppendString(out, "nsp")
	return notepack.AppendString(out, b.Namespace), nil
}

// appendOptions appends whom b is for, and how to send it. timeout is how long acks are
// waited for; 0 says that none are.
func appendOptions(dst []byte, b *socketio.Broadcast, timeout time.Duration) []byte {
	dst = notepack.AppendMap(dst, 3)
	dst = appendNames(notepack.AppendString(dst, "rooms"), b.Rooms)
	dst = appendNames(notepack.AppendString(dst, "except"), b.Except)
	return appendFlags(notepack.AppendString(dst, "flags"), b, timeout)
}

func appendNames(dst []byte, names []string) []byte {
	dst = notepack.AppendArray(dst, len(names))
	for _, name := range names {
		dst = notepack.AppendString(dst, name)
	}
	return dst
}

func appendFlags(dst []byte, b *socketio.Broadcast, timeout time.Duration) []byte {
	n := 0
	if b.Volatile {
		n++
	}
	if b.NoCompress {
		n++
	}
	if timeout > 0 {
		n++
	}
	dst = notepack.AppendMap(dst, n)
	if b.Volatile {
		dst = notepack.AppendBool(notepack.AppendString(dst, "volatile"), true)
	}
	if b.NoCompress {
		dst = notepack.AppendBool(notepack.AppendString(dst, "compress"), false)
	}
	if timeout > 0 {
		dst = notepack.AppendUint(notepack.AppendString(dst, "timeout"), uint64(timeout.Milliseconds()))
	}
	return dst
}

// hasSender says cheaply whether a payload begins as one of uid's does. A payload may be
// uid's own without it, in a form that only others write; decodeEnvelope tells.
func hasSender(payload, uid string) bool {
	return len(payload) > 2+len(uid) && payload[0] == 0x93 &&
		payload[1] == 0xa0|byte(len(uid)) && payload[2:2+len(uid)] == uid
}

// envelope is a payload while it is being decoded.
type envelope struct {
	notepack.Reader
	maxBytes  int
	sender    string
	broadcast socketio.Broadcast
	isEvent   bool
	hasData   bool
}

// decodeEnvelope reads the payload of an emit. The result shares no bytes with anything
// that changes later. Unknown entries are skipped, as they are by the official adapter.
func decodeEnvelope(payload string, maxBytes int) (sender string, b *socketio.Broadcast, err error) {
	sender, _, b, err = decodeRecorded(payload, maxBytes)
	return sender, b, err
}

// decodeRecorded is decodeEnvelope for what may have an id: "" if it has none.
func decodeRecorded(payload string, maxBytes int) (sender, at string, b *socketio.Broadcast, err error) {
	e := &envelope{Reader: *notepack.NewReader(payload), maxBytes: maxBytes}
	n, err := e.Array()
	if err == nil && n < 3 {
		err = notepack.ErrTruncated
	}
	if err != nil {
		return "", "", nil, fmt.Errorf("decode envelope: %w", err)
	}
	if e.sender, err = e.Reader.String(); err != nil {
		return "", "", nil, fmt.Errorf("decode sender: %w", err)
	}
	e.broadcast.Namespace = "/"
	if err = e.entries(packetEntries); err != nil {
		return e.sender, "", nil, fmt.Errorf("decode packet: %w", err)
	}
	if !e.isEvent || !e.hasData {
		return e.sender, "", nil, errNotEvent
	}
	if err = e.entries(optionEntries); err != nil {
		return e.sender, "", nil, fmt.Errorf("decode options: %w", err)
	}
	for i := range n - 3 {
		if i == 0 {
			at, err = e.readOffset()
		} else {
			err = e.Skip()
		}
		if err != nil {
			return e.sender, "", nil, fmt.Errorf("decode envelope: %w", err)
		}
	}
	if err = e.End(); err != nil {
		return e.sender, "", nil, fmt.Errorf("decode envelope: %w", err)
	}
	return e.sender, at, &e.broadcast, nil
}

// entries reads a map and gives the value of each entry to its reader in known.
func (e *envelope) entries(known func(key string) func(*envelope) error) error {
	n, err := e.Map()
	if err != nil {
		return err
	}
	for range n {
		key, err := e.Reader.String()
		if err != nil {
			return err
		}
		read := known(key)
		if read == nil {
			err = e.Skip()
		} else {
			err = read(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func packetEntries(key string) func(*envelope) error {
	switch key {
	case "type":
		return (*envelope).packetType
	case "data":
		return (*envelope).data
	case "nsp":
		return (*envelope).namespace
	}
	return nil
}

func optionEntries(key string) func(*envelope) error {
	switch key {
	case "rooms":
		return (*envelope).rooms
	case "except":
		return (*envelope).except
	case "flags":
		return (*envelope).flags
	}
	return nil
}

func flagEntries(key string) func(*envelope) error {
	switch key {
	case "volatile":
		return (*envelope).volatile
	case "compress":
		return (*envelope).compress
	}
	return nil
}

func (e *envelope) packetType() error {
	n, err := e.Uint()
	e.isEvent = n == eventPacket
	return err
}

func (e *envelope) data() (err error) {
	if e.hasData {
		return notepack.ErrType // the same entry twice
	}
	e.hasData = true
	// JSON is rarely more than a fifth larger.
	space := make([]byte, 0, e.Rest()+e.Rest()/4)
	e.broadcast.Data, e.broadcast.Attachments, err = e.JSON(space, nil, e.maxBytes)
	if err == nil && (len(e.broadcast.Data) == 0 || e.broadcast.Data[0] != '[') {
		return errNotEvent
	}
	return err
}

func (e *envelope) namespace() (err error) {
	e.broadcast.Namespace, err = e.Reader.String()
	return err
}

func (e *envelope) flags() error {
	if e.Nil() {
		return nil
	}
	return e.entries(flagEntries)
}

func (e *envelope) volatile() (err error) {
	if e.Nil() {
		return nil
	}
	e.broadcast.Volatile, err = e.Bool()
	return err
}

func (e *envelope) compress() error {
	if e.Nil() {
		return nil
	}
	compress, err := e.Bool()
	e.broadcast.NoCompress = !compress
	return err
}

func (e *envelope) rooms() (err error) {
	e.broadcast.Rooms, err = readNames(&e.Reader)
	return err
}

func (e *envelope) except() (err error) {
	e.broadcast.Except, err = readNames(&e.Reader)
	return err
}

// readNames reads a list of rooms. It grows with what is there, not with what is
// announced: Array has checked that the bytes for it have come.
func readNames(r *notepack.Reader) ([]string, error) {
	if r.Nil() {
		return nil, nil
	}
	n, err := r.Array()
	if err != nil || n == 0 {
		return nil, err
	}
	names := make([]string, 0, min(n, 64))
	for range n {
		name, err := r.Name()
		if err != nil {
			return nil, err
		}
		if !utf8.ValidString(name) {
			return nil, notepack.ErrType
		}
		names = append(names, name)
	}
	return names, nil
}
