package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxItems bounds the lists of names in one request, all of its target's together.
const maxItems = 1000

// decoder reads a body, and keeps the mistake that was found first.
type decoder struct {
	maxName int
	problem *problem
}

// wrong records a mistake, unless there was one before.
func (d *decoder) wrong(field, want string, args ...any) {
	if d.problem == nil {
		d.problem = wrong(field, want, args...)
	}
}

// object is a JSON object of the request. Its methods return the value of one member, zero if it is
// missing or wrong. Whoever reads an object asks for each member that there may be, and
// then calls end.
type object struct {
	*decoder
	path  string // empty for the body
	names []string
	by    map[string]json.RawMessage
	asked []string
}

// body reads the whole body.
func (d *decoder) body(text []byte) *object {
	o, after := d.object("", text)
	if d.problem == nil {
		if _, err := after.Token(); err != io.EOF {
			d.wrong("", "there is more behind the JSON object")
		}
	}
	return o
}

// object reads an object, whose values are what follows the colons byte for byte. It returns the
// decoder behind it.
func (d *decoder) object(path string, text []byte) (*object, *json.Decoder) {
	o := &object{decoder: d, path: path, by: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	first, err := dec.Token()
	if err == nil && first != json.Delim('{') {
		d.wrong(path, "want a JSON object")
		return o, dec
	}
	for err == nil && dec.More() {
		var name json.Token
		var value json.RawMessage
		if name, err = dec.Token(); err != nil {
			break
		}
		if err = dec.Decode(&value); err != nil {
			break
		}
		o.add(name.(string), value)
	}
	if err == nil {
		_, err = dec.Token()
	}
	if err != nil {
		d.wrong(path, "not JSON after byte %d", dec.InputOffset())
	}
	return o, dec
}

func (o *object) add(name string, value json.RawMessage) {
	if _, twice := o.by[name]; twice {
		o.wrong(o.full(name), "it is there twice")
	}
	o.names = append(o.names, name)
	o.by[name] = value
}

// full is a member as a problem names it.
func (o *object) full(name string) string {
	name = shown(name)
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// shown cuts a name that may be a megabyte.
func shown(name string) string {
	if len(name) > 64 {
		return strings.ToValidUTF8(name[:64], "") + "…"
	}
	return name
}

func (o *object) ask(name string) json.RawMessage {
	o.asked = append(o.asked, name)
	return o.by[name]
}

// end refuses the members that nobody has asked for.
func (o *object) end() {
	for _, name := range o.names {
		if !slices.Contains(o.asked, name) {
			o.wrong(o.full(name), "unknown; there may be %s", strings.Join(o.asked, ", "))
		}
	}
}

// text is a string, and whether it is there.
func (o *object) text(name string) (s string, ok bool) {
	raw := o.ask(name)
	if raw == nil {
		return "", false
	}
	return o.decode(o.full(name), raw, "text")
}

func (d *decoder) decode(field string, raw json.RawMessage, want string) (s string, ok bool) {
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		d.wrong(field, "want a %s", want)
		return "", false
	}
	return s, true
}

// toggle is true or false; false if it is missing.
func (o *object) toggle(name string) (on bool) {
	raw := o.ask(name)
	if raw != nil && (raw[0] == 'n' || json.Unmarshal(raw, &on) != nil) {
		o.wrong(o.full(name), "want true or false")
	}
	return on
}

// milliseconds is a whole number of them, from 1 to most; 0 if it is missing.
func (o *object) milliseconds(name string, most time.Duration) time.Duration {
	raw := o.ask(name)
	if raw == nil {
		return 0
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil || n < 1 || n > most.Milliseconds() {
		o.wrong(o.full(name), "want a whole number of milliseconds, from 1 to %d", most.Milliseconds())
	}
	return time.Duration(n) * time.Millisecond
}

// list is an array of at most most values; nil if it is missing.
func (o *object) list(name string, most int) (items []json.RawMessage) {
	raw := o.ask(name)
	if raw == nil {
		return nil
	}
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil || len(items) > most {
		o.wrong(o.full(name), "want an array of up to %d values", most)
		return nil
	}
	return items
}

// nameList is an array of names, each with a prefix in front when it is returned.
func (o *object) nameList(name, prefix string) []string {
	items := o.list(name, maxItems)
	out := make([]string, len(items))
	for i, item := range items {
		field := fmt.Sprintf("%s[%d]", o.full(name), i)
		s, ok := o.decode(field, item, "text")
		if ok {
			o.checkName(field, s, len(prefix))
		}
		out[i] = prefix + s
	}
	return out
}

// checkName refuses what can't be the name of a room or an event.
func (d *decoder) checkName(field, name string, prefix int) {
	if name == "" || len(name)+prefix > d.maxName {
		d.wrong(field, "want 1 to %d bytes", d.maxName-prefix)
	}
}

// namespace is that of the request, / if it does not say.
func (o *object) namespace() string {
	s, ok := o.text("namespace")
	if !ok {
		return "/"
	}
	o.checkNamespace(s)
	return s
}

func (d *decoder) checkNamespace(s string) {
	if !strings.HasPrefix(s, "/") || len(s) > d.maxName {
		d.wrong("namespace", "want a text that begins with /, of up to %d bytes", d.maxName)
	}
}
