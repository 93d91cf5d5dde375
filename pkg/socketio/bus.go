package socketio

import (
	"context"
	"slices"
	"sync"
)

// Bus connects several servers of one process, for tests and for programs that
// want several of them. Unlike a network it loses nothing and reorders nothing. It is a
// HistoryAdapter, within the bounds of Config.Recovery.
type Bus struct {
	memory *memory // of all nodes together

	mu sync.RWMutex
	// Guarded by mu.
	nodes []*busAdapter // those that run
}

// NewBus returns a bus without nodes.
func NewBus() *Bus { return &Bus{memory: newMemory()} }

// Adapter returns an adapter for one server.
func (b *Bus) Adapter() ClusterAdapter {
	return &busAdapter{bus: b, ready: make(chan struct{}), recorded: make(chan struct{}, 1), wants: make(map[busAddress]bool)}
}

// busAdapter is one node's place on the bus.
type busAdapter struct {
	bus   *Bus
	ready chan struct{} // closed by Run
	node  Node          // set before ready is closed
	// recorded holds a token when there may be something new in the history.
	recorded chan struct{}

	mu sync.RWMutex
	// Guarded by mu.
	wants map[busAddress]bool
	deaf  bool // see Deafen
}

type busAddress struct{ namespace, room string }

func (a *busAdapter) Run(ctx context.Context, n Node) error {
	a.node = n
	n.Rooms(a.want)
	a.bus.mu.Lock()
	a.bus.nodes = append(a.bus.nodes, a)
	a.bus.mu.Unlock()
	close(a.ready)
	a.follow(ctx)
	a.bus.mu.Lock()
	defer a.bus.mu.Unlock()
	a.bus.nodes = slices.DeleteFunc(slices.Clone(a.bus.nodes), func(other *busAdapter) bool { return other == a })
	return nil
}

func (a *busAdapter) Join(ctx context.Context, namespace, room string) error {
	select {
	case <-a.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	a.want(namespace, room)
	if n, ok := a.historyNode(); ok && room == "" && n.Recovery(namespace).Window > 0 {
		n.Advance(namespace, a.bus.memory.head(namespace)) // of what came before nobody was here to hear it
	}
	return nil
}

func (a *busAdapter) want(namespace, room string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wants[busAddress{namespace, room}] = true
}

func (a *busAdapter) Leave(_ context.Context, namespace, room string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.wants, busAddress{namespace, room})
	return nil
}

func (a *busAdapter) Broadcast(_ context.Context, b *Broadcast, deliver func()) error {
	deliver()
	for _, n := range a.others(Target{b.Namespace, b.Rooms, b.Except}) {
		_ = n.node.Deliver(b) // it counts what it refuses
	}
	confirm(b.Confirm)
	return nil
}

// others returns the nodes that have asked to hear what is sent to t.
func (a *busAdapter) others(t Target) []*busAdapter {
	a.bus.mu.RLock()
	nodes := a.bus.nodes
	a.bus.mu.RUnlock()
	var others []*busAdapter
	for _, n := range nodes {
		if n != a && n.hears(t) {
			others = append(others, n)
		}
	}
	return others
}

// hears tells rooms apart only where there is one, as the Redis channels do.
func (a *busAdapter) hears(t Target) bool {
	room := ""
	if len(t.Rooms) == 1 {
		room = t.Rooms[0]
	}
	a.mu.RLock()
	wanted := a.wants[busAddress{t.Namespace, room}]
	open := a.wants[busAddress{t.Namespace, ""}]
	a.mu.RUnlock()
	return wanted || open && a.node.HasSocket(t.Namespace, room)
}

func confirm(f func(error)) {
	if f != nil {
		f(nil)
	}
}

func (a *busAdapter) BroadcastWithAck(ctx context.Context, b *Broadcast, deliver func(), acked func(Ack)) error {
	deliver()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newBusCall(acked)
	for _, n := range a.others(Target{b.Namespace, b.Rooms, b.Except}) {
		if peer, ok := n.node.(ClusterNode); ok {
			sockets, _ := peer.DeliverWithAck(ctx, b, c.answer)
			c.expect(sockets)
			c.nodes++
		}
	}
	return c.wait(ctx)
}

func (a *busAdapter) FetchSockets(_ context.Context, t Target) ([]SocketInfo, error) {
	var all []SocketInfo
	for _, n := range a.others(Target{Namespace: t.Namespace}) {
		if peer, ok := n.node.(ClusterNode); ok {
			found, _ := peer.Sockets(t)
			all = append(all, found...)
		}
	}
	return all, nil
}

func (a *busAdapter) Change(_ context.Context, c *Change) error {
	for _, n := range a.others(Target{Namespace: c.Namespace}) {
		if peer, ok := n.node.(ClusterNode); ok {
			_ = peer.Change(c)
		}
	}
	confirm(c.Confirm)
	return nil
}

func (a *busAdapter) ServerSideEmit(ctx context.Context, e *ServerEvent, acked func(Ack)) error {
	c := newBusCall(acked)
	var reply func(Ack)
	if acked != nil {
		reply = c.answer
	}
	for _, n := range a.others(Target{Namespace: e.Namespace}) {
		peer, ok := n.node.(ClusterNode)
		if ok && peer.ServerEvent(e, reply) == nil && reply != nil {
			c.expect(1)
		}
	}
	return c.wait(ctx)
}

// busCall counts the answers to a question.
type busCall struct {
	acked func(Ack)
	done  chan struct{}
	nodes int // that were asked. Owned by the asker

	mu sync.Mutex
	// Guarded by mu.
	missing int  // below zero when answers come before they are expected
	asked   bool // all nodes
	over    bool
}

func newBusCall(acked func(Ack)) *busCall {
	return &busCall{acked: acked, done: make(chan struct{})}
}

func (c *busCall) expect(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing += n
}

// answer takes one answer. It calls acked with mu held, so that none is called
// after wait has returned.
func (c *busCall) answer(a Ack) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.acked(a)
		c.missing--
		c.settle()
	}
}

// settle needs mu.
func (c *busCall) settle() {
	if c.asked && c.missing == 0 {
		close(c.done)
	}
}

func (c *busCall) wait(ctx context.Context) error {
	c.mu.Lock()
	c.asked = true
	c.settle()
	c.mu.Unlock()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	return &PartialError{Answered: c.nodes, Expected: c.nodes, MissingAcks: c.missing, Err: context.Cause(ctx)}
}
