package socketio

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
)

// Offset is the place of an event in the history of its namespace, in the form of a Redis
// stream's entry ids. The zero Offset is in front of all events.
type Offset struct {
	Time uint64 // when the event was accepted, in milliseconds since 1970
	Seq  uint64 // tells apart those of one millisecond
}

// ErrBadOffset says that a text is no Offset.
var ErrBadOffset = errors.New("malformed offset")

// maxOffsetBytes is the length of the longest Offset: two numbers of 20 digits.
const maxOffsetBytes = 41

// ParseOffset reads what Offset.String writes, and nothing else: no sign, no leading zero.
// The error is ErrBadOffset.
func ParseOffset(s string) (o Offset, err error) {
	before, after, ok := strings.Cut(s, "-")
	if !ok || len(s) > maxOffsetBytes {
		return Offset{}, ErrBadOffset
	}
	var errTime, errSeq error
	o.Time, errTime = strconv.ParseUint(before, 10, 64)
	o.Seq, errSeq = strconv.ParseUint(after, 10, 64)
	if errTime != nil || errSeq != nil || o.String() != s {
		return Offset{}, ErrBadOffset
	}
	return o, nil
}

// AppendTo appends the text of o to dst.
func (o Offset) AppendTo(dst []byte) []byte {
	dst = append(strconv.AppendUint(dst, o.Time, 10), '-')
	return strconv.AppendUint(dst, o.Seq, 10)
}

// String returns "<milliseconds>-<number>".
func (o Offset) String() string { return string(o.AppendTo(nil)) }

// After reports whether o is behind p.
func (o Offset) After(p Offset) bool {
	return cmp.Or(cmp.Compare(o.Time, p.Time), cmp.Compare(o.Seq, p.Seq)) > 0
}

// IsZero reports whether o is in front of all events.
func (o Offset) IsZero() bool { return o == Offset{} }
