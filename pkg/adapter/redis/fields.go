package redis

import (
	"unicode/utf8"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
)

// fields are the entries of a map in a request or a response, by name, each read when it
// is known what it must be: in these messages that depends on other entries.
type fields map[string]notepack.Reader

// maxNameBytes bounds the names that nodes give to themselves and to their questions.
const maxNameBytes = 64

// decodeFields reads a message that is one map, in JSON or in MessagePack. What begins
// with '{' is JSON, as for the official adapter, and is transcoded: so there is one
// reader, with one set of limits.
func decodeFields(payload string, wanted ...string) (fields, error) {
	if payload != "" && payload[0] == '{' {
		packed, err := notepack.AppendJSON(make([]byte, 0, len(payload)), []byte(payload), nil)
		if err != nil {
			return nil, err
		}
		payload = string(packed)
	}
	r := notepack.NewReader(payload)
	f, err := readFields(r, wanted...)
	if err != nil {
		return nil, err
	}
	return f, r.End()
}

// readFields reads a map and keeps the wanted entries. Of two with the same name it
// keeps the last, as JavaScript does.
func readFields(r *notepack.Reader, wanted ...string) (fields, error) {
	n, err := r.Map()
	if err != nil {
		return nil, err
	}
	f := make(fields, len(wanted))
	for range n {
		key, err := r.Name()
		if err != nil {
			return nil, err
		}
		value := *r
		if err := r.Skip(); err != nil {
			return nil, err
		}
		for _, name := range wanted {
			if name == key {
				f[name] = value
			}
		}
	}
	return f, nil
}

// find returns an entry, unless it is missing or nil.
func (f fields) find(name string) (notepack.Reader, bool) {
	value, ok := f[name]
	rest := value
	return value, ok && !rest.Nil()
}

func (f fields) has(name string) bool {
	_, ok := f.find(name)
	return ok
}

// in reads an entry that is a map; a missing one has no entries.
func (f fields) in(name string, wanted ...string) (fields, error) {
	r, ok := f.find(name)
	if !ok {
		return nil, nil
	}
	return readFields(&r, wanted...)
}

// name reads the name of a node or of a question, "" if it is missing.
func (f fields) name(name string) (string, error) {
	r, ok := f.find(name)
	if !ok {
		return "", nil
	}
	s, err := r.Name()
	if err == nil && (len(s) > maxNameBytes || !utf8.ValidString(s)) {
		err = notepack.ErrType
	}
	return s, err
}

// number reads a number that is not negative; ok is false if it is missing.
func (f fields) number(name string) (n uint64, ok bool, err error) {
	r, ok := f.find(name)
	if !ok {
		return 0, false, nil
	}
	n, err = r.Uint()
	return n, true, err
}

// boolean reads true or false; a missing one is false.
func (f fields) boolean(name string) (bool, error) {
	r, ok := f.find(name)
	if !ok {
		return false, nil
	}
	return r.Bool()
}

// names reads a list of rooms or of socket ids; a missing one is empty.
func (f fields) names(name string) ([]string, error) {
	r, ok := f.find(name)
	if !ok {
		return nil, nil
	}
	return readNames(&r)
}

// json reads any value as JSON; a missing one is null.
func (f fields) json(name string, maxBytes int) (text []byte, attachments [][]byte, err error) {
	r, ok := f.find(name)
	if !ok {
		return []byte("null"), nil, nil
	}
	return r.JSON(nil, nil, maxBytes)
}
