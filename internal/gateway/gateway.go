package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-rt/causeway/internal/gateway/demo"
	"github.com/causeway-rt/causeway/internal/tracing"
	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

const (
	// logEvery is how often a message that clients or Redis can cause is logged.
	logEvery = time.Second
	// maxNameBytes bounds the names of rooms, events and namespaces.
	maxNameBytes = 256
)

// anyNamespace matches what a namespace can be called.
var anyNamespace = regexp.MustCompile(`^/`)

// gateway is one node. Its fields are immutable once it runs.
type gateway struct {
	cfg        Config
	log        *slog.Logger
	noisy      *slog.Logger // for what clients or Redis can cause in any number
	bus        *bus         // nil: this node is alone
	cluster    *cluster     // nil likewise
	sockets    *socketio.Server
	relay      *relay
	health     *health
	trim       *trimmer
	handshakes *handshakes
	tracer     *tracing.Tracer // nil: nothing is traced
	metrics    *prometheus.Registry
	memory     int64 // that the process may use, in bytes; 0: no limit
	// neighbours are the nodes of this process, this one included, for the demo
	// page: ":3000" and so on. Empty when there is only this one.
	neighbours []string

	sleep     func(context.Context, time.Duration) // as sleep; tests control it
	progress  drainProgress
	connected atomic.Int64 // sockets, for the trimmer: Stats looks at every session
	welcomed  atomic.Int64 // sockets that have ever been connected, for the trimmer too
}

// newGateway puts a node together. It opens nothing but connections to Redis; close
// ends what it leaves to run.
func newGateway(cfg Config) (*gateway, error) {
	g := &gateway{cfg: cfg, log: newLogger(cfg), relay: &relay{open: cfg.Dev, alone: cfg.RedisURL == ""}, sleep: sleep}
	g.noisy = limited(g.log, logEvery)
	if g.cfg.Path == "" {
		g.cfg.Path = "/socket.io"
	}
	var err error
	if g.bus, err = newBus(cfg, g.noisy); err != nil {
		return nil, err
	}
	if g.cluster, err = joinCluster(cfg, g.noisy); err != nil {
		g.bus.close()
		return nil, err
	}
	if g.tracer, err = startTracer(cfg, g.cluster.tag(), g.noisy); err != nil {
		g.close()
		return nil, err
	}
	if g.sockets, err = socketio.NewServer(g.socketConfig()); err != nil {
		g.close()
		return nil, fmt.Errorf("configure sockets: %w", err)
	}
	if err = g.cluster.connect(cfg, g.sockets, g.noisy); err != nil {
		g.close()
		return nil, err
	}
	g.attach(g.sockets.Of("/"))
	if cfg.Dev {
		g.attach(g.sockets.OfPattern(anyNamespace))
	}
	g.health = newHealth(append(g.bus.checks(cfg.RedisGrace), g.cluster.checks()...)...)
	g.handshakes = newHandshakes(g.tracer)
	g.trim = newTrimmer(g.connected.Load, g.welcomed.Load)
	g.memory = memoryLimit("/sys/fs/cgroup")
	g.progress.delay, g.progress.window = cfg.DrainDelay, cfg.DrainWindow
	g.metrics = newMetrics(g)
	return g, nil
}

// close gives up what newGateway opened, once run has ended.
func (g *gateway) close() {
	stopTracer(g.tracer)
	g.cluster.close()
	g.bus.close()
}

func (g *gateway) socketConfig() socketio.Config {
	transports := make([]engineio.Transport, len(g.cfg.Transports))
	for i, name := range g.cfg.Transports {
		transports[i] = engineio.Transport(name)
	}
	c := socketio.Config{
		Engine: engineio.Config{
			PingInterval:   g.cfg.PingInterval,
			PingTimeout:    g.cfg.PingTimeout,
			UpgradeTimeout: g.cfg.UpgradeTimeout,
			MaxPayload:     g.cfg.MaxPayload,
			MaxQueueBytes:  g.cfg.MaxQueue,
			Transports:     transports,
			AllowedOrigins: g.cfg.AllowedOrigins,
			TrustedProxies: g.cfg.TrustedProxies,
			NodeTag:        g.cluster.tag(),
			OnRefused:      g.refused,
			Headers:        affinity(g.cfg, func() string { return g.sockets.Tag() }),
			Logger:         g.noisy,
		},
		ConnectTimeout:         g.cfg.ConnectTimeout,
		Logger:                 g.noisy,
		MaxNameBytes:           maxNameBytes,
		CleanupEmptyNamespaces: true,
	}
	c.Adapter = g.adapter()
	return c
}

// refused logs a request for a new session that was refused. Of those of sessions that have
// ended, the clients know what to make.
func (g *gateway) refused(r *http.Request, reason string) {
	if !r.URL.Query().Has("sid") {
		g.noisy.Info("handshake refused", "reason", reason, "from", r.RemoteAddr, "origin", short(r.Header.Get("Origin")))
	}
}

// short keeps a line of the log short, whatever a client sends.
func short(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// namespace is one namespace, or all that a pattern opens.
type namespace interface {
	On(event string, f func(*socketio.Event))
	OnConnect(f func(*socketio.Socket))
	OnDisconnect(f func(*socketio.Socket, socketio.Reason))
}

// attach gives a namespace what a gateway does with its sockets.
func (g *gateway) attach(ns namespace) {
	ns.OnConnect(func(*socketio.Socket) { g.connected.Add(1); g.welcomed.Add(1) })
	ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) { g.connected.Add(-1) })
	g.relay.serve(ns)
}

// line says where the node is reached, for people.
func (g *gateway) line(public, internal net.Listener) string {
	s := fmt.Sprintf("gateway serving %s%s/, internal %s, node %s, adapter %s", urlOf(public), g.cfg.Path, urlOf(internal), g.sockets.Tag(), g.bus.name())
	if g.cfg.Dev {
		s += "; demo page: " + urlOf(public) + "/"
	}
	return s
}

// handler is what the public listener serves.
func (g *gateway) handler() *publicHandler {
	h := &publicHandler{prefix: g.cfg.Path + "/", sockets: g.handshakes.measure(g.cluster.front(g.sockets))}
	if g.cfg.Dev {
		h.page = demo.Handler(demo.Config{Path: g.cfg.Path, Nodes: g.neighbours})
	}
	return h
}
