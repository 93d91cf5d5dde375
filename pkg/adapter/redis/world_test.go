package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// waitLimit is how long a test waits for what must happen.
const waitLimit = 10 * time.Second

// testNode is a server with sockets and rooms, but no clients: it keeps what it is to
// deliver.
type testNode struct {
	asked

	tag       string
	delivered chan *socketio.Broadcast

	mu      sync.Mutex
	sockets map[string]bool     // namespace + " " + id
	rooms   map[string][]string // by namespace
	refuse  error
	blocked chan struct{} // Deliver waits until it is closed; nil: it does not
}

func newTestNode(tag string) *testNode {
	return &testNode{tag: tag, delivered: make(chan *socketio.Broadcast, 10000), sockets: map[string]bool{}, rooms: map[string][]string{}}
}

func (n *testNode) Tag() string { return n.tag }

// block makes Deliver wait until release is called.
func (n *testNode) block() (release func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	blocked := make(chan struct{})
	n.blocked = blocked
	return func() { close(blocked) }
}

func (n *testNode) Deliver(b *socketio.Broadcast) error {
	n.mu.Lock()
	blocked := n.blocked
	n.mu.Unlock()
	if blocked != nil {
		<-blocked
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		return n.refuse
	}
	if string(b.Data) == `["panic"]` {
		panic("asked for")
	}
	n.delivered <- b
	return nil
}

func (n *testNode) HasSocket(namespace, id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sockets[namespace+" "+id]
}

func (n *testNode) Rooms(f func(namespace, room string)) {
	n.mu.Lock()
	rooms := map[string][]string{}
	for ns, list := range n.rooms {
		rooms[ns] = slices.Clone(list)
	}
	n.mu.Unlock()
	for ns, list := range rooms {
		f(ns, "")
		for _, room := range list {
			f(ns, room)
		}
	}
}

// member is an adapter that runs for a test node.
type member struct {
	*Adapter               // nil if it is a sharded one
	bus      testedAdapter // either
	node     *testNode
	t        testing.TB
	stop     func()
}

func (m *member) Join(ctx context.Context, namespace, room string) error {
	return m.bus.Join(ctx, namespace, room)
}

func (m *member) Leave(ctx context.Context, namespace, room string) error {
	return m.bus.Leave(ctx, namespace, room)
}

func (m *member) Broadcast(ctx context.Context, b *socketio.Broadcast, deliver func()) error {
	return m.bus.Broadcast(ctx, b, deliver)
}

func (m *member) Healthy() bool { return m.bus.Healthy() }
func (m *member) Stats() Stats  { return m.bus.Stats() }

// start runs an adapter until the test ends or its stop is called.
func start(t testing.TB, cfg Config, tag string) *member {
	t.Helper()
	a, err := newTested(cfg)
	if err != nil {
		t.Fatal(err)
	}
	classic, _ := a.(*Adapter)
	m := &member{Adapter: classic, bus: a, node: newTestNode(tag), t: t}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, m.node) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, a.Close()); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(m.stop)
	return m
}

// cluster returns adapters that share a server and a prefix.
func cluster(t testing.TB, n int) (members []*member, prefix string) {
	t.Helper()
	url, prefix := redistest.Start(t), redistest.Prefix(t)
	for i := range n {
		members = append(members, start(t, Config{URL: url, Prefix: prefix, Linger: 50 * time.Millisecond}, fmt.Sprintf("tag%d", i)))
	}
	return members, prefix
}

func (m *member) join(namespace string, rooms ...string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	for _, room := range append([]string{""}, rooms...) {
		if err := m.Join(ctx, namespace, room); err != nil {
			m.t.Fatalf("join %q %q: %v", namespace, room, err)
		}
		m.node.mu.Lock()
		m.node.rooms[namespace] = append(m.node.rooms[namespace], room)
		m.node.mu.Unlock()
	}
}

func (m *member) emit(b *socketio.Broadcast) {
	m.t.Helper()
	if err := m.Broadcast(context.Background(), b, func() {}); err != nil {
		m.t.Fatalf("broadcast: %v", err)
	}
}

// next returns what the node is to deliver next.
func (m *member) next() *socketio.Broadcast {
	m.t.Helper()
	select {
	case b := <-m.node.delivered:
		return b
	case <-time.After(waitLimit):
		m.t.Fatalf("%s got nothing: %+v", m.node.tag, m.Stats())
		return nil
	}
}

// marker is an event that is sent after others to see that they have passed.
const marker = `["marker"]`

// until returns everything that is delivered before a marker that from sends.
func (m *member) until(from *member, namespace string) (got []string) {
	m.t.Helper()
	from.emit(event(namespace, marker))
	for {
		b := m.next()
		if string(b.Data) == marker {
			return got
		}
		got = append(got, string(b.Data))
	}
}

func event(namespace, data string, rooms ...string) *socketio.Broadcast {
	return &socketio.Broadcast{Namespace: namespace, Rooms: rooms, Data: []byte(data)}
}

// eventually waits until holds is true.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
	}
}

// direct is a connection to Redis of the test's own.
func direct(t testing.TB) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(redistest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func publish(t testing.TB, c *goredis.Client, channel, payload string) {
	t.Helper()
	if err := c.Publish(context.Background(), channel, payload).Err(); err != nil {
		t.Fatal(err)
	}
}

func subscribers(t testing.TB, c *goredis.Client, channel string) int64 {
	t.Helper()
	n, err := c.PubSubNumSub(context.Background(), channel).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n[channel]
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }
