package compare

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// aside are keys of a plan that say nothing about the load: what is watched, what is
// expected, and a number that is another one each time.
var aside = []string{"seed", "expect", "metrics", "pids"}

// expected are keys that may well differ between two servers under the same load.
var expected = []string{"url", "path", "namespace", "header", "auth", "token", "insecure", "events", "sources"}

// secret are those of them whose values stay in the files.
var secret = []string{"header", "auth", "token"}

// configuration lists what differs, and why the results should not be compared.
func configuration(a, b plan.Plan) (rows []Row, reasons []string) {
	left, right := flat(a), flat(b)
	keys := maps.Clone(left)
	maps.Copy(keys, right)
	var load []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		top, _, _ := strings.Cut(strings.ReplaceAll(key, "[", "."), ".")
		if left[key] == right[key] || slices.Contains(aside, top) {
			continue
		}
		row := Row{Name: key, A: or(left[key], "–"), B: or(right[key], "–")}
		if slices.Contains(secret, top) {
			row.A, row.B = "one value", "another"
		}
		rows = append(rows, row)
		if !slices.Contains(expected, top) {
			load = append(load, key)
		}
	}
	if len(load) > 0 {
		reasons = append(reasons, "the load was not the same: "+atMost(load, 6))
	}
	return rows, reasons
}

func incomplete(name string, r *result.Result) []string {
	if r.Ended == "complete" {
		return nil
	}
	return []string{fmt.Sprintf("%s is not complete: %s", name, or(r.Ended, "it did not end"))}
}

// machine compares where the load came from. Memory is left out: it differs by a page
// from one start to the next.
func machine(a, b result.Machine) (rows []Row, reasons []string) {
	for _, f := range []struct{ name, a, b string }{
		{"machine: system", a.OS + "/" + a.Arch, b.OS + "/" + b.Arch},
		{"machine: CPU", a.CPU, b.CPU},
		{"machine: cores", fmt.Sprint(a.Cores), fmt.Sprint(b.Cores)},
	} {
		if f.a != f.b {
			rows = append(rows, Row{Name: f.name, A: f.a, B: f.b})
		}
	}
	if len(rows) > 0 {
		reasons = append(reasons, "the load came from different machines")
	}
	if a.Go != b.Go {
		rows = append(rows, Row{Name: "machine: Go", A: a.Go, B: b.Go})
	}
	return rows, reasons
}

func atMost(names []string, n int) string {
	if len(names) > n {
		return strings.Join(names[:n], ", ") + fmt.Sprintf(" and %d more", len(names)-n)
	}
	return strings.Join(names, ", ")
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// flat lists everything in a plan that is not zero, by its path: groups[0].clients.
func flat(p plan.Plan) map[string]string {
	all := map[string]string{}
	flatten(all, "", reflect.ValueOf(p))
	return all
}

func flatten(into map[string]string, path string, v reflect.Value) {
	if !v.IsValid() || v.IsZero() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		flatten(into, path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			flatten(into, join(path, name), v.Field(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			flatten(into, join(path, key.String()), v.MapIndex(key))
		}
	case reflect.Slice:
		if scalars(v) {
			into[path] = strings.Trim(fmt.Sprint(v.Interface()), "[]")
			return
		}
		for i := range v.Len() {
			flatten(into, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	default:
		into[path] = plain(v)
	}
}

// scalars is whether a list is short to write in one line.
func scalars(v reflect.Value) bool {
	k := v.Type().Elem().Kind()
	return k == reflect.String || k == reflect.Int || k == reflect.Interface
}

func plain(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	return fmt.Sprint(v.Interface())
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
