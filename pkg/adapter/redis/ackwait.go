package redis

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// maxAwaited is how many broadcasts of other nodes this node waits for acks for.
const maxAwaited = 1000

// ackWaits delivers the broadcasts of other nodes that ask for acks.
type ackWaits struct {
	ctx     context.Context // ends all waits
	node    socketio.ClusterNode
	givenUp *atomic.Uint64
	awaited atomic.Int64 // broadcasts that wait for acks
}

// deliver delivers b in its place among the others. count is called once, and then reply
// for each ack that comes within timeout, one call after the other.
func (x *ackWaits) deliver(b *socketio.Broadcast, timeout time.Duration, count func(clients int), reply func(socketio.Ack)) error {
	ctx, cancel := context.WithTimeout(x.ctx, timeout)
	w := &ackWait{count: count, reply: reply, cancel: cancel}
	x.awaited.Add(1)
	context.AfterFunc(ctx, func() { x.awaited.Add(-1) })
	clients, err := x.node.DeliverWithAck(ctx, b, w.ack)
	if err != nil && !errors.Is(err, socketio.ErrUnknownNamespace) {
		cancel()
		return err
	}
	w.begin(clients)
	if x.awaited.Load() > maxAwaited {
		x.givenUp.Add(1)
		cancel()
	}
	return nil
}

// ackWait sends back the acks of a broadcast, after their number.
type ackWait struct {
	// Immutable.
	count  func(clients int)
	reply  func(socketio.Ack)
	cancel context.CancelFunc

	mu sync.Mutex
	// Guarded by mu.
	begun bool
	early []socketio.Ack // those that came before their number was known
	left  int
}

// begin says how many acks there will be.
func (w *ackWait) begin(clients int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count(clients)
	w.begun, w.left = true, clients
	for _, ack := range w.early {
		w.send(ack)
	}
	w.early = nil
	if clients == 0 {
		w.cancel()
	}
}

func (w *ackWait) ack(ack socketio.Ack) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun {
		w.early = append(w.early, ack)
		return
	}
	w.send(ack)
}

// send needs mu.
func (w *ackWait) send(ack socketio.Ack) {
	w.reply(ack)
	if w.left--; w.left == 0 {
		w.cancel()
	}
}
