package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// world is a cluster of nodes whose adapters run.
type world struct {
	*testing.T
	nodes   []*node
	markers int
	perRoom bool // see OrderPerRoom
}

func newWorld(t *testing.T, adapters []socketio.Adapter, prepare ...func(n *node)) *world {
	t.Helper()
	w := &world{T: t}
	run := make([]func(ctx context.Context) error, len(adapters))
	for i, a := range adapters {
		n := &node{t: t, tag: fmt.Sprintf("no%02d", i), adapter: a}
		for _, f := range prepare {
			f(n)
		}
		w.nodes = append(w.nodes, n)
		run[i] = func(ctx context.Context) error { return a.Run(ctx, clusterNode{n}) }
	}
	runAll(t, run)
	return w
}

// runAll runs adapters until the test ends.
func runAll(t *testing.T, run []func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, len(run))
	for _, f := range run {
		go func() { ended <- f(ctx) }()
	}
	t.Cleanup(func() {
		cancel()
		for range run {
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run: %v", err)
				}
			case <-time.After(patience):
				t.Error("Run does not end with its context")
			}
		}
	})
}

// everywhere adds a socket of "/" on each node.
func (w *world) everywhere(rooms ...string) (sockets []*socket) {
	w.Helper()
	for _, n := range w.nodes {
		sockets = append(sockets, n.socket("/", rooms...))
	}
	return sockets
}

// settle returns when everything that has been emitted in "/" has arrived: each
// node sends a marker behind it to all, and the markers are waited for. If that is
// not enough, each sends one to each room as well.
func (w *world) settle() {
	w.Helper()
	sockets := w.sockets()
	for _, s := range sockets {
		s.unordered = w.perRoom
	}
	w.mark(sockets)
	if !w.perRoom {
		return
	}
	rooms := make(map[string][]*socket)
	for _, s := range sockets {
		rooms[s.id] = append(rooms[s.id], s)
		for _, room := range s.joined() {
			rooms[room] = append(rooms[room], s)
		}
	}
	for room, members := range rooms {
		w.mark(members, room)
	}
}

// sockets returns all of "/".
func (w *world) sockets() (all []*socket) {
	for _, n := range w.nodes {
		n.mu.Lock()
		all = append(all, n.addressed(socketio.Target{Namespace: "/"})...)
		n.mu.Unlock()
	}
	return all
}

func (s *socket) joined() []string {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	return slices.Clone(s.rooms)
}

// mark has each node emit a marker, and waits until the sockets have got them all.
func (w *world) mark(sockets []*socket, rooms ...string) {
	w.Helper()
	var markers []string
	for _, n := range w.nodes {
		w.markers++
		name := fmt.Sprintf("marker %d", w.markers)
		n.say(name, rooms...)
		markers = append(markers, string(event(name)))
	}
	for _, s := range sockets {
		for _, marker := range markers {
			s.await(marker)
		}
	}
}

// await returns when s has got an event, and takes that away.
func (s *socket) await(event string) {
	s.node.t.Helper()
	deadline := time.After(patience)
	for {
		s.node.mu.Lock()
		at := slices.Index(s.got, event)
		if at >= 0 {
			s.got = slices.Delete(s.got, at, at+1)
		}
		s.node.mu.Unlock()
		if at >= 0 {
			return
		}
		select {
		case <-s.more:
		case <-deadline:
			s.node.t.Fatalf("socket %s has not got %s", s.id, event)
		}
	}
}

// taken returns what s has got since the last call.
func (s *socket) taken() []string {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

// expect checks what s has got. Call settle first.
func (s *socket) expect(names ...string) {
	s.node.t.Helper()
	want := make([]string, len(names))
	for i, name := range names {
		want[i] = string(event(name))
	}
	got := s.taken()
	if s.unordered {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		s.node.t.Errorf("socket %s got %.300q, want %.300q", s.id, got, want)
	}
}
