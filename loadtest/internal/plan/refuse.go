package plan

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// refusal is a part of a plan that cannot be. Its key is as in a file, such as
// groups[0].cut.share; who knows where the plan comes from adds that.
type refusal struct {
	key   string
	value string // as it was written, if that is known, else as it was understood
	want  string // what is allowed
	line  int    // in the file. 0: not known
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s: %q: want %s", r.key, shown(r.value), r.want)
}

// refuse says that a value is not allowed at key.
func refuse(key string, value any, format string, args ...any) error {
	return &refusal{key: key, value: fmt.Sprint(value), want: fmt.Sprintf(format, args...)}
}

// mostShown keeps a line readable whatever was given.
const mostShown = 80

func shown(value string) string {
	if len(value) <= mostShown {
		return value
	}
	cut := mostShown
	for cut > 0 && !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut] + "…"
}

// located adds to a refusal where its key is in a file: the line of the key, or of
// what it is within.
func located(err error, file string, lines map[string]int) error {
	var r *refusal
	if !errors.As(err, &r) {
		return fmt.Errorf("%s: %w", file, err)
	}
	line := r.line
	for key := r.key; line == 0 && key != ""; key = parent(key) {
		line = lines[key]
	}
	if line == 0 {
		return fmt.Errorf("%s: %w", file, err)
	}
	return fmt.Errorf("%s:%d: %w", file, line, err)
}

// parent of groups[0].cut.share is groups[0].cut, and so on to "".
func parent(key string) string {
	return key[:max(strings.LastIndexAny(key, ".["), 0)]
}
