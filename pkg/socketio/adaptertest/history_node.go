package adaptertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// historyNode is a node whose namespaces have recovery.
type historyNode struct {
	clusterNode
	history socketio.HistoryAdapter
	window  time.Duration

	mu sync.Mutex
	// Guarded by mu.
	positions map[string]socketio.Offset
	delivered map[string][]line // by namespace: all that was delivered here
	taken     []string
	missed    int
	more      chan struct{} // replaced when anything happens
}

// line is an event with its place.
type line struct {
	at   socketio.Offset
	text string
}

func (n *historyNode) Recovery(string) socketio.Recovery {
	return socketio.Recovery{Window: n.window, MaxEvents: 1000, MaxBytes: 1 << 20}
}

func (n *historyNode) DeliverRecorded(b *socketio.Broadcast, at socketio.Offset) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !at.After(n.positions[b.Namespace]) {
		return socketio.ErrRepeated
	}
	n.positions[b.Namespace] = at
	n.delivered[b.Namespace] = append(n.delivered[b.Namespace], line{at, describe(b)})
	n.happened()
	return n.Deliver(b)
}

// happened needs mu.
func (n *historyNode) happened() {
	close(n.more)
	n.more = make(chan struct{})
}

func (n *historyNode) Position(namespace string) socketio.Offset {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.positions[namespace]
}

func (n *historyNode) Advance(namespace string, at socketio.Offset) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.After(n.positions[namespace]) {
		n.positions[namespace] = at
		n.happened()
	}
}

func (n *historyNode) Taken(namespace, pid string, epoch uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.taken = append(n.taken, fmt.Sprint(namespace, " ", pid, " ", epoch))
	n.happened()
}

func (n *historyNode) Missed(namespace string, at socketio.Offset, _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.missed++
	n.positions[namespace] = at
	n.happened()
}

func (n *historyNode) Resave() {}

// until waits until cond, which is called with mu held, holds.
func (n *historyNode) until(what string, cond func() bool) {
	n.t.Helper()
	deadline := time.After(patience)
	for {
		n.mu.Lock()
		ok, more := cond(), n.more
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-more:
		case <-deadline:
			n.t.Fatalf("%s: not within %v: %s", n.tag, patience, what)
		}
	}
}

// record emits by the history.
func (n *historyNode) record(b socketio.Broadcast) {
	n.t.Helper()
	if b.Namespace == "" {
		b.Namespace = "/"
	}
	if err := n.history.Record(&b); err != nil {
		n.t.Errorf("%s: record %.100s: %v", n.tag, b.Data, err)
	}
}

// head returns the head of the history of "/", by way of a session that is dropped.
func (n *historyNode) head() socketio.Offset {
	n.t.Helper()
	s := newSession()
	head := n.save(s)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.history.Release(ctx, s, false); err != nil {
		n.t.Error(err)
	}
	return head
}

func (n *historyNode) save(s *socketio.SavedSession) (head socketio.Offset) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	head, err := n.history.Save(ctx, s)
	if err != nil {
		n.t.Fatalf("%s: save: %v", n.tag, err)
	}
	return head
}

// read returns what lies behind after in "/".
func (n *historyNode) read(after socketio.Offset) (lines []line, head socketio.Offset, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	head, err = n.history.Read(ctx, "/", after, func(b *socketio.Broadcast, at socketio.Offset) bool {
		lines = append(lines, line{at, fmt.Sprintf("%s %q %q", describe(b), b.Rooms, b.Except)})
		return true
	})
	return lines, head, err
}

// historyWorld is a cluster of them.
type historyWorld struct {
	*testing.T
	nodes []*historyNode
}

func newHistoryWorld(t *testing.T, adapters []socketio.Adapter, window time.Duration) *historyWorld {
	t.Helper()
	w := &historyWorld{T: t}
	run := make([]func(ctx context.Context) error, len(adapters))
	for i, a := range adapters {
		n := &historyNode{
			clusterNode: clusterNode{&node{t: t, tag: fmt.Sprintf("no%02d", i), adapter: a}}, window: window, more: make(chan struct{}),
			positions: make(map[string]socketio.Offset), delivered: make(map[string][]line),
		}
		var ok bool
		if n.history, ok = a.(socketio.HistoryAdapter); !ok {
			t.Fatalf("%T is no HistoryAdapter", a)
		}
		w.nodes = append(w.nodes, n)
		run[i] = func(ctx context.Context) error { return a.Run(ctx, n) }
	}
	runAll(t, run)
	for _, n := range w.nodes {
		n.socket("/", "red")
	}
	return w
}
