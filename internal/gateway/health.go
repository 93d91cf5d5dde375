package gateway

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// health says whether the node should live and whether it should get clients.
// Its methods may be called from any goroutine.
type health struct {
	draining atomic.Bool
	checks   []check // immutable
}

// check is one condition of being ready.
type check struct {
	name  string
	state func() (state string, ready bool)
}

// newHealth begins with the check that this node is not going away.
func newHealth(more ...check) *health {
	h := &health{}
	h.checks = append([]check{{"drain", func() (string, bool) {
		if h.draining.Load() {
			return "draining", false
		}
		return "ok", true
	}}}, more...)
	return h
}

// report is the body of an answer.
type report struct {
	Status string            `json:"status"` // ok or unavailable
	Checks map[string]string `json:"checks"`
}

// live answers as long as the process can: a node that is draining, or that has
// lost Redis, must not be killed for it.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	answer(w, true, map[string]string{"process": "ok"})
}

func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	states := make(map[string]string, len(h.checks))
	all := true
	for _, c := range h.checks {
		state, ok := c.state()
		states[c.name] = state
		all = all && ok
	}
	answer(w, all, states)
}

func answer(w http.ResponseWriter, ok bool, checks map[string]string) {
	status, code := "ok", http.StatusOK
	if !ok {
		status, code = "unavailable", http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(report{status, checks}) // who asked has gone
}
