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

// readFile returns the settings in a YAML file as the text that a flag would
// have, by flag name. name is what named the file, for messages.
func readFile(name, path string, settings []*kong.Flag) (map[string]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("%s=%q: %w; want a YAML file that can be read", name, path, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%s=%q: %w; want a YAML file", name, path, err)
	}
	if doc.Kind == 0 { // empty, or nothing but comments
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: %s; want lines such as max_queue: 1048576", path, root.Line, kindOf(root))
	}
	out := map[string]string{}
	for i := 0; i < len(root.Content); i += 2 {
		k, v := root.Content[i], root.Content[i+1]
		at := slices.IndexFunc(settings, func(f *kong.Flag) bool { return key(f.Name) == k.Value })
		if at < 0 {
			return nil, fmt.Errorf("%s:%d: %s: %s: unknown key; allowed: %s", path, k.Line, k.Value, strconv.Quote(shownFor(k.Value, v.Value)), list(settings, key))
		}
		flag := settings[at].Name
		if _, twice := out[flag]; twice {
			return nil, fmt.Errorf("%s:%d: %s: %s: given twice; want each key once", path, k.Line, k.Value, strconv.Quote(shownFor(k.Value, v.Value)))
		}
		if out[flag], err = textOf(flag, v); err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", path, v.Line, k.Value, err)
		}
	}
	return out, nil
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
	if v.Kind == yaml.AliasNode {
		v = v.Alias
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
