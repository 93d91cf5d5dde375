package notepack

import (
	"math"
	"strconv"
	"time"
)

// Extension types with a meaning. extLegacy is what notepack 2 wrote: undefined in one
// byte, a time in eight, an ArrayBuffer behind a length.
const (
	extTimestamp = -1
	extLegacy    = 0
)

func (w *jsonWriter) extension(h head) error {
	body := w.take(h.n)
	switch {
	case h.ext == extTimestamp && h.n == 4 && !h.sized:
		w.time(0, float64(number(body))*1e3)
	case h.ext == extTimestamp && h.n == 8 && !h.sized:
		bits := number(body)
		w.time(float64(bits>>34), float64(bits&(1<<34-1))*1e3)
	case h.ext == extTimestamp && h.n == 12:
		w.time(float64(number(body[:4])), float64(int64(number(body[4:])))*1e3)
	case h.ext == extTimestamp && h.sized:
		return ErrType
	case h.ext == extLegacy && h.n == 1 && !h.sized:
		w.dst = append(w.dst, "null"...)
	case h.ext == extLegacy && h.n == 8 && !h.sized:
		w.time(0, float64(int64(number(body))))
	case h.ext == extLegacy && h.sized:
		return w.binary(body)
	default:
		return w.unknown(h.ext, body)
	}
	return nil
}

// unknown writes an extension as notepack hands it out: [type, bytes].
func (w *jsonWriter) unknown(ext int8, body string) error {
	w.dst = append(strconv.AppendInt(append(w.dst, '['), int64(ext), 10), ',')
	if err := w.binary(body); err != nil {
		return err
	}
	w.dst = append(w.dst, ']')
	return nil
}

// time writes a JavaScript Date made from a number of milliseconds and one of
// nanoseconds: with floating point, as Node computes it.
func (w *jsonWriter) time(nanoseconds, milliseconds float64) {
	const maxDate = 8.64e15 // the last one that JavaScript has
	at := math.Trunc(milliseconds + float64(nanoseconds/1e6))
	if math.Abs(at) > maxDate {
		w.dst = append(w.dst, "null"...)
		return
	}
	t := time.UnixMilli(int64(at)).UTC()
	w.dst = append(w.dst, '"')
	switch year := t.Year(); {
	case year < 0:
		w.dst = appendPadded(append(w.dst, '-'), -year, 6)
	case year > 9999:
		w.dst = appendPadded(append(w.dst, '+'), year, 6)
	default:
		w.dst = appendPadded(w.dst, year, 4)
	}
	w.dst = append(t.AppendFormat(w.dst, "-01-02T15:04:05.000Z"), '"')
}

func appendPadded(dst []byte, n, width int) []byte {
	for limit := int(math.Pow10(width - 1)); n < limit && limit > 1; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// number reads all of s as a big-endian number.
func number(s string) uint64 {
	var n uint64
	for _, c := range []byte(s) {
		n = n<<8 | uint64(c)
	}
	return n
}
