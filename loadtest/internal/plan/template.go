package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The placeholders. They stand in strings; what replaces them is escaped as JSON wants it.
const (
	holeRoom    = "{room}"
	holeEvent   = "{event}"
	holePayload = "{payload}"
	holeClient  = "{client}"
	holeToken   = "{token}"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// template is text with holes.
type template []part

// part is a literal text, or a hole that a value goes into.
type part struct {
	literal []byte
	hole    string
	// alone: the hole is all of its JSON string, whose quotes are not in the literals.
	alone bool
}

// values are what goes into the holes. Unused ones are empty.
type values struct {
	room, payload, token []byte
	client               int
	// attached: the payload is an attachment, and its place marked.
	attached bool
}

// attachment stands in a packet for its first attachment (Socket.IO protocol, binary event).
const attachment = `{"_placeholder":true,"num":0}`

// append appends the text, with values escaped as within JSON strings. It does not
// allocate if dst has room.
func (t template) append(dst []byte, v *values) []byte {
	for i := range t {
		p := &t[i]
		switch {
		case p.hole == "":
			dst = append(dst, p.literal...)
		case p.hole == holePayload && v.attached:
			dst = append(dst, attachment...)
		case p.alone:
			dst = append(dst, '"')
			dst = p.appendValue(dst, v)
			dst = append(dst, '"')
		default:
			dst = p.appendValue(dst, v)
		}
	}
	return dst
}

func (p *part) appendValue(dst []byte, v *values) []byte {
	switch p.hole {
	case holeRoom:
		return appendEscaped(dst, v.room)
	case holePayload:
		return appendEscaped(dst, v.payload)
	case holeToken:
		return appendEscaped(dst, v.token)
	}
	return strconv.AppendInt(dst, int64(v.client), 10)
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends s, which is UTF-8, as the inside of a JSON string.
func appendEscaped(dst, s []byte) []byte {
	start := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		if c < ' ' {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
	}
	return append(dst, s[start:]...)
}

// has reports whether a hole is in t.
func (t template) has(hole string) bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.hole == hole })
}

// compiler makes templates in which some holes are allowed.
type compiler struct {
	holes []string
	event string // what {event} stands for
	out   template
	err   *refusal
}

// compileJSON makes a template of the JSON text of v: what YAML and JSON decode to.
// key is where it is in the plan, for errors, which show no more of it than a text
// with a wrong placeholder.
func compileJSON(key string, v any, event string, holes ...string) (template, error) {
	c := compiler{holes: holes, event: event}
	c.value(v)
	return c.done(key)
}

// compileText makes a template of text that is not JSON.
func compileText(key, s string, holes ...string) (template, error) {
	c := compiler{holes: holes}
	c.inside(s, func(text string) string { return text })
	return c.done(key)
}

func (c *compiler) done(key string) (template, error) {
	if c.err != nil {
		c.err.key = key
		return nil, c.err
	}
	return c.out, nil
}

func (c *compiler) value(v any) {
	switch v := v.(type) {
	case string:
		c.text(v)
	case []any:
		c.literal("[")
		for i, item := range v {
			if i > 0 {
				c.literal(",")
			}
			c.value(item)
		}
		c.literal("]")
	case map[string]any:
		c.literal("{")
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				c.literal(",")
			}
			c.literal(`"` + escaped(key) + `":`)
			c.value(v[key])
		}
		c.literal("}")
	default:
		raw, err := json.Marshal(v)
		if err != nil && c.err == nil {
			c.err = &refusal{value: fmt.Sprint(v), want: "what JSON can hold"}
		}
		c.literal(string(raw))
	}
}

// text adds a JSON string.
func (c *compiler) text(s string) {
	if s == holeEvent {
		s = c.event
	}
	if slices.Contains(c.holes, s) {
		c.out = append(c.out, part{hole: s, alone: true})
		return
	}
	c.literal(`"`)
	c.inside(s, escaped)
	c.literal(`"`)
}

// inside adds text with holes in it.
func (c *compiler) inside(s string, escape func(string) string) {
	if !utf8.ValidString(s) && c.err == nil {
		c.err = &refusal{value: s, want: "UTF-8"}
	}
	start := 0
	for _, at := range placeholder.FindAllStringIndex(s, -1) {
		hole := s[at[0]:at[1]]
		c.literal(escape(s[start:at[0]]))
		start = at[1]
		switch {
		case hole == holeEvent && c.event != "":
			c.literal(escape(c.event))
		case slices.Contains(c.holes, hole):
			c.out = append(c.out, part{hole: hole})
		case c.err == nil:
			c.err = &refusal{value: hole, want: fmt.Sprintf("no placeholder but %s, not %s", strings.Join(c.holes, " and "), hole)}
		}
	}
	c.literal(escape(s[start:]))
}

// literal adds text to the last part, if that is a literal too.
func (c *compiler) literal(s string) {
	if n := len(c.out); n > 0 && c.out[n-1].hole == "" {
		c.out[n-1].literal = append(c.out[n-1].literal, s...)
	} else if s != "" {
		c.out = append(c.out, part{literal: []byte(s)})
	}
}

func escaped(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can
	return strings.TrimSuffix(b.String(), "\n")[1 : b.Len()-2]
}
