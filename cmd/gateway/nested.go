package main

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// mapping is the mapping below a key; nil if the key is missing.
func (m *mapping) mapping(key string) *mapping {
	v := m.value(key)
	if v == nil {
		return nil
	}
	return m.below(v, m.full(key), under(m.form, key))
}

// mappings are the items of a list of at most most mappings.
func (m *mapping) mappings(key string, most int) (out []*mapping) {
	v := m.value(key)
	if v == nil {
		return nil
	}
	if v.Kind != yaml.SequenceNode || len(v.Content) > most {
		m.refuse(key, fmt.Sprintf("a list of up to %d, each with keys of its own", most))
		return nil
	}
	for i, item := range v.Content {
		if below := m.below(item, fmt.Sprintf("%s[%d]", m.full(key), i), under(m.form, key)+"[]"); below != nil {
			out = append(out, below)
		}
	}
	return out
}

// named is a mapping below a name that the user has chosen.
type named struct {
	name string
	*mapping
}

// dictionary are the mappings below a key, by names which ok takes. nil if the key is missing.
func (m *mapping) dictionary(key, want string, most int, ok func(name string) bool) []named {
	all := m.mapping(key)
	if all == nil {
		return nil
	}
	return all.byName(want, most, ok)
}

// byName are the mappings below m, whose names ok takes. It takes the place of done.
func (m *mapping) byName(want string, most int, ok func(name string) bool) (out []named) {
	if len(m.names) > most {
		m.doc.fail(m.line, m.key, fmt.Sprintf("a mapping; want up to %d names", most))
	}
	for _, k := range m.names {
		if !ok(k.Value) {
			m.doc.fail(k.Line, m.key, fmt.Sprintf("%q; want %s", shown(k.Value), want))
			continue
		}
		if below := m.below(m.by[k.Value], m.full(k.Value), m.form+".*"); below != nil {
			out = append(out, named{k.Value, below})
		}
	}
	return out
}

// below is the mapping v, whose key is key; nil if it is none.
func (m *mapping) below(v *yaml.Node, key, form string) *mapping {
	if v.Kind == yaml.AliasNode {
		v = v.Alias
	}
	if v.Kind != yaml.MappingNode {
		m.doc.fail(v.Line, key, seenAs(key, v)+"; want keys below it, or {}")
		return nil
	}
	out := m.doc.mapping(key, v)
	out.form = form
	return out
}
