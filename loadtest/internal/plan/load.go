package plan

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes bounds a plan's file.
const maxFileBytes = 1 << 20

// Load reads a plan from a YAML file, lets flags replace what is not about its groups
// and phases, fills in what is left out, and checks all of it. Errors are one line
// that names the file, the line, the key or flag, its value and what is allowed.
func Load(path string, flags Flags) (Plan, error) {
	raw, err := readFile(path, maxFileBytes)
	if err != nil {
		return Plan{}, fmt.Errorf("--file=%q: %w; want a YAML file that can be read", path, err)
	}
	return parse(path, raw, flags)
}

// readFile reads a file of so many bytes at most. Its errors do not name it.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(raw)) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return raw, reason(err)
}

// reason is an error without the name of the file, which is told otherwise.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func parse(path string, raw []byte, flags Flags) (Plan, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return Plan{}, fmt.Errorf("--file=%q: %w; want a YAML file", path, err)
	}
	if doc.Kind == 0 { // empty, or nothing but comments
		return Plan{}, fmt.Errorf("--file=%q: nothing in it; want at least groups: [{scenario: chat}]", path)
	}
	var p Plan
	d := decoder{lines: map[string]int{}}
	if err := d.value(doc.Content[0], reflect.ValueOf(&p).Elem(), ""); err != nil {
		return Plan{}, located(err, path, d.lines)
	}
	names, err := flags.onto(&p)
	if err != nil {
		return Plan{}, err
	}
	if err := p.Complete(); err != nil {
		if named := names.named(err); named != nil {
			return Plan{}, named
		}
		return Plan{}, located(err, path, d.lines)
	}
	return p, nil
}
