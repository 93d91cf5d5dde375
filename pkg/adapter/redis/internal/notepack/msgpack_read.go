package notepack

import "math"

// Reader reads MessagePack values one after the other. It reads a string, because that
// is what arrives from Redis, so that the texts it returns need no copy; they keep the
// whole of it alive. Every announced length is checked against the bytes that are there.
// After an error the Reader is of no use.
type Reader struct {
	packed string
	at     int // index into packed of the next byte
}

// NewReader returns a Reader at the beginning of packed.
func NewReader(packed string) *Reader { return &Reader{packed: packed} }

// kind is the type of a value, whatever the form in which it is written.
type kind uint8

const (
	kindBad kind = iota
	kindNil
	kindBool
	kindInt
	kindUint
	kindFloat
	kindString
	kindBinary
	kindArray
	kindMap
	kindExt
)

// head is the beginning of a value: all of it for a number, else what comes before
// the body.
type head struct {
	kind  kind
	ext   int8   // type of an extension
	sized bool   // an extension whose length was written, not one of a fixed length
	n     int    // bytes or elements that follow; 1 for true
	bits  uint64 // a number: two's complement for kindInt, IEEE 754 for kindFloat
}

// head reads the next value's beginning and checks that its body can be there.
func (r *Reader) head() (head, error) {
	if r.at >= len(r.packed) {
		return head{}, ErrTruncated
	}
	c := r.packed[r.at]
	r.at++
	var h head
	switch {
	case c < 0x80:
		return head{kind: kindUint, bits: uint64(c)}, nil
	case c < 0x90:
		h = head{kind: kindMap, n: int(c & 0x0f)}
	case c < 0xa0:
		h = head{kind: kindArray, n: int(c & 0x0f)}
	case c < 0xc0:
		h = head{kind: kindString, n: int(c & 0x1f)}
	case c >= 0xe0:
		return head{kind: kindInt, bits: uint64(int64(int8(c)))}, nil
	default:
		var err error
		if h, err = r.longHead(c); err != nil {
			return h, err
		}
	}
	return h, r.check(h)
}

// check refuses a length that the rest of the bytes can't hold. An element takes one
// byte at least.
func (r *Reader) check(h head) error {
	least := h.n
	switch h.kind {
	case kindMap:
		least = 2 * h.n
	case kindString, kindBinary, kindArray, kindExt:
	default:
		return nil
	}
	if least > len(r.packed)-r.at {
		return ErrTruncated
	}
	return nil
}

// longForm says what the first bytes from 0xc0 to 0xdf mean: size is the number of
// bytes that follow with the length or the number; fixed is the length of a fixed
// extension.
var longForm = [32]struct {
	kind  kind
	size  uint8
	fixed uint8
}{
	0x00: {kind: kindNil}, 0x02: {kind: kindBool}, 0x03: {kind: kindBool, fixed: 1},
	0x04: {kind: kindBinary, size: 1}, 0x05: {kind: kindBinary, size: 2}, 0x06: {kind: kindBinary, size: 4},
	0x07: {kind: kindExt, size: 1}, 0x08: {kind: kindExt, size: 2}, 0x09: {kind: kindExt, size: 4},
	0x0a: {kind: kindFloat, size: 4}, 0x0b: {kind: kindFloat, size: 8},
	0x0c: {kind: kindUint, size: 1}, 0x0d: {kind: kindUint, size: 2}, 0x0e: {kind: kindUint, size: 4}, 0x0f: {kind: kindUint, size: 8},
	0x10: {kind: kindInt, size: 1}, 0x11: {kind: kindInt, size: 2}, 0x12: {kind: kindInt, size: 4}, 0x13: {kind: kindInt, size: 8},
	0x14: {kind: kindExt, fixed: 1}, 0x15: {kind: kindExt, fixed: 2}, 0x16: {kind: kindExt, fixed: 4},
	0x17: {kind: kindExt, fixed: 8}, 0x18: {kind: kindExt, fixed: 16},
	0x19: {kind: kindString, size: 1}, 0x1a: {kind: kindString, size: 2}, 0x1b: {kind: kindString, size: 4},
	0x1c: {kind: kindArray, size: 2}, 0x1d: {kind: kindArray, size: 4},
	0x1e: {kind: kindMap, size: 2}, 0x1f: {kind: kindMap, size: 4},
}

