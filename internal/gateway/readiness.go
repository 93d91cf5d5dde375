package gateway

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// readyLook is how often it is looked whether the node is ready.
const readyLook = 500 * time.Millisecond

// readiness tells the log when a node becomes ready, and when it is no more.
type readiness struct {
	health *health
	log    *slog.Logger

	// Owned by run.
	began time.Time // since when it is as it is
	ready bool
}

// run looks until ctx ends.
func (r *readiness) run(ctx context.Context) {
	r.began = time.Now()
	tick := time.NewTicker(readyLook)
	defer tick.Stop()
	for {
		r.look()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look says nothing of a node that is stopping: that it is not ready then has been told.
func (r *readiness) look() {
	if r.health.draining.Load() {
		return
	}
	var failing []string
	for _, c := range r.health.checks {
		if state, ok := c.state(); !ok {
			failing = append(failing, c.name+": "+state)
		}
	}
	if ready := len(failing) == 0; ready == r.ready {
		return
	}
	took := time.Since(r.began)
	r.ready, r.began = !r.ready, time.Now()
	if r.ready {
		r.log.Info("ready", "after", took)
		return
	}
	slices.Sort(failing)
	r.log.Warn("not ready", "checks", strings.Join(failing, ", "), "was_ready", took)
}
