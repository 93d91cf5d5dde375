package notepack

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// JSON reads the next value and appends its JSON text to dst. Bytes in it are appended
// to attachments, as copies, and become placeholders numbered by their place there.
// text that would grow dst beyond maxBytes is refused with ErrTooLarge.
func (r *Reader) JSON(dst []byte, attachments [][]byte, maxBytes int) ([]byte, [][]byte, error) {
	w := jsonWriter{Reader: *r, dst: dst, attachments: attachments, maxBytes: maxBytes}
	if err := w.value(0); err != nil {
		return dst, attachments, err
	}
	if w.ambiguous && len(w.attachments) > 0 {
		return dst, attachments, ErrPlaceholder
	}
	r.at = w.at
	return w.dst, w.attachments, nil
}

// jsonWriter walks over MessagePack and appends JSON text as it goes. It has a copy of
// the Reader: with a pointer to it, the caller's would be allocated.
type jsonWriter struct {
	Reader
	dst         []byte
	attachments [][]byte
	maxBytes    int
	ambiguous   bool // there is a map that a client would take for a placeholder
}

func (w *jsonWriter) value(depth int) error {
	h, err := w.head()
	if err != nil {
		return err
	}
	if len(w.dst) > w.maxBytes {
		return ErrTooLarge
	}
	switch h.kind {
	case kindNil:
		w.dst = append(w.dst, "null"...)
	case kindBool:
		w.dst = strconv.AppendBool(w.dst, h.n == 1)
	case kindInt:
		w.dst = strconv.AppendInt(w.dst, int64(h.bits), 10)
	case kindUint:
		w.dst = strconv.AppendUint(w.dst, h.bits, 10)
	case kindFloat:
		w.dst = appendFloat(w.dst, math.Float64frombits(h.bits))
	case kindString:
		return w.text(w.take(h.n))
	case kindBinary:
		return w.binary(w.take(h.n))
	case kindArray:
		return w.array(h.n, depth+1)
	case kindMap:
		return w.object(h.n, depth+1)
	case kindExt:
		return w.extension(h)
	}
	return nil
}

func (w *jsonWriter) array(n, depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	w.dst = append(w.dst, '[')
	for i := range n {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		if err := w.value(depth); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, ']')
	return nil
}

func (w *jsonWriter) object(n, depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	open := len(w.dst)
	w.dst = append(w.dst, '{')
	for range n {
		entry := len(w.dst)
		if entry > open+1 {
			w.dst = append(w.dst, ',')
		}
		if err := w.key(); err != nil {
			return err
		}
		w.dst = append(w.dst, ':')
		if w.undefined() {
			w.dst = w.dst[:entry]
			continue
		}
		if err := w.value(depth); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return nil
}

// key writes a map's key as the text that JavaScript makes of it.
func (w *jsonWriter) key() error {
	h, err := w.head()
	if err != nil {
		return err
	}
	switch h.kind {
	case kindString:
		name := w.take(h.n)
		if name == placeholderKey && w.at < len(w.packed) && w.packed[w.at] == 0xc3 {
			w.ambiguous = true
		}
		return w.text(name)
	case kindInt, kindUint, kindFloat:
		w.dst = append(appendKeyNumber(append(w.dst, '"'), h), '"')
	case kindBool:
		w.dst = append(strconv.AppendBool(append(w.dst, '"'), h.n == 1), '"')
	case kindNil:
		w.dst = append(w.dst, `"null"`...)
	default:
		return ErrType
	}
	return nil
}

func (w *jsonWriter) text(s string) error {
	if len(w.dst)+len(s) > w.maxBytes {
		return ErrTooLarge
	}
	w.dst = AppendQuoted(w.dst, s)
	return nil
}

func (w *jsonWriter) binary(b string) error {
	if len(w.attachments) == MaxAttachments {
		return ErrAttachments
	}
	w.dst = appendPlaceholder(w.dst, len(w.attachments))
	w.attachments = append(w.attachments, []byte(b))
	return nil
}

// AppendQuoted appends s as a JSON string, as JSON.stringify writes it: nothing is escaped that need not be.
func AppendQuoted(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s)) // U+FFFD for each bad byte
	}
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		if !jsonPlain[s[i]] {
			dst = appendEscaped(append(dst, s[start:i]...), s[i])
			start = i + 1
		}
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// appendFloat appends f as JSON.stringify writes it.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return appendNumber(dst, f)
}

// appendNumber appends f as JavaScript's String does: the shortest digits, without
// an exponent from 1e-6 to below 1e21, and no sign for zero.
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent: 1e-07 is 1e-7 in JavaScript.
	if n := len(dst); n >= 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendKeyNumber appends a number as the name of a property or a room.
func appendKeyNumber(dst []byte, h head) []byte {
	switch f := math.Float64frombits(h.bits); {
	case h.kind == kindInt:
		return strconv.AppendInt(dst, int64(h.bits), 10)
	case h.kind == kindUint:
		return strconv.AppendUint(dst, h.bits, 10)
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	default:
		return appendNumber(dst, f)
	}
}
