package socketio

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// Binary is sent as a binary attachment, wherever it stands in an argument of Emit
// or Ack, and receives one in Bind. As an argument of its own a []byte is sent the
// same way; inside other values encoding/json writes a []byte as base64. Nil is sent
// as an attachment without bytes. Bytes that stand as an argument of their own are not
// copied: they must not change after Emit.
//
// MarshalJSON is for Emit and Ack. To put the bytes into other JSON, convert them to
// []byte first.
type Binary []byte

// ErrNotBinary says that Bind found something else where a Binary was asked for, or
// an attachment where something else was.
var ErrNotBinary = errors.New("binary attachment and type do not match")

// marker begins the JSON strings that carry attachments through encoding/json,
// within this process: nobody outside can know it, so no string that somebody sends
// is taken for one. The colons keep it from being base64, which a []byte would accept.
var marker = newMarker()

func newMarker() []byte {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return []byte(":" + hex.EncodeToString(random[:]) + ":")
}

// MarshalJSON writes a string that Emit and Ack replace with the attachment.
func (b Binary) MarshalJSON() ([]byte, error) {
	return appendMarkedString(make([]byte, 0, len(marker)+2+base64.StdEncoding.EncodedLen(len(b))), b), nil
}

// UnmarshalJSON takes the attachment that Bind put there. null leaves b as it is, as
// is usual.
func (b *Binary) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	bin, ok := markedString(text)
	if !ok {
		return ErrNotBinary
	}
	*b = bin
	return nil
}

func appendMarkedString(dst []byte, b []byte) []byte {
	dst = append(dst, '"')
	dst = append(dst, marker...)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// markedString returns the bytes that a JSON string stands for.
func markedString(text []byte) ([]byte, bool) {
	if len(text) < len(marker)+2 || text[0] != '"' || !bytes.HasPrefix(text[1:], marker) {
		return nil, false
	}
	bin, err := base64.StdEncoding.AppendDecode([]byte{}, text[1+len(marker):len(text)-1])
	return bin, err == nil
}

// appendMarked appends a stretch of the text with marked strings in the place of its
// placeholders.
func (a *Args) appendMarked(dst []byte, s span) []byte {
	done := s.start
	for _, p := range a.within(s) {
		dst = append(dst, a.text[done:p.start]...)
		dst = appendMarkedString(dst, a.attachments[p.num])
		done = p.end
	}
	return append(dst, a.text[done:s.end]...)
}

// unmark appends JSON text to the packet, with an attachment for each marked string.
func (e *encoder) unmark(text []byte) error {
	for {
		i := bytes.Index(text, marker)
		if i < 0 {
			break
		}
		start, end := max(i-1, 0), i+bytes.IndexByte(text[i:], '"')+1
		bin, ok := markedString(text[start:end])
		if !ok {
			return ErrNotBinary
		}
		e.data = append(e.data, text[:start]...)
		e.attach(bin)
		text = text[end:]
	}
	e.data = append(e.data, text...)
	return nil
}
