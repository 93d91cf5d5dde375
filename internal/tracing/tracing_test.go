package tracing

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// keep is an exporter that keeps what it got when its tracer is closed.
type keep struct{ *tracetest.InMemoryExporter }

func (keep) Shutdown(context.Context) error { return nil }

func startTracer(t *testing.T, getenv func(string) string) (*Tracer, keep) {
	t.Helper()
	spans := keep{tracetest.NewInMemoryExporter()}
	tracer, err := Start(t.Context(), Config{Version: "v1", Node: "node", Logger: slog.New(slog.DiscardHandler), Getenv: getenv, exporter: spans})
	if err != nil {
		t.Fatal(err)
	}
	return tracer, spans
}

func TestNobodyWantsTracesByDefault(t *testing.T) {
	for name, c := range map[string]Config{
		"nothing said":       {Getenv: env()},
		"sampler only":       {Getenv: env("OTEL_TRACES_SAMPLER", "always_on")},
		"switched off":       {Endpoint: "http://127.0.0.1:4318", Getenv: env("OTEL_SDK_DISABLED", "true")},
		"exporter is none":   {Endpoint: "http://127.0.0.1:4318", Getenv: env("OTEL_TRACES_EXPORTER", "none")},
		"endpoint of others": {Getenv: env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:4318")},
	} {
		tracer, err := Start(t.Context(), c)
		if tracer != nil || err != nil {
			t.Errorf("%s: %v, %v", name, tracer, err)
		}
		tracer.Close(t.Context())
		tracer.Handshake("polling", 200, time.Now())
	}
}

func TestSamplerIsThatOfTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		sampler, arg string
		ratio        float64
		wrong        bool
	}{
		{"", "", 0.01, false},
		{"always_on", "", 1, false},
		{"parentbased_always_on", "", 1, false},
		{"always_off", "", 0, false},
		{"traceidratio", "0.25", 0.25, false},
		{"parentbased_traceidratio", "1", 1, false},
		{"traceidratio", "2", 0, true},
		{"traceidratio", "", 0, true},
		{"jaeger_remote", "", 0, true},
	} {
		got, err := Config{Getenv: env("OTEL_TRACES_SAMPLER", tt.sampler, "OTEL_TRACES_SAMPLER_ARG", tt.arg)}.ratio()
		if got != tt.ratio || (err != nil) != tt.wrong {
			t.Errorf("%s %s: %v, %v", tt.sampler, tt.arg, got, err)
		}
	}
}

func TestAsManyAreTracedAsWanted(t *testing.T) {
	tracer, _ := startTracer(t, env("OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.25"))
	defer tracer.Close(t.Context())
	const events = 10_000
	n := 0
	for i := range events {
		if tracer.chosen(eventID(&socketio.Broadcast{Namespace: "/", Data: []byte(strings.Repeat("x", i))})) {
			n++
		}
	}
	if n < events/5 || n > events*3/10 {
		t.Errorf("%d of %d, want a quarter", n, events)
	}
}

// pair is two servers that are joined by adapters with traces.
func pair(t *testing.T, tracers [2]*Tracer) (servers [2]*socketio.Server) {
	t.Helper()
	bus := socketio.NewBus()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, 2)
	for i, tracer := range tracers {
		s, err := socketio.NewServer(socketio.Config{Adapter: tracer.Adapter(bus.Adapter())})
		if err != nil {
			t.Fatal(err)
		}
		servers[i] = s
		go func() { _ = s.Run(ctx); ended <- struct{}{} }()
		s.OnConnect(func(*socketio.Socket) {})
	}
	t.Cleanup(func() {
		for _, s := range servers {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		cancel()
		<-ended
		<-ended
	})
	return servers
}

func TestEmitIsTracedOnEveryNode(t *testing.T) {
	var tracers [2]*Tracer
	var spans [2]keep
	for i := range tracers {
		tracers[i], spans[i] = startTracer(t, env("OTEL_TRACES_SAMPLER", "always_on"))
	}
	servers := pair(t, tracers)
	deadline := time.Now().Add(10 * time.Second)
	for seen := false; !seen; { // until the other node hears it
		if time.Now().After(deadline) {
			t.Fatal("the other node has never heard an emit")
		}
		if err := servers[0].To("secret room", "another secret").Emit("secret event", "secret"); err != nil {
			t.Fatal(err)
		}
		_ = tracers[1].provider.ForceFlush(t.Context())
		seen = len(spans[1].GetSpans()) > 0
	}
	for _, tracer := range tracers {
		tracer.Close(t.Context())
	}
	here, there := spans[0].GetSpans(), spans[1].GetSpans()
	byName := map[string]tracetest.SpanStub{}
	for _, s := range here[len(here)-3:] {
		byName[s.Name] = s
	}
	emit, publish, deliver := byName["emit"], byName["publish"], byName["deliver"]
	for _, s := range []tracetest.SpanStub{publish, deliver} {
		if s.Parent.SpanID() != emit.SpanContext.SpanID() || s.SpanContext.TraceID() != emit.SpanContext.TraceID() {
			t.Errorf("%q is not within the emit", s.Name)
		}
	}
	far := there[len(there)-1]
	if far.Name != "deliver" || value(far, "causeway.event.id") == "" || value(far, "causeway.event.id") != value(emit, "causeway.event.id") {
		t.Errorf("there: %s with id %q, here the id %q", far.Name, value(far, "causeway.event.id"), value(emit, "causeway.event.id"))
	}
	for _, s := range append(here, there...) {
		for _, a := range s.Attributes {
			if strings.Contains(a.Value.String(), "secret") {
				t.Errorf("%s shows %s", s.Name, a.Value.String())
			}
		}
	}
	if !slices.Contains(far.Resource.Attributes(), attribute.String("service.instance.id", "node")) {
		t.Errorf("resource %v", far.Resource)
	}
}

