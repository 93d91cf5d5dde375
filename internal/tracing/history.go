package tracing

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// historyAdapter is an adapter with a history.
type historyAdapter struct {
	*adapter
	socketio.History
}

var _ socketio.HistoryAdapter = (*historyAdapter)(nil)

// Record implements socketio.History. Its span publish ends when the history has taken the
// event, or has not.
func (a *historyAdapter) Record(b *socketio.Broadcast) error {
	id := eventID(b)
	if !a.tracer.chosen(id) {
		return a.History.Record(b)
	}
	ctx, emit := a.tracer.tracer.Start(context.Background(), "emit", trace.WithAttributes(attributes(b, id)...))
	defer emit.End()
	_, span := a.tracer.tracer.Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer))
	end := func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
	traced := *b // it is not ours to change
	traced.Confirm = func(err error) {
		end(err)
		if b.Confirm != nil {
			b.Confirm(err)
		}
	}
	err := a.History.Record(&traced)
	if err != nil {
		end(err)
	}
	return err
}

// Run implements socketio.Adapter.
func (a *historyAdapter) Run(ctx context.Context, n socketio.Node) error {
	if whole, ok := n.(wholeNode); ok {
		n = &historyNode{whole, &node{whole, a.tracer}}
	}
	return a.ClusterAdapter.Run(ctx, n)
}

// wholeNode is a node that can do everything.
type wholeNode interface {
	socketio.ClusterNode
	socketio.HistoryNode
}

// historyNode is a node with a history, with spans around what is delivered.
type historyNode struct {
	wholeNode
	traced *node
}

// Deliver implements socketio.Node.
func (n *historyNode) Deliver(b *socketio.Broadcast) error { return n.traced.Deliver(b) }

// DeliverWithAck implements socketio.ClusterNode.
func (n *historyNode) DeliverWithAck(ctx context.Context, b *socketio.Broadcast, acked func(socketio.Ack)) (int, error) {
	return n.traced.DeliverWithAck(ctx, b, acked)
}

// DeliverRecorded implements socketio.HistoryNode.
func (n *historyNode) DeliverRecorded(b *socketio.Broadcast, at socketio.Offset) error {
	defer n.traced.span(b)()
	return n.wholeNode.DeliverRecorded(b, at)
}
