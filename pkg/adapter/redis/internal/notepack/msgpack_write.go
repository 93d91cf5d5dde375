package notepack

import (
	"encoding/binary"
	"math"
)

// AppendArray appends the head of an array of n elements to dst.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, n, arrayForms) }

// AppendMap appends the head of a map of n entries to dst.
func AppendMap(dst []byte, n int) []byte { return appendHead(dst, n, mapForms) }

// AppendString appends s, which must be valid UTF-8, to dst.
func AppendString(dst []byte, s string) []byte {
	return append(appendHead(dst, len(s), stringForms), s...)
}

// AppendBinary appends b as bin to dst.
func AppendBinary(dst, b []byte) []byte {
	return append(appendHead(dst, len(b), binaryForms), b...)
}

// AppendBool appends b to dst.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 0xc3)
	}
	return append(dst, 0xc2)
}

// AppendInt appends n in its smallest form to dst.
func AppendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return AppendUint(dst, uint64(n))
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, 0xd0, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(n))
}

// AppendUint appends n in its smallest form to dst.
func AppendUint(dst []byte, n uint64) []byte {
	switch {
	case n < 0x80:
		return append(dst, byte(n))
	case n <= math.MaxUint8:
		return append(dst, 0xcc, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcf), n)
}

// AppendFloat appends f to dst: as an integer when it is one that 64 bits hold, as
// notepack does, else as float 64. (notepack goes on to write integers beyond that,
// and wrongly.)
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case f != math.Trunc(f) || f < -1<<63 || f >= 1<<64:
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
	case f < 0:
		return AppendInt(dst, int64(f))
	}
	return AppendUint(dst, uint64(f))
}

// forms are the first bytes of a kind of value that is written with its length.
type forms struct {
	fix          byte // with the length in its low bits; unused when fixMax is -1
	fixMax       int
	len8         byte // 0: there is none
	len16, len32 byte
}

var (
	arrayForms  = forms{fix: 0x90, fixMax: 15, len16: 0xdc, len32: 0xdd}
	mapForms    = forms{fix: 0x80, fixMax: 15, len16: 0xde, len32: 0xdf}
	stringForms = forms{fix: 0xa0, fixMax: 31, len8: 0xd9, len16: 0xda, len32: 0xdb}
	binaryForms = forms{fixMax: -1, len8: 0xc4, len16: 0xc5, len32: 0xc6}
)

func appendHead(dst []byte, n int, f forms) []byte {
	switch {
	case n <= f.fixMax:
		return append(dst, f.fix|byte(n))
	case n <= math.MaxUint8 && f.len8 != 0:
		return append(dst, f.len8, byte(n))
	case n <= math.MaxUint16:
		return append(dst, f.len16, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, f.len32), uint32(n))
}

// setHead writes the head for a value whose body of length n was begun before n was
// known. One byte was left for it at dst[at]; a longer head moves the body.
func setHead(dst []byte, at, n int, f forms) []byte {
	if n <= f.fixMax {
		dst[at] = f.fix | byte(n)
		return dst
	}
	var space [5]byte
	head := appendHead(space[:0], n, f)
	dst = append(dst, head[1:]...)
	copy(dst[at+len(head):], dst[at+1:])
	copy(dst[at:], head)
	return dst
}
