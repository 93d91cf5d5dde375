package notepack

import (
	"math"
	"strconv"
)

// number writes the number at r.at: integers with all their digits while 64 bits hold
// them, others as JavaScript would after JSON.parse.
func (r *jsonReader) number() error {
	start := r.at
	negative := r.digit() == '-'
	if negative {
		r.at++
	}
	n, overflow, ok := r.integer()
	if !ok {
		return ErrJSON
	}
	whole, err := r.fraction()
	if err != nil {
		return err
	}
	switch {
	case !whole || overflow || negative && n > 1<<63:
		return r.float(r.text[start:r.at])
	case negative:
		r.dst = AppendInt(r.dst, -int64(n))
	default:
		r.dst = AppendUint(r.dst, n)
	}
	return nil
}

// digit returns the byte at r.at, 0 at the end.
func (r *jsonReader) digit() byte {
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

// digits consumes a run of digits and returns how many there were.
func (r *jsonReader) digits() int {
	start := r.at
	for c := r.digit(); '0' <= c && c <= '9'; c = r.digit() {
		r.at++
	}
	return r.at - start
}

func (r *jsonReader) integer() (n uint64, overflow, ok bool) {
	start := r.at
	count := r.digits()
	digits := r.text[start:r.at]
	if count == 0 || count > 1 && digits[0] == '0' {
		return 0, false, false
	}
	for _, c := range digits {
		d := uint64(c - '0')
		if n > (math.MaxUint64-d)/10 {
			return 0, true, true
		}
		n = n*10 + d
	}
	return n, false, true
}

// fraction consumes the rest of a number; whole means that there was none.
func (r *jsonReader) fraction() (whole bool, err error) {
	whole = true
	if r.digit() == '.' {
		r.at++
		if whole = false; r.digits() == 0 {
			return false, ErrJSON
		}
	}
	if c := r.digit(); c == 'e' || c == 'E' {
		r.at++
		if c := r.digit(); c == '+' || c == '-' {
			r.at++
		}
		if whole = false; r.digits() == 0 {
			return false, ErrJSON
		}
	}
	return whole, nil
}

func (r *jsonReader) float(text []byte) error {
	// Out of range is not an error: it is an infinity or 0, as in JavaScript.
	f, _ := strconv.ParseFloat(string(text), 64)
	r.dst = AppendFloat(r.dst, f)
	return nil
}
