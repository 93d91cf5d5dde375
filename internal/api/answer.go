package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// answer is what a request is answered with.
type answer struct {
	status      int
	contentType string
	header      http.Header // more of it, or nil
	body        []byte
	done        bool // see problem
}

// jsonAnswer is a success with a value.
func jsonAnswer(status int, value any) answer {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil { // a value of ours: only what a client sent as JSON can be wrong in it
		return newProblem(internal, "the answer has no JSON: %v", err).answer()
	}
	return answer{status: status, contentType: "application/json", body: body.Bytes(), done: true}
}

// write sends the answer. A backend that went away, or reads too slowly, does not get it.
func (a *answer) write(c *call) {
	h := c.w.Header()
	maps.Copy(h, a.header)
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if c.r.ContentLength != 0 && !c.whole {
		h.Set("Connection", "close") // or net/http would read what is left of the body first, however slow
	}
	control := http.NewResponseController(c.w)
	_ = control.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout)) // a writer without one is a test's
	c.w.WriteHeader(a.status)
	_, _ = c.w.Write(a.body)
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{}) // the next request on the connection has its own
}
