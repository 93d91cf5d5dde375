package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// defaultRatio is the share of handshakes and events that are traced: a busy node has
// hundreds of thousands a second.
const defaultRatio = 0.01

// Config says where traces go.
type Config struct {
	// Endpoint is the URL of an OTLP receiver, such as http://collector:4318. Empty leaves
	// it to OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.
	Endpoint string
	// Version and Node describe the sender. Either may be empty.
	Version, Node string
	// Logger is told of what can't be sent.
	Logger *slog.Logger
	// Getenv looks up OTEL_TRACES_SAMPLER and the like. What concerns the sending alone, such
	// as OTEL_EXPORTER_OTLP_HEADERS, OpenTelemetry reads itself.
	Getenv func(string) string

	exporter sdktrace.SpanExporter // of tests
}

// Tracer makes spans.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	below    uint64 // hashes below are traced
	all      bool
}

// enabled reports whether anybody wants traces.
func (c Config) enabled() bool {
	if strings.EqualFold(c.Getenv("OTEL_SDK_DISABLED"), "true") || c.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return c.exporter != nil || c.Endpoint != "" || c.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || c.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Start returns a Tracer, or nil if the configuration wants none. It connects to nothing
// yet, and what can't be sent is dropped: a receiver that is away does no harm. The
// caller ends it with Close.
func Start(ctx context.Context, c Config) (*Tracer, error) {
	if !c.enabled() {
		return nil, nil
	}
	ratio, err := c.ratio()
	if err != nil {
		return nil, err
	}
	exporter := c.exporter
	if exporter == nil {
		var options []otlptracehttp.Option
		if c.Endpoint != "" {
			options = append(options, otlptracehttp.WithEndpointURL(tracesURL(c.Endpoint)))
		}
		if exporter, err = otlptracehttp.New(ctx, options...); err != nil {
			return nil, fmt.Errorf("start traces: %w", err)
		}
	}
	sender := []attribute.KeyValue{attribute.String("service.name", "causeway"), attribute.String("service.version", c.Version)}
	if c.Node != "" {
		sender = append(sender, attribute.String("service.instance.id", c.Node))
	}
	from, err := resource.New(ctx, resource.WithAttributes(sender...), resource.WithFromEnv()) // which may name it otherwise
	if err != nil {
		return nil, fmt.Errorf("start traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { c.Logger.Warn("traces are not sent", "error", err) }))
	// What is traced is decided before there is a span.
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(from), sdktrace.WithSampler(sdktrace.AlwaysSample()))
	return &Tracer{
		provider: provider, tracer: provider.Tracer("github.com/causeway-rt/causeway"),
		below: uint64(ratio*(1<<63)) * 2, all: ratio >= 1,
	}, nil
}

// ratio is the share that OTEL_TRACES_SAMPLER asks for. The samplers that look at a parent
// are as those that do not: a client's trace is no reason to trace it.
func (c Config) ratio() (float64, error) {
	sampler, arg := strings.TrimPrefix(c.Getenv("OTEL_TRACES_SAMPLER"), "parentbased_"), c.Getenv("OTEL_TRACES_SAMPLER_ARG")
	switch sampler {
	case "":
		return defaultRatio, nil
	case "always_on":
		return 1, nil
	case "always_off":
		return 0, nil
	case "traceidratio":
		ratio, err := strconv.ParseFloat(arg, 64)
		if err == nil && ratio >= 0 && ratio <= 1 {
			return ratio, nil
		}
		return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG=%q: want a number from 0 to 1", arg)
	}
	return 0, fmt.Errorf("OTEL_TRACES_SAMPLER=%q: want always_on, always_off or traceidratio, each with or without parentbased_", sampler)
}

// tracesURL completes a receiver's address, as OTEL_EXPORTER_OTLP_ENDPOINT would be.
func tracesURL(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return endpoint
	}
	return u.JoinPath("v1/traces").String()
}

// Close sends what waits, until ctx ends. It takes a nil Tracer.
func (t *Tracer) Close(ctx context.Context) {
	if t != nil {
		_ = t.provider.Shutdown(ctx) // told to the logger
	}
}

// chosen reports whether what has this hash is traced.
func (t *Tracer) chosen(hash uint64) bool { return t.all || hash < t.below }
