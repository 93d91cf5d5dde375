package redis

import (
	"encoding/json"
	"strings"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
)

// The functions of this file find their way through JSON text without building values: what
// is in an envelope is handed on as it stands there. They look at strings and brackets and
// at nothing else, so whoever uses a value has to check it.

// jsonEntries calls f for each entry of an object. Keys with escapes stay escaped: none
// that is known needs any.
func jsonEntries(text string, f func(key, value string) error) error {
	return jsonElements(text, '{', '}', f)
}

// jsonList calls f for each element of an array.
func jsonList(text string, f func(value string) error) error {
	return jsonElements(text, '[', ']', func(_, value string) error { return f(value) })
}

func jsonElements(text string, open, end byte, f func(key, value string) error) error {
	text = strings.Trim(text, " \t\r\n")
	if len(text) < 2 || text[0] != open || text[len(text)-1] != end {
		return notepack.ErrType
	}
	s := jsonScanner{text[1 : len(text)-1], 0}
	if s.next() == 0 && s.at == len(s.text) {
		return nil
	}
	for {
		var key string
		if open == '{' {
			quoted, ok := s.value()
			if !ok || quoted[0] != '"' || s.next() != ':' {
				return notepack.ErrJSON
			}
			key = quoted[1 : len(quoted)-1]
			s.at++
		}
		value, ok := s.value()
		if !ok {
			return notepack.ErrJSON
		}
		if err := f(key, value); err != nil {
			return err
		}
		switch {
		case s.next() == ',':
			s.at++
		case s.at == len(s.text):
			return nil
		default:
			return notepack.ErrJSON
		}
	}
}

type jsonScanner struct {
	text string
	at   int
}

// next skips white space and returns the byte after it, 0 at the end.
func (s *jsonScanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// value returns the next value, which is not empty if ok.
func (s *jsonScanner) value() (text string, ok bool) {
	c, start := s.next(), s.at
	switch c {
	case '"':
		ok = s.quoted()
	case '{', '[':
		ok = s.nested()
	default:
		ok = s.word()
	}
	return s.text[start:s.at], ok
}

// word steps over a number, true, false or null.
func (s *jsonScanner) word() bool {
	for start := s.at; ; s.at++ {
		if s.at == len(s.text) {
			return s.at > start
		}
		switch s.text[s.at] {
		case ',', ':', ']', '}', ' ', '\t', '\r', '\n':
			return s.at > start
		}
	}
}

// quoted steps over a string.
func (s *jsonScanner) quoted() bool {
	s.at++
	rest := s.text[s.at:]
	end := strings.IndexByte(rest, '"')
	if end < 0 {
		return false
	}
	escape := strings.IndexByte(rest[:end], '\\')
	if escape < 0 { // as nearly always
		s.at += end + 1
		return true
	}
	for s.at += escape; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	s.at = len(s.text)
	return false
}

// nested steps over what stands in brackets, however deep.
func (s *jsonScanner) nested() bool {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if !s.quoted() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return true
		}
	}
	return false
}

// jsonText reads a string, or "" of null.
func jsonText(value string) (s string, err error) {
	if n := len(value); n >= 2 && value[0] == '"' && strings.IndexByte(value, '\\') < 0 {
		return value[1 : n-1], nil
	}
	if json.Unmarshal([]byte(value), &s) != nil {
		return "", notepack.ErrType
	}
	return s, nil
}

// jsonName is jsonText for what may also be a number, as the names of rooms may be.
func jsonName(value string) (string, error) {
	if value != "" && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		packed, err := notepack.AppendJSON(nil, []byte(value), nil)
		if err != nil {
			return "", err
		}
		return notepack.NewReader(string(packed)).Name()
	}
	if value == "null" {
		return "", notepack.ErrType
	}
	return jsonText(value)
}

// jsonNames reads a list of names; null is an empty one.
func jsonNames(value string) (names []string, err error) {
	if value == "null" {
		return nil, nil
	}
	err = jsonList(value, func(value string) error {
		name, err := jsonName(value)
		names = append(names, name)
		return err
	})
	return names, err
}

// jsonFlag reads true or false; null is otherwise.
func jsonFlag(value string, otherwise bool) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return otherwise, nil
	}
	return false, notepack.ErrType
}
