package tracing

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// TestRecordedEventIsTracedUntilTheHistoryHasIt: an event of a namespace with recovery goes
// another way, and is traced on every node that delivers it, the publisher's included.
func TestRecordedEventIsTracedUntilTheHistoryHasIt(t *testing.T) {
	tracer, spans := startTracer(t, env("OTEL_TRACES_SAMPLER", "always_on"))
	s, err := socketio.NewServer(socketio.Config{
		Adapter:  tracer.Adapter(socketio.NewBus().Adapter()),
		Recovery: func(string) socketio.Recovery { return socketio.Recovery{Window: time.Minute} },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { _ = s.Run(ctx); close(ended) }()
	s.OnConnect(func(*socketio.Socket) {})
	has := func(name string) bool {
		_ = tracer.provider.ForceFlush(t.Context())
		return slices.ContainsFunc(spans.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name == name })
	}
	deadline := time.Now().Add(10 * time.Second)
	for !has("deliver") || !has("publish") || !has("emit") {
		if time.Now().After(deadline) {
			t.Fatalf("deliver %t, publish %t, emit %t", has("deliver"), has("publish"), has("emit"))
		}
		confirmed := make(chan error, 1)
		if err := s.To("a", "b").Confirm(func(err error) { confirmed <- err }).Emit("ev"); err == nil {
			<-confirmed
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	cancel()
	<-ended
	tracer.Close(t.Context())
	got := spans.GetSpans()
	id := value(got[slices.IndexFunc(got, func(s tracetest.SpanStub) bool { return s.Name == "emit" })], "causeway.event.id")
	for _, s := range got {
		if s.Name == "deliver" && value(s, "causeway.event.id") != id {
			t.Errorf("delivered with another id than %s: %s", id, value(s, "causeway.event.id"))
		}
	}
}

// refusing is a history that takes nothing.
type refusing struct{ socketio.HistoryAdapter }

var errRefused = errors.New("refused")

func (refusing) Record(*socketio.Broadcast) error { return errRefused }

func TestEventThatTheHistoryRefusesIsAnErrorInItsTrace(t *testing.T) {
	tracer, spans := startTracer(t, env("OTEL_TRACES_SAMPLER", "always_on"))
	bus, ok := socketio.NewBus().Adapter().(socketio.HistoryAdapter)
	if !ok {
		t.Fatal("the bus has no history")
	}
	type whole interface {
		socketio.ClusterAdapter
		socketio.History
	}
	a := struct {
		socketio.ClusterAdapter
		socketio.History
	}{bus.(socketio.ClusterAdapter), refusing{bus}}
	traced := tracer.Adapter(a).(whole)
	if err := traced.Record(&socketio.Broadcast{Namespace: "/", Data: []byte(`["ev"]`)}); !errors.Is(err, errRefused) {
		t.Errorf("%v", err)
	}
	tracer.Close(t.Context())
	for _, s := range spans.GetSpans() {
		if s.Name == "publish" && s.Status.Code == codes.Error {
			return
		}
	}
	t.Errorf("no error in %v", spans.GetSpans())
}
