package plan

import (
	"encoding/json"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// set gives the field at path, such as cut.share, the values of a flag. Only lists and
// maps take several.
func set(v reflect.Value, path, key string, values []string) error {
	field, rest, nested := strings.Cut(path, ".")
	f, ok := fieldOf(v, field)
	if !ok {
		panic("no such key: " + key) // flagKeys is wrong, and its test fails
	}
	if nested {
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				f.Set(reflect.New(f.Type().Elem()))
			}
			f = f.Elem()
		}
		return set(f, rest, key, values)
	}
	d := decoder{lines: map[string]int{}}
	switch {
	case key == "auth":
		return setAuth(f, values)
	case f.Kind() == reflect.Map:
		return setPairs(f, values)
	case f.Kind() == reflect.Slice:
		return d.value(sequence(values, f.Type().Elem().Kind() == reflect.String), f, key)
	case len(values) > 1:
		return &refusal{key: key, want: "it once"}
	}
	return d.value(scalar(values[0], f.Kind() == reflect.String), f, key)
}

// scalar is a value as if it stood in a file.
func scalar(value string, isText bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: strings.TrimSpace(value)}
	if isText {
		n.Tag, n.Value = "!!str", value
	}
	return n
}

// sequence splits values at commas too.
func sequence(values []string, areTexts bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			n.Content = append(n.Content, scalar(strings.TrimSpace(item), areTexts))
		}
	}
	return n
}

func setAuth(f reflect.Value, values []string) error {
	var object map[string]any
	if len(values) > 1 || json.Unmarshal([]byte(values[0]), &object) != nil || object == nil {
		return &refusal{want: `one JSON object such as {"token":"{token}"}`}
	}
	f.Set(reflect.ValueOf(object))
	return nil
}

// setPairs adds headers, "Name: value", and claims, name=value.
func setPairs(f reflect.Value, values []string) error {
	sep, want := ":", "a header such as 'X-Client: {client}'"
	if f.Type().Elem().Kind() == reflect.Interface {
		sep, want = "=", "a claim such as sub={client}"
	}
	out := reflect.MakeMap(f.Type())
	for _, k := range f.MapKeys() { // of the file
		out.SetMapIndex(k, f.MapIndex(k))
	}
	for _, pair := range values {
		name, value, ok := strings.Cut(pair, sep)
		if name = strings.TrimSpace(name); !ok || name == "" {
			return &refusal{value: pair, want: want}
		}
		out.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(strings.TrimSpace(value)))
	}
	f.Set(out)
	return nil
}