func (r *Reader) longHead(c byte) (head, error) {
	form := longForm[c&0x1f]
	h := head{kind: form.kind, n: int(form.fixed)}
	if h.kind == kindBad {
		return h, ErrType
	}
	bits, err := r.bigEndian(int(form.size))
	if err != nil {
		return h, err
	}
	switch h.kind {
	case kindUint:
		h.bits = bits
	case kindInt:
		unused := 64 - 8*form.size
		h.bits = uint64(int64(bits<<unused) >> unused)
	case kindFloat:
		if h.bits = bits; form.size == 4 {
			h.bits = math.Float64bits(float64(math.Float32frombits(uint32(bits))))
		}
	default:
		h.n += int(bits)
	}
	if h.kind == kindExt {
		bits, err = r.bigEndian(1)
		h.ext = int8(bits)
		h.sized = form.size > 0
	}
	return h, err
}

// bigEndian reads a number of size bytes; size 0 is the number 0.
func (r *Reader) bigEndian(size int) (uint64, error) {
	if size > len(r.packed)-r.at {
		return 0, ErrTruncated
	}
	var n uint64
	for _, c := range []byte(r.packed[r.at : r.at+size]) {
		n = n<<8 | uint64(c)
	}
	r.at += size
	return n, nil
}

// take returns the next n bytes, which head has checked to be there.
func (r *Reader) take(n int) string {
	s := r.packed[r.at : r.at+n]
	r.at += n
	return s
}

func (r *Reader) want(k kind) (head, error) {
	h, err := r.head()
	if err == nil && h.kind != k {
		err = ErrType
	}
	return h, err
}

// Array reads the head of an array and returns its number of elements, which are next.
func (r *Reader) Array() (int, error) {
	h, err := r.want(kindArray)
	return h.n, err
}

// Map reads the head of a map and returns its number of entries: next are a key, its
// value, and so on.
func (r *Reader) Map() (int, error) {
	h, err := r.want(kindMap)
	return h.n, err
}

// String reads a string. It may not be valid UTF-8.
func (r *Reader) String() (string, error) {
	h, err := r.want(kindString)
	if err != nil {
		return "", err
	}
	return r.take(h.n), nil
}

// Name reads a string, or a number as the text that JavaScript makes of it: rooms may
// be numbers in Node.js.
func (r *Reader) Name() (string, error) {
	h, err := r.head()
	if err != nil {
		return "", err
	}
	switch h.kind {
	case kindString:
		return r.take(h.n), nil
	case kindInt, kindUint, kindFloat:
		return string(appendKeyNumber(nil, h)), nil
	}
	return "", ErrType
}

// Uint reads an integer that is not negative.
func (r *Reader) Uint() (uint64, error) {
	h, err := r.head()
	switch {
	case err != nil:
		return 0, err
	case h.kind == kindUint, h.kind == kindInt && int64(h.bits) >= 0:
		return h.bits, nil
	}
	return 0, ErrType
}

// Bool reads true or false.
func (r *Reader) Bool() (bool, error) {
	h, err := r.want(kindBool)
	return h.n == 1, err
}

// Nil consumes nil, or notepack's old undefined, if that is next, and says so.
func (r *Reader) Nil() bool {
	if r.at < len(r.packed) && r.packed[r.at] == 0xc0 {
		r.at++
		return true
	}
	return r.undefined()
}

// undefined consumes notepack 2's undefined, if that is next, and says so.
func (r *Reader) undefined() bool {
	if len(r.packed)-r.at >= 3 && r.packed[r.at] == 0xd4 && r.packed[r.at+1] == 0 {
		r.at += 3
		return true
	}
	return false
}

// Skip reads over the next value, whatever it is and however deep.
func (r *Reader) Skip() error {
	for values := 1; values > 0; values-- {
		h, err := r.head()
		if err != nil {
			return err
		}
		switch h.kind {
		case kindArray:
			values += h.n
		case kindMap:
			values += 2 * h.n
		default:
			r.at += h.n * int(bodyBytes[h.kind])
		}
	}
	return nil
}

// bodyBytes is 1 for the kinds whose n counts bytes that follow the head.
var bodyBytes = [...]uint8{kindString: 1, kindBinary: 1, kindExt: 1}

// End returns ErrTrailing unless everything has been read.
func (r *Reader) End() error {
	if r.at != len(r.packed) {
		return ErrTrailing
	}
	return nil
}

// Rest returns how many bytes have not been read.
func (r *Reader) Rest() int { return len(r.packed) - r.at }
