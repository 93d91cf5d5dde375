package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// document is a file that is being read, with the mistake that was found first.
type document struct {
	path string
	err  error
	// found and missing are the keys that were asked for, with [] for an index and * for
	// a name: what there is to say, for the test of the example.
	found, missing []string
}

// fail records a mistake, unless there was one before.
func (d *document) fail(line int, key, what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%s:%d: %s: %s", d.path, line, key, what)
	}
}

// mapping is a mapping of the file: keys with values. Its methods return the value of one
// key, zero or nil when it is missing or wrong; what is wrong is kept in the document.
// Whoever reads a mapping asks for each key that there may be, and then calls done.
type mapping struct {
	doc   *document
	key   string // its own, such as access.keys[0]; empty for the whole file
	form  string // its key as document.found has it
	line  int
	names []*yaml.Node
	by    map[string]*yaml.Node
	asked []string
}

func (d *document) mapping(key string, n *yaml.Node) *mapping {
	m := &mapping{doc: d, key: key, form: key, line: n.Line, by: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		if k.Kind != yaml.ScalarNode {
			d.fail(k.Line, cmp.Or(key, "top"), kindOf(k)+" as a key; want text")
			continue
		}
		if m.by[k.Value] != nil {
			d.fail(k.Line, m.full(k.Value), strconv.Quote(shownFor(k.Value, v.Value))+": given twice; want each key once")
		}
		m.names = append(m.names, k)
		m.by[k.Value] = v
	}
	return m
}

// full is a key as a message names it.
func (m *mapping) full(key string) string { return under(m.key, key) }

func under(parent, key string) string {
	if parent == "" {
		return key
	}
	return parent + "." + key
}

// value asks for a key.
func (m *mapping) value(key string) *yaml.Node {
	if !slices.Contains(m.asked, key) {
		m.asked = append(m.asked, key)
		if form := under(m.form, key); m.by[key] != nil {
			m.doc.found = append(m.doc.found, form)
		} else {
			m.doc.missing = append(m.doc.missing, form)
		}
	}
	return m.by[key]
}

// has reports whether a key is there. It does not ask for it.
func (m *mapping) has(key string) bool { return m.by[key] != nil }

// done refuses the keys that nobody has asked for.
func (m *mapping) done() {
	for _, k := range m.names {
		if !slices.Contains(m.asked, k.Value) {
			m.doc.fail(k.Line, m.full(k.Value), fmt.Sprintf("%q: unknown key; allowed: %s", shownFor(k.Value, m.by[k.Value].Value), strings.Join(m.asked, ", ")))
		}
	}
}

// refuse says that the value of a key is not what is wanted. A missing key counts as
// nothing, on the line of the mapping.
func (m *mapping) refuse(key, want string) {
	v := m.by[key]
	if v == nil {
		m.doc.fail(m.line, m.full(key), "missing; want "+want)
		return
	}
	m.doc.fail(v.Line, m.full(key), seenAs(key, v)+"; want "+want)
}

// seenAs is kindOf for the value of a key that may be a secret.
func seenAs(key string, v *yaml.Node) string {
	if v.Kind == yaml.ScalarNode && isSecret(key[strings.LastIndexByte(key, '.')+1:]) {
		return `"***"`
	}
	return kindOf(v)
}

// text is a text that ok takes.
func (m *mapping) text(key, want string, ok func(string) bool) string {
	v := m.value(key)
	if v == nil {
		return ""
	}
	if v.Kind != yaml.ScalarNode || v.Tag != "!!str" || !ok(v.Value) {
		m.refuse(key, want)
		return ""
	}
	return v.Value
}

// texts is a list of at most most texts, each of which ok takes.
func (m *mapping) texts(key, want string, most int, ok func(string) bool) []string {
	v := m.value(key)
	if v == nil {
		return nil
	}
	if v.Kind != yaml.SequenceNode || len(v.Content) > most {
		m.refuse(key, fmt.Sprintf("a list of up to %d texts, each %s", most, want))
		return nil
	}
	out := make([]string, len(v.Content))
	for i, item := range v.Content {
		if item.Kind != yaml.ScalarNode || item.Tag != "!!str" || !ok(item.Value) {
			m.doc.fail(item.Line, fmt.Sprintf("%s[%d]", m.full(key), i), seenAs(key, item)+"; want "+want)
			return nil
		}
		out[i] = item.Value
	}
	return out
}

// number is a whole number from least to most; unset if the key is missing.
func (m *mapping) number(key string, unset, least, most int) int {
	v := m.value(key)
	if v == nil {
		return unset
	}
	var n int
	if v.Kind != yaml.ScalarNode || v.Tag != "!!int" || v.Decode(&n) != nil || n < least || n > most {
		m.refuse(key, fmt.Sprintf("a whole number from %d to %d", least, most))
		return unset
	}
	return n
}

// duration is a duration from least to most; unset if the key is missing.
func (m *mapping) duration(key string, unset, least, most time.Duration) time.Duration {
	v := m.value(key)
	if v == nil {
		return unset
	}
	d, err := time.ParseDuration(v.Value)
	if v.Kind != yaml.ScalarNode || v.Tag != "!!str" || err != nil || d < least || d > most {
		m.refuse(key, fmt.Sprintf("a duration such as 500ms, 25s or 1m30s, from %v to %v", least, most))
		return unset
	}
	return d
}

// toggle is true or false; false if the key is missing.
func (m *mapping) toggle(key string) (on bool) {
	v := m.value(key)
	if v != nil && (v.Kind != yaml.ScalarNode || v.Tag != "!!bool" || v.Decode(&on) != nil) {
		m.refuse(key, "true or false")
	}
	return on
}
