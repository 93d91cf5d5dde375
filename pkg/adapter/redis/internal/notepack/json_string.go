package notepack

import (
	"unicode/utf16"
	"unicode/utf8"
)

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
