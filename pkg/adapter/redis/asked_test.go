package redis

import (
	"context"
	"sync"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// What a testNode answers, and what it has been asked to do.
type asked struct {
	infos   []socketio.SocketInfo // its sockets, whoever is asked for
	acks    []socketio.Ack        // of its sockets, one each
	silent  bool                  // the acks never come
	hold    chan struct{}         // if not nil, Sockets waits for it
	refusal error                 // of Sockets

	mu sync.Mutex
	// Guarded by mu.
	targets []socketio.Target
	changes []socketio.Change
	events  []string
}

func (n *testNode) touched() bool {
	n.asked.mu.Lock()
	defer n.asked.mu.Unlock()
	return len(n.targets)+len(n.changes)+len(n.events)+len(n.delivered) > 0
}

func (n *testNode) DeliverWithAck(_ context.Context, b *socketio.Broadcast, acked func(socketio.Ack)) (int, error) {
	if err := n.Deliver(b); err != nil {
		return 0, err
	}
	for _, ack := range n.acks {
		if !n.silent {
			acked(ack)
		}
	}
	return len(n.acks), nil
}

func (n *testNode) Sockets(t socketio.Target) ([]socketio.SocketInfo, error) {
	if n.hold != nil {
		<-n.hold
	}
	n.asked.mu.Lock()
	defer n.asked.mu.Unlock()
	n.targets = append(n.targets, t)
	return n.infos, n.refusal
}

func (n *testNode) Change(c *socketio.Change) error {
	n.asked.mu.Lock()
	defer n.asked.mu.Unlock()
	n.changes = append(n.changes, *c)
	return nil
}

func (n *testNode) ServerEvent(e *socketio.ServerEvent, reply func(socketio.Ack)) error {
	n.asked.mu.Lock()
	defer n.asked.mu.Unlock()
	n.events = append(n.events, string(e.Data))
	if reply != nil {
		reply(socketio.Ack{Data: []byte(`["` + n.tag + `"]`)})
	}
	return nil
}
