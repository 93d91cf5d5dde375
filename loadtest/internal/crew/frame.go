package crew

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	headBytes = 5 // of a frame: four of length, that of the body, and the kind

	// mostUnknown is the longest body that is read of a peer before it has shown that it
	// has the key, and mostBytes the longest of all.
	mostUnknown = 4 << 10
	mostBytes   = 64 << 20
)

var errTooLong = errors.New("a message is longer than it may be")

// frame makes a frame; body is nil where there is nothing to say.
func frame(k kind, body any) ([]byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode message %d: %w", k, err)
		}
	}
	if len(text) > mostBytes {
		return nil, errTooLong
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, headBytes+len(text)), uint32(len(text)))
	return append(append(b, byte(k)), text...), nil
}

// readFrame reads one of at most so many bytes. raw is all of it, to be passed on, and
// body what is behind the head.
func readFrame(from io.Reader, most int) (k kind, body, raw []byte, err error) {
	var head [headBytes]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > uint32(most) {
		return 0, nil, nil, errTooLong
	}
	raw = append(make([]byte, 0, headBytes+int(size)), head[:]...)[:headBytes+int(size)]
	if _, err := io.ReadFull(from, raw[headBytes:]); err != nil {
		return 0, nil, nil, err
	}
	return kind(head[headBytes-1]), raw[headBytes:], raw, nil
}

// decode reads a body of a kind.
func decode[T any](body []byte) (T, error) {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("it said something that cannot be understood: %w", err)
	}
	return v, nil
}
