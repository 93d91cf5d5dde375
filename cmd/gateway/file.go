package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// file is what a YAML file says.
type file struct {
	texts    map[string]string // of settings that are flags as well, as a flag would have them, by flag name
	sections map[string]*mapping
	doc      *document
}

// readFile reads a YAML file as far as its keys: what a section has below it is left to
// its reader. name is what named the file, for messages.
func readFile(name, path string, settings []*kong.Flag, sections []section) (*file, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s=%q: %w; want a YAML file that can be read", name, path, withoutPath(err))
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("%s=%q: %w; want a YAML file", name, path, err)
	}
	f := &file{texts: map[string]string{}, sections: map[string]*mapping{}, doc: &document{path: path}}
	if tree.Kind == 0 { // empty, or nothing but comments
		return f, nil
	}
	root := tree.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: %s; want lines such as max_queue: 1048576", path, root.Line, kindOf(root))
	}
	m := f.doc.mapping("", root)
	for _, setting := range settings {
		if v := m.value(key(setting.Name)); v != nil {
			text, err := textOf(setting.Name, v)
			if err != nil {
				f.doc.fail(v.Line, key(setting.Name), err.Error())
			}
			f.texts[setting.Name] = text
		}
	}
	for _, s := range sections {
		if below := m.mapping(s.key); below != nil {
			f.sections[s.key] = below
		}
	}
	m.done()
	return f, f.doc.err
}

// withoutPath is an error of the file system without the path, which the message has.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// textOf returns a value of the file as a flag would spell it, if it has the
// type that the setting takes.
func textOf(flag string, v *yaml.Node) (string, error) {
	want, tag := "text", "!!str"
	switch {
	case flag == "dev":
		want, tag = "true or false", "!!bool"
	case slices.Contains(wholeNumbers, flag):
		want, tag = "a whole number", "!!int"
	case slices.Contains(lists, flag):
		want = "a list of texts, or one text with commas"
	}
	switch {
	case v.Kind == yaml.SequenceNode && slices.Contains(lists, flag):
		return joined(v)
	case (v.Kind != yaml.ScalarNode || v.Tag != tag) && secretName.MatchString(flag):
		return "", fmt.Errorf("not a text; want %s in quotes", want)
	case v.Kind != yaml.ScalarNode || v.Tag != tag:
		return "", fmt.Errorf("%s; want %s", kindOf(v), want)
	case tag == "!!int":
		var n int64
		if err := v.Decode(&n); err != nil {
			return "", fmt.Errorf("%s; want %s", kindOf(v), want)
		}
		return strconv.FormatInt(n, 10), nil
	}
	return v.Value, nil
}

func joined(v *yaml.Node) (string, error) {
	parts := make([]string, len(v.Content))
	for i, item := range v.Content {
		if item.Kind != yaml.ScalarNode || item.Tag != "!!str" || strings.Contains(item.Value, ",") {
			return "", fmt.Errorf("item %d is %s; want a text without commas", i+1, kindOf(item))
		}
		parts[i] = item.Value
	}
	return strings.Join(parts, ","), nil
}

// kindOf names a value of the file in a message, with the value if it is short enough to be one.
func kindOf(v *yaml.Node) string {
	switch v.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	names := map[string]string{"!!str": "text", "!!int": "number", "!!float": "number", "!!bool": "truth value", "!!null": "nothing"}
	name := names[v.Tag]
	if name == "" {
		name = strings.TrimPrefix(v.Tag, "!!")
	}
	return fmt.Sprintf("%q (%s)", shown(v.Value), name)
}
