package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a body, and so what clients get: it is what they may send.
const maxDepth = 128

// read reads the body, if the route has one.
func (c *call) read() *problem {
	if c.route.method == http.MethodGet {
		return nil
	}
	if c.r.URL.RawQuery != "" {
		return newProblem(invalid, "a %s takes no query: everything goes into the body", c.route.method)
	}
	if c.r.ContentLength == 0 {
		c.whole = true
		return nil
	}
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return newProblem(wrongType, "send JSON, with the header Content-Type: application/json")
	}
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return newProblem(wrongType, "send the body without Content-Encoding")
	}
	if p := c.readAll(); p != nil {
		return p
	}
	if !utf8.Valid(c.body) {
		return newProblem(invalid, "the body is not UTF-8")
	}
	if depth(c.body) > maxDepth {
		return newProblem(invalid, "the body is nested more than %d levels deep", maxDepth)
	}
	return nil
}

// readAll bounds the size and the time.
func (c *call) readAll() *problem {
	tooMuch := newProblem(tooLarge, "a body has at most %d bytes", c.cfg.MaxBodyBytes)
	if c.r.ContentLength > int64(c.cfg.MaxBodyBytes) {
		return tooMuch
	}
	control := http.NewResponseController(c.w)
	_ = control.SetReadDeadline(time.Now().Add(c.cfg.BodyTimeout)) // a writer without one is a test's
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, int64(c.cfg.MaxBodyBytes)))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooMuch
	case errors.Is(err, os.ErrDeadlineExceeded):
		return newProblem(tooSlow, "it has to come within %v", c.cfg.BodyTimeout)
	case err != nil:
		return newProblem(invalid, "the body could not be read")
	}
	_ = control.SetReadDeadline(time.Time{})
	c.body, c.whole = body, true
	return nil
}

// depth returns how deeply JSON is nested. Of other text it returns some number.
func depth(text []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
