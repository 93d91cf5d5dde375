package plan

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decoder fills a Plan from YAML. The package's own decoding takes unknown keys below
// the top, numbers as durations, and says less about what it refuses.
type decoder struct {
	lines map[string]int // of the keys met
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	distType     = reflect.TypeFor[Dist]()
	groupType    = reflect.TypeFor[Group]()
)

// value sets v, which is at key, to what n says.
func (d *decoder) value(n *yaml.Node, v reflect.Value, key string) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.lines[key] = n.Line
	switch v.Type() {
	case durationType:
		return d.duration(n, v, key)
	case distType:
		return d.dist(n, v, key)
	case groupType:
		return d.group(n, v, key)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(n, v.Elem(), key)
	case reflect.Struct:
		return d.mapping(n, v, key)
	case reflect.Map:
		return d.dictionary(n, v, key)
	case reflect.Slice:
		return d.list(n, v, key)
	case reflect.Interface:
		return d.anything(n, v, key)
	}
	return d.scalar(n, v, key)
}

// pairs calls each for the keys of a mapping, which are texts, each once.
func (d *decoder) pairs(n *yaml.Node, key string, each func(k, v *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return refusedNode(n, key, "lines of key: value")
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			return refusedNode(k, key, "a name before the colon")
		}
		if seen[k.Value] {
			return refusedNode(k, join(key, k.Value), "each key once")
		}
		seen[k.Value] = true
		if err := each(k, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// mapping sets the fields of a struct that n names, and leaves the others as they are.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, key string) error {
	return d.pairs(n, key, func(k, value *yaml.Node) error {
		field, ok := fieldOf(v, k.Value)
		if !ok {
			return &refusal{key: join(key, k.Value), value: textOf(value), want: "a key that there is: " + strings.Join(keysOf(v.Type()), ", "), line: k.Line}
		}
		return d.value(value, field, join(key, k.Value))
	})
}

// group fills in what the scenario has before it takes what the group says.
func (d *decoder) group(n *yaml.Node, v reflect.Value, key string) error {
	given := map[string]bool{}
	var base Group
	err := d.pairs(n, key, func(k, value *yaml.Node) error {
		given[k.Value] = true
		if k.Value == "scenario" || k.Value == "clients" {
			field, _ := fieldOf(reflect.ValueOf(&base).Elem(), k.Value)
			return d.value(value, field, join(key, k.Value))
		}
		return nil
	})
	if err != nil {
		return err
	}
	g, err := startFrom(base.Scenario, base.Clients, given, key)
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(g))
	if err := d.mapping(n, v, key); err != nil {
		return err
	}
	v.Addr().Interface().(*Group).settle(given)
	return nil
}

func (d *decoder) dictionary(n *yaml.Node, v reflect.Value, key string) error {
	out := reflect.MakeMap(v.Type())
	err := d.pairs(n, key, func(k, value *yaml.Node) error {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(value, item, join(key, k.Value)); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(k.Value), item)
		return nil
	})
	v.Set(out)
	return err
}

// list takes one value, or texts with commas, for a list of them, but not where a
// list is of anything.
func (d *decoder) list(n *yaml.Node, v reflect.Value, key string) error {
	elem := v.Type().Elem().Kind()
	items := n.Content
	switch {
	case n.Kind == yaml.SequenceNode:
	case n.Kind == yaml.ScalarNode && elem == reflect.String && n.ShortTag() == "!!str":
		items = nil
		for s := range strings.SplitSeq(n.Value, ",") {
			items = append(items, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(s), Line: n.Line})
		}
	case n.Kind == yaml.ScalarNode && elem == reflect.Int:
		items = []*yaml.Node{n}
	default:
		return refusedNode(n, key, "a list")
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := d.value(item, out.Index(i), fmt.Sprintf("%s[%d]", key, i)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

// anything is for what is sent as JSON.
func (d *decoder) anything(n *yaml.Node, v reflect.Value, key string) error {
	var out any
	if err := n.Decode(&out); err != nil {
		return refusedNode(n, key, "what JSON can hold")
	}
	if out != nil {
		v.Set(reflect.ValueOf(out))
	}
	return nil
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value, key string) error {
	t, err := time.ParseDuration(n.Value) // "0" is the only one without a unit
	if n.Kind != yaml.ScalarNode || err != nil {
		return refusedNode(n, key, "a duration such as 500ms, 30s or 1m30s")
	}
	v.SetInt(int64(t))
	return nil
}

func (d *decoder) dist(n *yaml.Node, v reflect.Value, key string) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return refusedNode(n, key, "%s", DistSyntax)
	}
	dist, err := ParseDist(n.Value)
	if err != nil {
		return refusedNode(n, key, "%s", strings.TrimPrefix(err.Error(), "want "))
	}
	v.Set(reflect.ValueOf(dist))
	return nil
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, key string) error {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode {
		tag = ""
	}
	switch v.Kind() {
	case reflect.String:
		if tag != "!!str" {
			return refusedNode(n, key, "a text; in quotes if it looks like something else")
		}
		v.SetString(n.Value)
	case reflect.Bool:
		var on bool
		if tag != "!!bool" || n.Decode(&on) != nil {
			return refusedNode(n, key, "true or false")
		}
		v.SetBool(on)
	case reflect.Float64:
		var f float64
		if tag != "!!int" && tag != "!!float" || n.Decode(&f) != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return refusedNode(n, key, "a number")
		}
		v.SetFloat(f)
	case reflect.Uint64:
		u, err := strconv.ParseUint(n.Value, 10, 64)
		if tag != "!!int" || err != nil {
			return refusedNode(n, key, "a whole number, not below 0")
		}
		v.SetUint(u)
	default:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if tag != "!!int" || err != nil {
			return refusedNode(n, key, "a whole number")
		}
		v.SetInt(i)
	}
	return nil
}

// fieldOf is the field of the struct v that has a key.
func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	i := slices.Index(keysOf(v.Type()), key)
	if i < 0 {
		return reflect.Value{}, false
	}
	return v.Field(i), true
}

// keysOf are the keys of a struct's fields, in their order.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() { // those that are not come last
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			keys = append(keys, key)
		}
	}
	return keys
}

func join(key, field string) string {
	if key == "" {
		return field
	}
	return key + "." + field
}

func refusedNode(n *yaml.Node, key, format string, args ...any) error {
	return &refusal{key: key, value: textOf(n), want: fmt.Sprintf(format, args...), line: n.Line}
}

// textOf is a node as a message shows it.
func textOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "{…}"
	case yaml.SequenceNode:
		return "[…]"
	case yaml.AliasNode:
		return "*" + n.Value
	}
	return n.Value
}
