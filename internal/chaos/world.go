package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/internal/checker"
)

// world is what a run happens in.
type world struct {
	cfg     config
	dir     string // of programs, logs and Redis's data
	gateway string // the program
	redis   *redis
	nodes   []*node
	members []*member
	rec     *checker.Recorder
	began   time.Duration // when the faults began, in the recorder's time
	turn    atomic.Int64  // of the balancer

	mu sync.Mutex
	// Guarded by mu.
	problems []string // what has gone wrong that no fault explains
	timeline []event
}

// open starts Redis, the nodes and the members. close must be called, also after an error.
func (w *world) open(ctx context.Context) error {
	var err error
	if w.dir, err = os.MkdirTemp("", "causeway-chaos-"); err != nil {
		return err
	}
	if err := w.build(ctx); err != nil {
		return err
	}
	w.redis, err = startRedis(w.dir, w.cfg.Fsync, func(err error) { w.problem("Redis ended by itself: %v", err) })
	if err != nil {
		return err
	}
	for i := range w.cfg.Nodes {
		n, err := startNode(w, i)
		if n != nil {
			w.nodes = append(w.nodes, n)
		}
		if err != nil {
			return err
		}
	}
	w.rec = checker.NewRecorder(w.cfg.Clients)
	for i := range w.cfg.Clients {
		m, err := startMember(w, i)
		if m != nil {
			w.members = append(w.members, m)
		}
		if err != nil {
			return fmt.Errorf("client %d: %w", i, err)
		}
	}
	return nil
}

// build makes the gateway, unless there is one.
func (w *world) build(ctx context.Context) error {
	if w.gateway = w.cfg.Gateway; w.gateway != "" {
		return nil
	}
	w.gateway = filepath.Join(w.dir, "gateway")
	args := []string{"build", "-o", w.gateway, "-tags", w.cfg.Tags}
	if w.cfg.Race {
		args = append(args, "-race")
	}
	build := exec.CommandContext(ctx, "go", append(args, "github.com/causeway-rt/causeway/cmd/gateway")...)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return nil
}

// close ends everything that open has started.
func (w *world) close() {
	var all sync.WaitGroup
	for _, m := range w.members {
		all.Go(m.close)
	}
	all.Wait()
	for _, n := range w.nodes {
		all.Go(func() {
			if err := n.close(); err != nil {
				w.problem("%v", err)
			}
		})
	}
	all.Wait()
	if w.redis != nil {
		if err := w.redis.close(); err != nil {
			w.problem("%v", err)
		}
	}
}

func (m *member) close() {
	if m.client != nil {
		_ = m.client.Close() // its farewell is nobody's concern
	}
	m.network.close()
}

func (w *world) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.note("PROBLEM: %s", text)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, text)
}

// note adds a line to the timeline.
func (w *world) note(format string, args ...any) {
	e := event{text: fmt.Sprintf(format, args...)}
	if w.rec != nil {
		e.at = w.rec.Now()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timeline = append(w.timeline, e)
}

// clean removes the directory, unless somebody wants it.
func (w *world) clean(failed bool) error {
	if w.dir == "" || failed || w.cfg.Keep {
		return nil
	}
	return errors.Join(os.RemoveAll(w.dir))
}
