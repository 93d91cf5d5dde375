package gateway

import (
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/causeway-rt/causeway/internal/access"
)

// Sources says what was configured, and how, without any value: some are secrets.
type Sources struct {
	// File is the path of the configuration file; empty if there is none.
	File string
	// Names are what was set, as its source spells it: --listen, GATEWAY_LISTEN or, in the
	// file, listen.
	Names []string
}

// Config says how a gateway behaves. The command line has the defaults that
// differ from what zero means here.
type Config struct {
	// Version is shown in metrics and logs.
	Version string
	// Sources says where the configuration comes from. It is logged at the start.
	Sources Sources
	// Warnings are about the configuration itself. They are logged at the start.
	Warnings []string
	// Dev opens the relay to everybody, on any namespace, and serves the demo page.
	Dev bool

	// Nodes is how many nodes run in this process, joined by a Redis of their own in
	// it: a cluster to try, so more than one need Dev and take no RedisURL. 0 means 1.
	Nodes int

	// Listen is the public address, host:port. Port 0 takes a free one. Of several
	// nodes it is the first one's; the others have the ports that follow.
	Listen string
	// InternalListen is the address of metrics and health, likewise.
	InternalListen string
	// Path is where Socket.IO is served. Empty means /socket.io.
	Path string
	// AllowedOrigins lists the origins whose pages may connect, "*" for any.
	// Empty means the host itself.
	AllowedOrigins []string
	// TrustedProxies lists the peers whose forwarding headers are believed.
	TrustedProxies []netip.Prefix

	// Transports lists what clients may use. Empty means all.
	Transports []string
	// PingInterval is the time between pings. 0 means 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take. 0 means 20 s.
	PingTimeout time.Duration
	// ConnectTimeout is how long a client may take to join a namespace. 0 means 45 s.
	ConnectTimeout time.Duration
	// UpgradeTimeout bounds an upgrade. 0 means 10 s.
	UpgradeTimeout time.Duration
	// MaxPayload bounds a message and a request body, in bytes. 0 means 1,000,000.
	MaxPayload int
	// MaxQueue bounds what waits for one client, in bytes. 0 means 1 MiB.
	MaxQueue int

	// Limits bound what clients can make this node do. The zero Limits set no rates.
	Limits Limits

	// Recovery is for clients that come back, in every namespace that RecoveryOf does not
	// have. The zero Recovery means that they start afresh. A cluster's nodes must have the same.
	Recovery Recovery
	// RecoveryOf is that of single namespaces. It is not changed.
	RecoveryOf map[string]Recovery

	// RedisURL connects this node with others. Empty means it is alone.
	RedisURL string
	// RedisPrefix begins the names of the Redis channels. Empty means socket.io.
	RedisPrefix string
	// Adapter is the wire format: AdapterClassic, AdapterSharded, or "" for the first.
	Adapter string
	// SubscriptionMode is that of the sharded adapter: dynamic, static or
	// dynamic-private. Empty means dynamic.
	SubscriptionMode string
	// PrivateRooms is how the classic adapter hears the rooms of single sockets:
	// PrivateRoomsPattern, PrivateRoomsExact, or PrivateRoomsAuto, which chooses by the
	// number of nodes when this one starts. Empty means the last.
	PrivateRooms string
	// RedisGrace is how long Redis may be away before the node is not ready. 0 means 30 s.
	RedisGrace time.Duration

	// Advertise is where the other nodes reach InternalListen, host:port. Empty means
	// its own address, or with a port only, the host's.
	Advertise string
	// ClusterKey is the secret that authenticates the nodes of a cluster to each other.
	ClusterKey string
	// AffinityCookie names a cookie with the node's tag, on the first answer of each
	// session. Empty means none.
	AffinityCookie string

	// APIKeys open the server API on the internal listener. Without any there is none.
	APIKeys []APIKey

	// Access says who may connect, and what clients may do. With nil, everybody may connect
	// to the namespace "/" and nobody may do anything; with Dev, everybody may do all, in
	// any namespace.
	Access *access.Config

	// DrainDelay is how long a stopping node, already not ready, goes on as
	// before, so that balancers notice. 0 means not at all.
	DrainDelay time.Duration
	// DrainWindow is the time over which sessions are closed then. 0 means all at once.
	DrainWindow time.Duration

	// DebugKey opens Go's profiles below /debug/pprof/ on the internal listener to whoever
	// sends it as a bearer token. Empty means that there are none.
	DebugKey string

	// TraceEndpoint is the URL of an OTLP receiver of traces. Empty leaves it to the
	// environment's OTEL_EXPORTER_OTLP_ENDPOINT; without either there are none.
	TraceEndpoint string

	// LogLevel is the least level that is logged. 0 means info.
	LogLevel slog.Level
	// LogFormat is json or text. Empty means json.
	LogFormat string
	// LogOutput takes the log. nil means standard error. Several nodes write to it at
	// the same time.
	LogOutput io.Writer

	port string // tells the nodes of one process apart in their log
}
