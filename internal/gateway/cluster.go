package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/peer"
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
)

// cluster is this node's place among the others: its tag, and requests for sessions
// that live elsewhere. All methods take a nil cluster, for a node that is alone.
type cluster struct {
	client    goredis.UniversalClient
	registry  *peer.Registry
	forwarder *peer.Forwarder
	receiver  *peer.Receiver
	added     *prometheus.HistogramVec
	nodes     int // there were when this one started, itself included; 0 if that is not known
}

const (
	// claimTime is how long a start waits for Redis to confirm the node's tag.
	claimTime = 2 * time.Second
	// leaveTime bounds the goodbye to a Redis that may be away.
	leaveTime = time.Second
)

// joinCluster claims a tag.
func joinCluster(cfg Config, log *slog.Logger) (*cluster, error) {
	if cfg.RedisURL == "" {
		return nil, nil
	}
	muteGoRedis()
	client, err := redis.OpenClient(cfg.RedisURL)
	if err != nil {
		return nil, errRedisURL
	}
	c := &cluster{client: client, added: prometheus.NewHistogramVec(addedOpts, []string{"kind"})}
	for _, kind := range addedKinds { // so that a graph begins at 0
		c.added.WithLabelValues(kind)
	}
	ctx, cancel := context.WithTimeout(context.Background(), claimTime)
	defer cancel()
	prefix := cfg.RedisPrefix
	if prefix == "" {
		prefix = "socket.io"
	}
	c.registry, err = peer.Join(ctx, peer.Config{Store: peer.NewRedis(c.client, prefix), Version: cfg.Version, Logger: log})
	if err != nil {
		c.client.Close()
		return nil, fmt.Errorf("join cluster: %w", err)
	}
	c.nodes, _ = c.registry.Count(ctx) // an error is logged there
	return c, nil
}

// size is how many nodes there were when this one started, 0 if that is not known.
func (c *cluster) size() int {
	if c == nil {
		return 0
	}
	return c.nodes
}

// tag is the beginning of this node's session ids; empty lets it be drawn elsewhere.
func (c *cluster) tag() string {
	if c == nil {
		return ""
	}
	return c.registry.Tag()
}

// connect puts forwarding in front of and behind this node's Socket.IO handler.
func (c *cluster) connect(cfg Config, sockets http.Handler, log *slog.Logger) error {
	if c == nil {
		return nil
	}
	var err error
	c.forwarder, err = peer.NewForwarder(peer.Forwarding{
		Registry: c.registry, Local: sockets, Key: cfg.ClusterKey, Logger: log, Patience: cfg.PingInterval + cfg.PingTimeout,
		ObserveAdded: func(kind string, d time.Duration) { c.added.WithLabelValues(kind).Observe(d.Seconds()) },
	})
	if err != nil {
		return fmt.Errorf("start forwarding: %w", err)
	}
	c.receiver = peer.NewReceiver(c.tag(), cfg.ClusterKey, sockets, log)
	return nil
}

// front is the handler for the public listener.
func (c *cluster) front(sockets http.Handler) http.Handler {
	if c == nil {
		return sockets
	}
	return c.forwarder
}

// behind is the handler for what peers send to the internal listener; nil if there
// are none.
func (c *cluster) behind() http.Handler {
	if c == nil {
		return nil
	}
	return c.receiver
}

// announce tells the other nodes where this one listens.
func (c *cluster) announce(ctx context.Context, cfg Config, internal net.Addr, log *slog.Logger) {
	if c == nil {
		return
	}
	address := cfg.Advertise
	if address == "" {
		address = advertised(internal)
	}
	log.Info("joining cluster", "node", c.tag(), "advertise", address)
	if !cfg.Dev && loopbackOnly(address) {
		log.Warn("nodes on other machines can't reach this one: set --internal-listen or --advertise", "advertise", address)
	}
	_ = c.registry.Announce(ctx, address) // logged there; run tries again
}

// advertised is where other nodes reach a listener: its own address, or the host's if
// it listens on all.
func advertised(ln net.Addr) string {
	tcp, ok := ln.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return ln.String()
	}
	host := tcp.IP
	addresses, _ := net.InterfaceAddrs() // none leaves what there is
	for _, a := range addresses {
		n, ok := a.(*net.IPNet)
		if ok && n.IP.IsGlobalUnicast() && (host.IsUnspecified() || host.To4() == nil && n.IP.To4() != nil) {
			host = n.IP
		}
	}
	if host.IsUnspecified() {
		host = net.IPv4(127, 0, 0, 1)
	}
	return (&net.TCPAddr{IP: host, Port: tcp.Port}).String()
}

// loopbackOnly reports whether an address is reached from its own machine only.
func loopbackOnly(address string) bool {
	host, _, _ := net.SplitHostPort(address) // what is none is nobody's loopback
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// run keeps this node in the registry until ctx ends. Its error says that another node
// has this one's tag.
func (c *cluster) run(ctx context.Context) error {
	if c == nil {
		return nil
	}
	return c.registry.Run(ctx)
}

// markDraining tells the other nodes that this one is going.
func (c *cluster) markDraining(ctx context.Context) {
	if c != nil {
		_ = c.registry.Drain(ctx) // logged there
	}
}

// drain lets go of the sessions of others over window. An error says that some were
// still held when ctx ended.
func (c *cluster) drain(ctx context.Context, window time.Duration) error {
	if c == nil {
		return nil
	}
	return c.forwarder.Drain(ctx, window)
}

// close ends the tunnels that are left and takes this node out of the registry.
func (c *cluster) close() {
	if c == nil {
		return
	}
	if c.forwarder != nil {
		c.forwarder.Close()
	}
	if c.receiver != nil {
		c.receiver.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	_ = c.registry.Leave(ctx) // else the entry ends by itself
	c.client.Close()
}

// checks is what being ready needs of the registry: that the tag is this node's. While
// Redis is away the others may forget this node, but what it serves it can go on
// serving; how long that may last is the bus's to say.
func (c *cluster) checks() []check {
	if c == nil {
		return nil
	}
	return []check{{"registry", func() (string, bool) {
		state := c.registry.State()
		return state, state == "ok" || state == "stale"
	}}}
}
