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

// Broadcast implements socketio.Adapter. Its span publish ends when the adapter confirms
// the event, or refuses it.
func (a *adapter) Broadcast(ctx context.Context, b *socketio.Broadcast, deliver func()) error {
	id := eventID(b)
	if !a.tracer.chosen(id) {
		return a.ClusterAdapter.Broadcast(ctx, b, deliver)
	}
	ctx, e := a.begin(ctx, b, id)
	defer e.emit.End()
	traced := *b
	traced.Confirm = func(err error) {
		e.published(err)
		if b.Confirm != nil {
			b.Confirm(err)
		}
	}
	err := a.ClusterAdapter.Broadcast(ctx, &traced, e.delivering(deliver))
	if err != nil { // it is not confirmed then
		e.published(err)
	}
	return err
}

// BroadcastWithAck implements socketio.ClusterAdapter. Its span publish ends when all acks
// have come.
func (a *adapter) BroadcastWithAck(ctx context.Context, b *socketio.Broadcast, deliver func(), acked func(socketio.Ack)) error {
	id := eventID(b)
	if !a.tracer.chosen(id) {
		return a.ClusterAdapter.BroadcastWithAck(ctx, b, deliver, acked)
	}
	ctx, e := a.begin(ctx, b, id)
	defer e.emit.End()
	err := a.ClusterAdapter.BroadcastWithAck(ctx, b, e.delivering(deliver), acked)
	e.published(err)
	return err
}

// emission is an emit that is traced.
type emission struct {
	tracer        trace.Tracer
	emit, publish trace.Span
}

// begin begins its spans, of which publish is that of the context that is returned.
func (a *adapter) begin(ctx context.Context, b *socketio.Broadcast, id uint64) (context.Context, *emission) {
	e := &emission{tracer: a.tracer.tracer}
	ctx, e.emit = e.tracer.Start(ctx, "emit", trace.WithAttributes(attributes(b, id)...))
	ctx, e.publish = e.tracer.Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer))
	return ctx, e
}

// published ends the span publish.
func (e *emission) published(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		e.publish.SetStatus(codes.Error, err.Error())
	}
	e.publish.End()
}

// delivering is deliver within a span.
func (e *emission) delivering(deliver func()) func() {
	return func() {
		_, span := e.tracer.Start(trace.ContextWithSpan(context.Background(), e.emit), "deliver")
		defer span.End()
		deliver()
	}
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
