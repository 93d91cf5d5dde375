package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/internal/api"
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
	access     *access.Access // nil: none is configured
	relay      *relay
	doors      *doors
	users      *userLimit
	health     *health
	trim       *trimmer
	handshakes *handshakes
	tracer     *tracing.Tracer // nil: nothing is traced
	metrics    *prometheus.Registry
	memory     int64         // that the process may use, in bytes; 0: no limit
	api        *api.API      // nil: there is none
	leave      chan struct{} // holds a token when the node shall drain
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
	g := &gateway{cfg: cfg, log: newLogger(cfg), sleep: sleep, leave: make(chan struct{}, 1)}
	g.noisy = limited(g.log, logEvery)
	g.doors, g.users = newDoors(cfg.Limits), &userLimit{most: cfg.Limits.ConnectionsPerUser}
	if g.cfg.Path == "" {
		g.cfg.Path = "/socket.io"
	}
	var err error
	if g.access, err = newAccess(cfg, g.noisy); err != nil {
		return nil, err
	}
	g.relay = &relay{open: cfg.Dev && g.access == nil, access: g.access, alone: cfg.RedisURL == "", joins: newJoinTable(cfg.Limits), recorded: g.recorded}
	if g.cluster, err = joinCluster(cfg, g.noisy); err != nil {
		return nil, err
	}
	if g.bus, err = newBus(cfg, g.cluster.size(), g.noisy); err != nil {
		g.cluster.close()
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
	g.openNamespaces()
	g.health = newHealth(slices.Concat(g.bus.checks(cfg.RedisGrace), g.cluster.checks(), g.accessChecks())...)
	g.api = newAPI(g)
	g.handshakes = newHandshakes(g.tracer)
	g.trim = newTrimmer(g.connected.Load, g.welcomed.Load)
	g.memory = memoryLimit("/sys/fs/cgroup")
	g.progress.delay, g.progress.window = cfg.DrainDelay, cfg.DrainWindow
	g.metrics = newMetrics(g)
	return g, nil
}

// close gives up what newGateway opened, once run has ended.
func (g *gateway) close() {
	if g.api != nil {
		g.api.Close()
	}
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
			MaxSessions:    g.cfg.Limits.Connections,
			Admit:          g.doors.admit,
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
		ForgetAuth:             g.access != nil, // it holds a token
		MaxEventsPerSecond:     g.cfg.Limits.Events.PerSecond,
		EventBurst:             g.cfg.Limits.Events.Burst,
		MaxRoomsPerSocket:      g.cfg.Limits.Rooms,
		MaxNamespaces:          g.cfg.Limits.Namespaces,
		MaxPendingAcks:         g.cfg.Limits.PendingAcks,
	}
	c.Adapter = g.adapter()
	if g.cfg.recovers() {
		c.Recovery = g.cfg.recoveryOf
	}
	return c
}

// openNamespaces makes the namespaces that there are.
func (g *gateway) openNamespaces() {
	if g.access != nil {
		g.guardNamespaces()
		return
	}
	g.attach(g.sockets.Of("/"))
	if g.cfg.Dev {
		g.attach(g.sockets.OfPattern(anyNamespace))
	}
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
	OnServerSide(event string, f func(*socketio.ServerSideEvent))
}

// attach gives a namespace what a gateway does with its sockets.
func (g *gateway) attach(ns namespace) {
	ns.OnConnect(func(*socketio.Socket) { g.connected.Add(1); g.welcomed.Add(1) })
	ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) { g.connected.Add(-1) })
	g.relay.serve(ns)
	api.Answer(ns)
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
