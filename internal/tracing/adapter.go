package tracing

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Handshake makes the span of a request for a new session that began at start and was
// answered with status. It takes a nil Tracer.
func (t *Tracer) Handshake(transport string, status int, start time.Time) {
	if t == nil || !t.chosen(rand.Uint64()) {
		return
	}
	_, span := t.tracer.Start(context.Background(), "handshake", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(start),
		trace.WithAttributes(attribute.String("causeway.transport", transport), attribute.Int("http.response.status_code", status)))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()
}

// Adapter traces what goes through a. What it returns is a socketio.HistoryAdapter if a is one.
func (t *Tracer) Adapter(a socketio.ClusterAdapter) socketio.ClusterAdapter {
	traced := &adapter{a, t}
	if h, ok := a.(socketio.History); ok {
		return &historyAdapter{traced, h}
	}
	return traced
}

// adapter is an adapter with spans around its broadcasts. All else passes as it is.
type adapter struct {
	socketio.ClusterAdapter
	tracer *Tracer
}

var _ socketio.PrivateRoomsAdapter = (*adapter)(nil)

// PrivateRooms implements socketio.PrivateRoomsAdapter.
func (a *adapter) PrivateRooms() bool {
	told, ok := a.ClusterAdapter.(socketio.PrivateRoomsAdapter)
	return ok && told.PrivateRooms()
}

// Broadcast implements socketio.Adapter.
func (a *adapter) Broadcast(ctx context.Context, b *socketio.Broadcast, deliver func()) error {
	return a.emit(ctx, b, deliver, a.ClusterAdapter.Broadcast)
}

// BroadcastWithAck implements socketio.ClusterAdapter. Its span publish ends when all acks
// have come.
func (a *adapter) BroadcastWithAck(ctx context.Context, b *socketio.Broadcast, deliver func(), acked func(socketio.Ack)) error {
	return a.emit(ctx, b, deliver, func(ctx context.Context, b *socketio.Broadcast, deliver func()) error {
		return a.ClusterAdapter.BroadcastWithAck(ctx, b, deliver, acked)
	})
}

func (a *adapter) emit(ctx context.Context, b *socketio.Broadcast, deliver func(), publish func(context.Context, *socketio.Broadcast, func()) error) error {
	id := eventID(b)
	if !a.tracer.chosen(id) {
		return publish(ctx, b, deliver)
	}
	ctx, emit := a.tracer.tracer.Start(ctx, "emit", trace.WithAttributes(attributes(b, id)...))
	defer emit.End()
	ctx, span := a.tracer.tracer.Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()
	err := publish(ctx, b, func() {
		_, span := a.tracer.tracer.Start(trace.ContextWithSpan(ctx, emit), "deliver")
		defer span.End()
		deliver()
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// Run implements socketio.Adapter.
func (a *adapter) Run(ctx context.Context, n socketio.Node) error {
	if cluster, ok := n.(socketio.ClusterNode); ok {
		n = &node{cluster, a.tracer}
	}
	return a.ClusterAdapter.Run(ctx, n)
}

// node is a node with spans around what other nodes have it deliver.
type node struct {
	socketio.ClusterNode
	tracer *Tracer
}

// Deliver implements socketio.Node.
func (n *node) Deliver(b *socketio.Broadcast) error {
	defer n.span(b)()
	return n.ClusterNode.Deliver(b)
}

// DeliverWithAck implements socketio.ClusterNode.
func (n *node) DeliverWithAck(ctx context.Context, b *socketio.Broadcast, acked func(socketio.Ack)) (int, error) {
	defer n.span(b)()
	return n.ClusterNode.DeliverWithAck(ctx, b, acked)
}

// span begins the span of a delivery, if it is traced, and returns what ends it.
func (n *node) span(b *socketio.Broadcast) func() {
	id := eventID(b)
	if !n.tracer.chosen(id) {
		return func() {}
	}
	_, span := n.tracer.tracer.Start(context.Background(), "deliver", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributes(b, id)...))
	return func() { span.End() }
}

func attributes(b *socketio.Broadcast, id uint64) []attribute.KeyValue {
	size := len(b.Data)
	for _, a := range b.Attachments {
		size += len(a)
	}
	rooms := make([]string, len(b.Rooms))
	for i, r := range b.Rooms {
		rooms[i] = inHex(xxhash.Sum64String(r))
	}
	return []attribute.KeyValue{
		attribute.String("causeway.event.id", inHex(id)), attribute.StringSlice("causeway.room.hashes", rooms), attribute.Int("causeway.event.bytes", size),
	}
}

// eventID is the same on every node that has to do with an event. Data that an official
// node would write otherwise, such as 1.0 for 1, gets another id there.
func eventID(b *socketio.Broadcast) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(b.Namespace) // it never fails
	for _, r := range b.Rooms {
		_, _ = d.WriteString(r)
		_, _ = d.Write([]byte{0})
	}
	_, _ = d.Write(b.Data)
	return d.Sum64()
}

func inHex(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return hex.EncodeToString(b[:])
}
