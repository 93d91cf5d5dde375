package gateway

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/causeway-rt/causeway/internal/tracing"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// traceTime bounds the sending of the last traces of a node that stops, and is beyond
// DrainSlack: it is used up only if the receiver is away.
const traceTime = 2 * time.Second

// startTracer returns nil if nobody wants traces.
func startTracer(cfg Config, tag string, log *slog.Logger) (*tracing.Tracer, error) {
	return tracing.Start(context.Background(), tracing.Config{Endpoint: cfg.TraceEndpoint, Version: cfg.Version, Node: tag, Logger: log, Getenv: os.Getenv})
}

func stopTracer(t *tracing.Tracer) {
	ctx, cancel := context.WithTimeout(context.Background(), traceTime)
	defer cancel()
	t.Close(ctx)
}

// adapter is what carries this node's emits: nil if they go nowhere else. To be traced
// they need one, even if it knows no other node.
func (g *gateway) adapter() socketio.Adapter {
	switch {
	case g.bus != nil && g.tracer != nil:
		return g.tracer.Adapter(g.bus.adapter)
	case g.bus != nil:
		return g.bus.adapter
	case g.tracer != nil:
		return g.tracer.Adapter(socketio.NewBus().Adapter())
	}
	return nil
}