// slow is an adapter that confirms when it is told to.
type slow struct {
	socketio.ClusterAdapter
	err     error // of Broadcast
	confirm func(error)
}

func (s *slow) Broadcast(_ context.Context, b *socketio.Broadcast, deliver func()) error {
	deliver()
	s.confirm = b.Confirm
	return s.err
}

func TestPublishEndsWhenItIsConfirmed(t *testing.T) {
	away := errors.New("Redis is away")
	for name, tt := range map[string]struct {
		refused, confirmed error
		told               bool
		want               codes.Code
	}{
		"taken":   {nil, nil, true, codes.Unset},
		"lost":    {nil, away, true, codes.Error},
		"refused": {away, nil, false, codes.Error},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, spans := startTracer(t, env("OTEL_TRACES_SAMPLER", "always_on"))
			ended := func() map[string]tracetest.SpanStub {
				_ = tracer.provider.ForceFlush(t.Context())
				by := map[string]tracetest.SpanStub{}
				for _, s := range spans.GetSpans() {
					by[s.Name] = s
				}
				return by
			}
			s := &slow{err: tt.refused}
			var told []error
			b := &socketio.Broadcast{Namespace: "/", Data: []byte(`["ev"]`), Confirm: func(err error) { told = append(told, err) }}
			if err := tracer.Adapter(s).Broadcast(t.Context(), b, func() {}); err != tt.refused {
				t.Errorf("error %v", err)
			}
			if tt.told {
				if now := ended(); len(now) != 2 || now["publish"].Name != "" {
					t.Errorf("before it is confirmed: %v", now)
				}
				s.confirm(tt.confirmed)
			}
			publish, emit := ended()["publish"], ended()["emit"]
			if publish.Status.Code != tt.want || publish.Parent.SpanID() != emit.SpanContext.SpanID() || !emit.SpanContext.IsValid() {
				t.Errorf("publish: %+v", publish)
			}
			if tt.told != (len(told) == 1) || tt.told && told[0] != tt.confirmed {
				t.Errorf("the caller was told %v", told)
			}
			tracer.Close(t.Context())
		})
	}
}

func value(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

func TestHandshakeIsASpan(t *testing.T) {
	tracer, spans := startTracer(t, env("OTEL_TRACES_SAMPLER", "always_on"))
	start := time.Now().Add(-time.Second)
	tracer.Handshake("websocket", http.StatusSwitchingProtocols, start)
	tracer.Close(t.Context())
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "handshake" || !got[0].StartTime.Equal(start) || value(got[0], "causeway.transport") != "websocket" || value(got[0], "http.response.status_code") != "101" {
		t.Errorf("%+v", got)
	}
}

func TestTracesReachAReceiver(t *testing.T) {
	type request struct {
		path, contentType string
		size              int
	}
	got := make(chan request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.URL.Path, r.Header.Get("Content-Type"), len(body)}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer receiver.Close()
	tracer, err := Start(t.Context(), Config{Endpoint: receiver.URL, Logger: slog.New(slog.DiscardHandler), Getenv: env("OTEL_TRACES_SAMPLER", "always_on")})
	if err != nil {
		t.Fatal(err)
	}
	tracer.Handshake("polling", 200, time.Now())
	tracer.Close(t.Context())
	select {
	case r := <-got:
		if r.path != "/v1/traces" || r.contentType != "application/x-protobuf" || r.size == 0 {
			t.Errorf("%+v", r)
		}
	default:
		t.Error("nothing came before Close had returned")
	}
}

// TestReceiverThatIsAwayDoesNoHarm: Close gives up, and the log says why.
func TestReceiverThatIsAwayDoesNoHarm(t *testing.T) {
	log := &strings.Builder{}
	tracer, err := Start(t.Context(), Config{Endpoint: "http://127.0.0.1:1", Logger: slog.New(slog.NewTextHandler(log, nil)), Getenv: env("OTEL_TRACES_SAMPLER", "always_on")})
	if err != nil {
		t.Fatal(err)
	}
	tracer.Handshake("polling", 200, time.Now())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	tracer.Close(ctx)
	if ctx.Err() == nil && log.Len() == 0 {
		t.Error("neither a log nor an end by time")
	}
}

func TestWhatIsNotTracedCostsNoAllocation(t *testing.T) {
	tracer, _ := startTracer(t, env("OTEL_TRACES_SAMPLER", "always_off"))
	defer tracer.Close(t.Context())
	a := tracer.Adapter(nothing{})
	b := &socketio.Broadcast{Namespace: "/", Rooms: []string{"r"}, Data: []byte(`["ev"]`)}
	deliver := func() {}
	if n := testing.AllocsPerRun(100, func() { _ = a.Broadcast(context.Background(), b, deliver) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// nothing is an adapter that does nothing.
type nothing struct{ socketio.ClusterAdapter }

func (nothing) Broadcast(_ context.Context, _ *socketio.Broadcast, deliver func()) error {
	deliver()
	return nil
}

var _ sdktrace.SpanExporter = keep{}
