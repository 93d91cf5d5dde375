package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// historyNode is a testNode with histories. It keeps what happens to it as lines, in order.
type historyNode struct {
	*testNode
	window time.Duration

	histMu sync.Mutex
	// Guarded by histMu.
	at       map[string]socketio.Offset
	recorded []recorded
	missed   []error
	taken    []string
	resaved  int
	stalled  chan struct{} // DeliverRecorded waits until it is closed; nil: it does not
}

type recorded struct {
	b  *socketio.Broadcast
	at socketio.Offset
}

var _ socketio.HistoryNode = (*historyNode)(nil)

func (n *historyNode) Recovery(string) socketio.Recovery {
	return socketio.Recovery{Window: n.window, MaxEvents: 1000, MaxBytes: 1 << 20}
}

func (n *historyNode) DeliverRecorded(b *socketio.Broadcast, at socketio.Offset) error {
	n.histMu.Lock()
	stalled := n.stalled
	n.histMu.Unlock()
	if stalled != nil {
		<-stalled
	}
	n.histMu.Lock()
	defer n.histMu.Unlock()
	if !at.After(n.at[b.Namespace]) {
		return socketio.ErrRepeated
	}
	n.at[b.Namespace] = at
	n.recorded = append(n.recorded, recorded{b, at})
	return nil
}

func (n *historyNode) Position(namespace string) socketio.Offset {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	return n.at[namespace]
}

func (n *historyNode) Advance(namespace string, at socketio.Offset) {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	if at.After(n.at[namespace]) {
		n.at[namespace] = at
	}
}

func (n *historyNode) Taken(namespace, pid string, epoch uint64) {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	n.taken = append(n.taken, fmt.Sprint(namespace, " ", pid, " ", epoch))
}

func (n *historyNode) Missed(namespace string, at socketio.Offset, cause error) {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	n.at[namespace] = at
	n.missed = append(n.missed, cause)
}

func (n *historyNode) Resave() {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	n.resaved++
}

func (n *historyNode) events() []recorded {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	return slices.Clone(n.recorded)
}

func (n *historyNode) losses() []error {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	return slices.Clone(n.missed)
}

// stall makes DeliverRecorded wait until release is called.
func (n *historyNode) stall() (release func()) {
	stalled := make(chan struct{})
	n.histMu.Lock()
	defer n.histMu.Unlock()
	n.stalled = stalled
	return func() {
		n.histMu.Lock()
		defer n.histMu.Unlock()
		n.stalled = nil
		close(stalled)
	}
}

// historian is an adapter that runs for a historyNode.
type historian struct {
	socketio.HistoryAdapter
	bus  testedAdapter
	node *historyNode
	t    testing.TB
	stop func()
}

// testWindow is long enough that nothing is forgotten in a test, unless that is what it is about.
const testWindow = time.Minute

func startHistorian(t testing.TB, cfg Config, tag string, window time.Duration) *historian {
	t.Helper()
	bus, err := newTested(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &historian{
		HistoryAdapter: bus.(socketio.HistoryAdapter), bus: bus, t: t,
		node: &historyNode{testNode: newTestNode(tag), window: window, at: map[string]socketio.Offset{}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- bus.Run(ctx, h.node) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, bus.Close()); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// historians are n nodes of one cluster that serve a namespace and a room in it.
func historians(t testing.TB, cfg Config, n int) (list []*historian) {
	t.Helper()
	if cfg.Prefix == "" {
		cfg.Prefix = redistest.Prefix(t)
	}
	for i := range n {
		h := startHistorian(t, cfg, fmt.Sprintf("tag%d", i), testWindow)
		h.join("/", "", "room")
		list = append(list, h)
	}
	return list
}

func (h *historian) join(namespace string, rooms ...string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	for _, room := range rooms {
		if err := h.Join(ctx, namespace, room); err != nil {
			h.t.Fatalf("join %q %q: %v", namespace, room, err)
		}
		if room != "" {
			h.node.mu.Lock()
			h.node.rooms[namespace] = append(h.node.rooms[namespace], room)
			h.node.mu.Unlock()
		}
	}
}

// record records an event and waits for what becomes of it.
func (h *historian) record(b *socketio.Broadcast) error {
	h.t.Helper()
	told := make(chan error, 1)
	c := *b
	c.Confirm = func(err error) { told <- err }
	if err := h.Record(&c); err != nil {
		return err
	}
	select {
	case err := <-told:
		return err
	case <-time.After(3 * waitLimit):
		h.t.Fatal("nothing was said of an event")
		return nil
	}
}

func (h *historian) mustRecord(b *socketio.Broadcast) {
	h.t.Helper()
	if err := h.record(b); err != nil {
		h.t.Fatalf("record: %v", err)
	}
}

// got waits until a node has been given n events, and returns their data.
func (h *historian) got(n int) (data []string) {
	h.t.Helper()
	deadline := time.Now().Add(waitLimit)
	for len(h.node.events()) < n {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s has %d events, not %d: %+v, %v", h.node.tag, len(h.node.events()), n, h.bus.Stats(), h.node.losses())
		}
		time.Sleep(2 * time.Millisecond)
	}
	for _, r := range h.node.events() {
		data = append(data, string(r.b.Data))
	}
	return data
}

// read returns the data of what a history has behind after.
func (h *historian) read(namespace string, after socketio.Offset) (data []string, head socketio.Offset, err error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	head, err = h.Read(ctx, namespace, after, func(b *socketio.Broadcast, _ socketio.Offset) bool {
		data = append(data, string(b.Data))
		return true
	})
	return data, head, err
}

// withBothHistories runs a test with each of the adapters.
func withBothHistories(t *testing.T, f func(t *testing.T, cfg Config)) {
	for name, mode := range map[string]SubscriptionMode{"classic": "", "sharded": Dynamic} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, Config{SubscriptionMode: mode, Linger: 50 * time.Millisecond})
		})
	}
}
