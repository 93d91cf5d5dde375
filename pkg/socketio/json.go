package socketio

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// maxNesting is the deepest JSON nesting that any configuration can allow.
const maxNesting = 1024

var (
	errJSON    = errors.New("not valid JSON")
	errNesting = errors.New("JSON is nested too deeply")
)

// span is a stretch of a text: from start up to, not including, end.
type span struct{ start, end uint32 }

// scanner walks JSON text once, from front to back, and accepts what encoding/json
// accepts. It keeps its own record of open brackets, so that no input makes the
// goroutine's stack grow, and allocates only to remember placeholders.
type scanner struct {
	text  []byte
	pos   int
	depth int // levels of nesting allowed

	level   int                     // brackets open now
	objects [maxNesting / 64]uint64 // bit l: the bracket at level l is a brace

	// placeholders is nil when none are looked for.
	placeholders *placeholderFinder
}

// validJSON reports whether text is one JSON value, at most depth levels deep.
func validJSON(text []byte, depth int) bool {
	s := scanner{text: text, depth: depth}
	return s.only() == nil
}

// only reads one value that has nothing but white space around it.
func (s *scanner) only() error {
	if err := s.value(); err != nil {
		return err
	}
	return s.atEnd()
}

func (s *scanner) atEnd() error {
	if s.peek() != 0 || s.pos < len(s.text) {
		return errJSON
	}
	return nil
}

// peek skips white space and returns the byte behind it, or 0 at the end. A zero
// byte of the text itself is nowhere legal, so the two need no telling apart.
func (s *scanner) peek() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// value reads one value and what is inside it.
func (s *scanner) value() error {
	outside := s.level
	for {
		complete, err := s.begin()
		if err != nil {
			return err
		}
		if complete {
			if err := s.climb(outside); err != nil {
				return err
			}
		}
		if s.level == outside {
			return nil
		}
	}
}

// begin reads a value that is not nested, or the opening of one that is: then the
// value is not complete, and the next thing in the text is a value again.
func (s *scanner) begin() (complete bool, err error) {
	switch c := s.peek(); c {
	case '"':
		return true, s.string()
	case '{':
		return s.open(true, '}')
	case '[':
		return s.open(false, ']')
	case 't':
		return true, s.literal("true")
	case 'f':
		return true, s.literal("false")
	case 'n':
		return true, s.literal("null")
	default:
		return true, s.number()
	}
}

// open enters an array or an object. An empty one is complete at once.
func (s *scanner) open(object bool, closing byte) (complete bool, err error) {
	if s.level >= s.depth || s.level >= maxNesting {
		return false, errNesting
	}
	start := s.pos
	s.pos++
	if s.peek() == closing {
		s.pos++
		return true, nil
	}
	word, bit := s.level/64, uint64(1)<<(s.level%64)
	s.level++
	if !object {
		s.objects[word] &^= bit
		return false, nil
	}
	s.objects[word] |= bit
	if s.placeholders != nil {
		s.placeholders.enter(start)
	}
	return false, s.key()
}

// climb reads what follows a complete value: closing brackets, which complete the
// values around it, up to a comma and the beginning of the next value, or until
// no more than outside brackets are open.
func (s *scanner) climb(outside int) error {
	for s.level > outside {
		top := s.level - 1
		object := s.objects[top/64]>>(top%64)&1 == 1
		c := s.peek()
		s.pos++
		switch {
		case c == ',' && object:
			return s.key()
		case c == ',':
			return nil
		case c == ']' && !object:
			s.level--
		case c == '}' && object:
			s.level--
			if s.placeholders != nil {
				if err := s.placeholders.leave(s.pos); err != nil {
					return err
				}
			}
		default:
			return errJSON
		}
	}
	return nil
}

// key reads the name of an object's member, and the colon.
func (s *scanner) key() error {
	if s.peek() != '"' {
		return errJSON
	}
	start := s.pos
	if err := s.string(); err != nil {
		return err
	}
	end := s.pos
	if s.peek() != ':' {
		return errJSON
	}
	s.pos++
	if s.placeholders != nil {
		s.peek()
		s.placeholders.member(s.text[start:end], s.text, s.pos)
	}
	return nil
}

func (s *scanner) literal(word string) error {
	if end := s.pos + len(word); end <= len(s.text) && string(s.text[s.pos:end]) == word {
		s.pos = end
		return nil
	}
	return errJSON
}

// string reads a string, from quote to quote. Bytes that are not UTF-8 pass, as
// with encoding/json: transports refuse them for the whole message.
func (s *scanner) string() error {
	i := s.pos + 1
	for i < len(s.text) {
		i += plainBytes(s.text[i:])
		if i == len(s.text) {
			break
		}
		switch c := s.text[i]; {
		case c == '"':
			s.pos = i + 1
			return nil
		case c == '\\':
			n := escapeLen(s.text[i:])
			if n == 0 {
				return errJSON
			}
			i += n
		case c < ' ':
			return errJSON
		default:
			i++
		}
	}
	return errJSON
}

// plainBytes counts bytes at the start of text that mean themselves in a string. It
// looks at eight at once, and leaves the last few, fewer than eight, to the caller.
func plainBytes(text []byte) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for len(text)-n >= 8 {
		word := binary.LittleEndian.Uint64(text[n:])
		quote, backslash := word^each*'"', word^each*'\\'
		// The lowest byte with its high bit set here is less than a space, or one of
		// the two; bytes above it may be there for a borrow only.
		special := ((word-each*' ')&^word | (quote-each)&^quote | (backslash-each)&^backslash) & high
		if special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
		n += 8
	}
	return n
}

// escapeLen returns the length of the escape at the start of text, 0 if it is none.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) >= 6 && isHex(text[2]) && isHex(text[3]) && isHex(text[4]) && isHex(text[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *scanner) number() error {
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++
	} else if !s.digits() {
		return errJSON
	}
	if s.at('.') {
		s.pos++
		if !s.digits() {
			return errJSON
		}
	}
	if s.at('e') || s.at('E') {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return errJSON
		}
	}
	return nil
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.text) && s.text[s.pos] == c }

// digits skips digits, and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos] >= '0' && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}
