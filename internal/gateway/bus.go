package gateway

import (
	"errors"
	"log/slog"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"

	"github.com/prometheus/client_golang/prometheus"
)

// bus is the adapter that joins this node with others. There is none yet.
type bus struct {
	adapter socketio.Adapter
	latency prometheus.Collector
}

func newBus(cfg Config, _ *slog.Logger) (*bus, error) {
	if cfg.RedisURL != "" {
		return nil, errors.New("--redis-url: not in this version")
	}
	return nil, nil
}

func (b *bus) close()                       {}
func (b *bus) name() string                 { return "memory" }
func (b *bus) checks(time.Duration) []check { return nil }
func (b *bus) collect(sink)                 {}
