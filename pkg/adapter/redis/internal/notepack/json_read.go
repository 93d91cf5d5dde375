package notepack

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendJSON appends the MessagePack form of text, one JSON value, to dst. Where text
// has the placeholder objects of attachments, numbered from 0 in order, their bytes are
// written. With an error the result is dst as it was.
func AppendJSON(dst, text []byte, attachments [][]byte) ([]byte, error) {
	r := jsonReader{text: text, dst: dst, attachments: attachments}
	if err := r.document(); err != nil {
		return dst, err
	}
	return r.dst, nil
}

// jsonReader walks over JSON text and appends MessagePack as it goes.
type jsonReader struct {
	text        []byte
	at          int // index into text of the next byte
	dst         []byte
	attachments [][]byte
	used        int // how many of attachments have been written
}

func (r *jsonReader) document() error {
	if err := r.value(0); err != nil {
		return err
	}
	if r.skipSpace(); r.at != len(r.text) {
		return ErrJSON
	}
	if r.used != len(r.attachments) {
		return ErrPlaceholder
	}
	return nil
}

func (r *jsonReader) value(depth int) error {
	switch c := r.next(); c {
	case '{':
		return r.object(depth + 1)
	case '[':
		return r.array(depth + 1)
	case '"':
		return r.string()
	case 't':
		return r.literal("true", 0xc3)
	case 'f':
		return r.literal("false", 0xc2)
	case 'n':
		return r.literal("null", 0xc0)
	}
	return r.number()
}

// next skips white space and returns the byte after it without consuming it; 0 is the
// end of the text, or a byte that begins nothing.
func (r *jsonReader) next() byte {
	r.skipSpace()
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *jsonReader) skipSpace() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *jsonReader) array(depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	r.at++
	head, n := r.reserveHead(), 0
	if r.next() == ']' {
		r.at++
	} else {
		for more := true; more; n++ {
			if err := r.value(depth); err != nil {
				return err
			}
			var err error
			if more, err = r.comma(']'); err != nil {
				return err
			}
		}
	}
	r.dst = setHead(r.dst, head, n, arrayForms)
	return nil
}

func (r *jsonReader) object(depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	if len(r.attachments) > 0 {
		num, end := placeholder(r.text[r.at:])
		if end > 0 {
			return r.attachment(num, end)
		}
	}
	r.at++
	head, n := r.reserveHead(), 0
	if r.next() == '}' {
		r.at++
	} else {
		for more := true; more; n++ {
			if err := r.entry(depth); err != nil {
				return err
			}
			var err error
			if more, err = r.comma('}'); err != nil {
				return err
			}
		}
	}
	r.dst = setHead(r.dst, head, n, mapForms)
	return nil
}

func (r *jsonReader) entry(depth int) error {
	if r.next() != '"' {
		return ErrJSON
	}
	key := len(r.dst)
	if err := r.string(); err != nil {
		return err
	}
	if r.next() != ':' {
		return ErrJSON
	}
	r.at++
	if r.next() == 't' && len(r.attachments) > 0 && string(r.dst[key:]) == packedPlaceholderKey {
		return ErrPlaceholder // a client would take the object for one
	}
	return r.value(depth)
}

// comma consumes what follows an element, and says whether another one does.
func (r *jsonReader) comma(end byte) (bool, error) {
	switch r.next() {
	case ',':
		r.at++
		return true, nil
	case end:
		r.at++
		return false, nil
	}
	return false, ErrJSON
}

func (r *jsonReader) reserveHead() int {
	r.dst = append(r.dst, 0)
	return len(r.dst) - 1
}

func (r *jsonReader) attachment(num, end int) error {
	if num != r.used || num >= len(r.attachments) {
		return ErrPlaceholder
	}
	r.dst = AppendBinary(r.dst, r.attachments[num])
	r.used++
	r.at += end
	return nil
}

func (r *jsonReader) literal(word string, code byte) error {
	if len(r.text)-r.at < len(word) || string(r.text[r.at:r.at+len(word)]) != word {
		return ErrJSON
	}
	r.at += len(word)
	r.dst = append(r.dst, code)
	return nil
}

// string writes the string at r.at. One without escapes, the common case, is copied in
// one piece behind a head of known length.
func (r *jsonReader) string() error {
	start := r.at + 1
	i, ascii := start, byte(0)
	for i < len(r.text) && jsonPlain[r.text[i]] {
		ascii |= r.text[i]
		i++
	}
	if i == len(r.text) || r.text[i] < ' ' {
		return ErrJSON
	}
	body := r.text[start:i]
	if r.text[i] == '"' && (ascii < utf8.RuneSelf || utf8.Valid(body)) {
		r.dst = append(appendHead(r.dst, len(body), stringForms), body...)
		r.at = i + 1
		return nil
	}
	return r.escapedString(start)
}

// jsonPlain are the bytes that stand for themselves inside a JSON string.
var jsonPlain = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= ' ' && i != '"' && i != '\\'
	}
	return t
}()

// escapedString writes a string that has escapes or bad UTF-8. Its length is known only
// at the end.
func (r *jsonReader) escapedString(start int) error {
	head := r.reserveHead()
	for i := start; i < len(r.text); {
		c := r.text[i]
		switch {
		case c == '"':
			r.at = i + 1
			r.dst = setHead(r.dst, head, len(r.dst)-head-1, stringForms)
			return nil
		case c == '\\':
			var n int
			if r.dst, n = appendUnescaped(r.dst, r.text[i:]); n == 0 {
				return ErrJSON
			}
			i += n
		case c < ' ':
			return ErrJSON
		case c < utf8.RuneSelf:
			r.dst = append(r.dst, c)
			i++
		default:
			char, n := utf8.DecodeRune(r.text[i:])
			r.dst = utf8.AppendRune(r.dst, char)
			i += n
		}
	}
	return ErrJSON
}

// appendUnescaped appends what the escape sequence that text begins with stands for,
// and returns its length in text; 0 means that it is none.
func appendUnescaped(dst, text []byte) ([]byte, int) {
	if len(text) < 2 {
		return dst, 0
	}
	switch text[1] {
	case '"', '\\', '/':
		return append(dst, text[1]), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		return appendCodeUnits(dst, text)
	}
	return dst, 0
}

// appendCodeUnits is appendUnescaped for \u. Half a surrogate pair becomes U+FFFD.
func appendCodeUnits(dst, text []byte) ([]byte, int) {
	first, ok := codeUnit(text)
	if !ok {
		return dst, 0
	}
	if utf16.IsSurrogate(first) {
		second, _ := codeUnit(text[6:])
		if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
			return utf8.AppendRune(dst, pair), 12
		}
		first = utf8.RuneError
	}
	return utf8.AppendRune(dst, first), 6
}

// codeUnit reads the \uXXXX that text begins with.
func codeUnit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var unit rune
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

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
