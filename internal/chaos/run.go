package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/internal/checker"
)

// result is what came of a run.
type result struct {
	history  *checker.History
	verdict  *checker.Verdict
	problems []string
	timeline []event
	faults   map[kind]int
	counts   map[string]float64 // of all nodes together
	dir      string             // the logs
}

// run makes a run. An error says that it could not be made.
func run(ctx context.Context, cfg config, progress io.Writer) (*result, error) {
	w := &world{cfg: cfg}
	err := w.open(ctx)
	r := &result{dir: w.dir, faults: map[kind]int{}, counts: map[string]float64{}}
	if err == nil {
		w.live(ctx, r, progress)
		r.history = w.rec.History() // before the clients leave
		r.history.Offsets = cfg.Recovery > 0
		err = ctx.Err()
	}
	w.close()
	for _, n := range w.nodes {
		n.counts.addTo(r.counts)
	}
	if err == nil {
		r.verdict = checker.Judge(r.history)
		w.expectRecoveries(r.verdict)
	}
	r.problems, r.timeline = w.problems, w.timeline
	if cleanErr := w.clean(err == nil && r.failed()); err == nil {
		err = cleanErr
	}
	return r, err
}

func (r *result) failed() bool { return len(r.problems) > 0 || !r.verdict.OK() }

// expectRecoveries makes a run a failure in which nothing was put to the test.
func (w *world) expectRecoveries(v *checker.Verdict) {
	if v.Acknowledged == 0 || v.Got == 0 {
		w.problem("%d messages were acknowledged, and %d expected ones came: there was nothing to judge", v.Acknowledged, v.Got)
	}
	again := v.Recovered + len(v.Announcements)
	if share := float64(v.Recovered) / float64(max(again, 1)); again > 0 && share < w.cfg.MinRecovered {
		w.problem("%d of %d connections were recovered, less than %g", v.Recovered, again, w.cfg.MinRecovered)
	}
}

// live is the run from the first fault to the quiet end.
func (w *world) live(ctx context.Context, r *result, progress io.Writer) {
	ctx, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer end()
	quiet := make(chan struct{})
	for _, m := range w.members {
		all.Go(func() { m.live(ctx, w.cfg, quiet) })
	}
	for _, n := range w.nodes {
		all.Go(func() { n.watch(ctx) })
	}
	faults := plan(w.cfg)
	for _, f := range faults {
		r.faults[f.Kind]++
	}
	w.began = w.rec.Now()
	fmt.Fprintf(progress, "seed %d: %d clients, %d nodes, %d faults in %v\n", w.cfg.Seed, w.cfg.Clients, w.cfg.Nodes, len(faults), w.cfg.Duration)
	w.breakThings(ctx, faults)
	w.sleep(ctx, w.cfg.Duration-w.rec.Now()+w.began)
	close(quiet)
	w.note("the quiet end begins")
	w.quietEnd(ctx)
	w.note("the quiet end is over")
}

// watch looks at a node's counters now and then.
func (n *node) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
			if n.mu.TryLock() {
				n.look()
				n.mu.Unlock()
			}
		}
	}
}

// quietEnd waits until everybody is where it wants to be, and until a last message in each room
// has reached all its members.
func (w *world) quietEnd(ctx context.Context) {
	w.until(ctx, "clients are not back in their rooms", func() (missing int) {
		for _, m := range w.members {
			if !m.settled() {
				missing++
			}
		}
		return missing
	})
	for _, m := range w.members {
		if up, failed := m.state(); !up {
			w.note("client %d is away; its last attempt: %v", m.number, failed)
		}
	}
	markers := w.sendMarkers(ctx)
	w.until(ctx, "last messages have not come", func() (missing int) {
		for _, m := range w.members {
			missing += m.misses(markers)
		}
		return missing
	})
}

// until waits until nothing is missing, or it takes too long. Then the history tells what it means.
func (w *world) until(ctx context.Context, what string, missing func() int) {
	deadline := time.Now().Add(w.cfg.Quiet)
	for n := missing(); n > 0; n = missing() {
		if time.Now().After(deadline) {
			w.note("after %v, %d %s", w.cfg.Quiet, n, what)
			return
		}
		if !w.sleep(ctx, 20*time.Millisecond) {
			return
		}
	}
}

// sendMarkers sends two last messages to each room, by different members: nobody gets its own.
func (w *world) sendMarkers(ctx context.Context) map[string][]checker.ID {
	var mu sync.Mutex
	markers := map[string][]checker.ID{} // acknowledged ones
	answers := 0
	senders := map[string]int{}
	for _, m := range w.members {
		for _, room := range m.stays() {
			if senders[room]++; senders[room] > 2 {
				continue
			}
			m.publish(room, marker, func(id checker.ID, o checker.Outcome) {
				mu.Lock()
				defer mu.Unlock()
				if answers++; o == checker.Acknowledged {
					markers[room] = append(markers[room], id)
				} else {
					w.note("a last message to %s: %s", room, o)
				}
			})
		}
	}
	w.until(ctx, "last messages were not answered", func() int {
		mu.Lock()
		defer mu.Unlock()
		sent := 0
		for _, n := range senders {
			sent += min(n, 2)
		}
		return sent - answers
	})
	mu.Lock()
	defer mu.Unlock()
	return markers
}

// stays are the rooms that the member is in.
func (m *member) stays() (rooms []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for room, s := range m.rooms {
		if s.in {
			rooms = append(rooms, room)
		}
	}
	return rooms
}
