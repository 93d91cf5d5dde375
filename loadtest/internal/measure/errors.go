package measure

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// What a server can make us keep of its errors.
const (
	maxClasses      = 64
	maxClassBytes   = 80
	maxExampleBytes = 300

	// Other is the class of errors that came when there were already enough classes.
	Other = "other"
)

// errorClasses counts errors by class.
type errorClasses struct {
	mu sync.Mutex
	// Guarded by mu.
	byClass map[string]*result.ErrorClass
}

// Error counts an error of a class, as "connect: refused". err is an example, of which
// the first of a class is kept; nil is no example. Texts are cut and cleaned of
// control characters: they may be a server's. When there are 64 classes, others are
// counted together.
func (r *Recorder) Error(class string, err error) {
	r.errors.count(class, err, r.start)
}

func (e *errorClasses) count(class string, err error, start time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.byClass[class]; c != nil {
		c.Count++
		return
	}
	class = clean(class, maxClassBytes)
	if len(e.byClass) >= maxClasses && e.byClass[class] == nil {
		class = Other
	}
	if c := e.byClass[class]; c != nil {
		c.Count++
		return
	}
	c := &result.ErrorClass{Class: class, Count: 1, First: time.Since(start).Seconds()}
	if err != nil {
		c.Example = clean(err.Error(), maxExampleBytes)
	}
	if e.byClass == nil {
		e.byClass = map[string]*result.ErrorClass{}
	}
	e.byClass[class] = c
}

// list returns the classes, the most frequent first.
func (e *errorClasses) list() []result.ErrorClass {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []result.ErrorClass
	for _, c := range e.byClass {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b result.ErrorClass) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class))
	})
	return out
}

// clean cuts s to so many bytes and replaces what a terminal would take for commands.
func clean(s string, limit int) string {
	cut := len(s) > limit
	if cut {
		s = s[:limit]
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if cut {
		s += "…"
	}
	return s
}
