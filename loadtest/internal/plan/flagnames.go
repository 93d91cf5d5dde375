package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// flagsByKey says which flag, and with which value, has set a key.
type flagsByKey map[string]struct{ flag, value string }

func (names flagsByKey) add(key, flag string, values []string) {
	names[key] = struct{ flag, value string }{flag, written(flag, values)}
}

// written is a flag's value for a message. Some may be secret.
func written(flag string, values []string) string {
	if slices.Contains([]string{"auth", "header", "token-claim"}, flag) {
		return "***"
	}
	return shown(withoutPassword(strings.Join(values, ",")))
}

// named puts a flag in the place of the key in a refusal. It is nil if no flag has set
// the key.
func (names flagsByKey) named(err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return nil
	}
	for key := r.key; key != ""; key = parent(key) {
		if f, ok := names[key]; ok {
			return fmt.Errorf("--%s=%q: want %s", f.flag, f.value, r.want)
		}
	}
	return nil
}

// orFlag is named, or names the flag that would have set the key.
func (names flagsByKey) orFlag(err error) error {
	if named := names.named(err); named != nil {
		return named
	}
	var r *refusal
	if errors.As(err, &r) {
		for _, f := range flagKeys {
			if f.key == r.key {
				return fmt.Errorf("--%s=%q: want %s", f.flag, shown(r.value), r.want)
			}
		}
	}
	return err
}

func flagError(flag string, values []string, err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return fmt.Errorf("--%s=%q: want %s", flag, written(flag, values), r.want)
}
