package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// bus is the Redis adapter of this node, if it has one. All methods take a nil
// bus, for a node that is alone.
type bus struct {
	adapter redisAdapter
	kind    string               // AdapterClassic or AdapterSharded
	latency prometheus.Histogram // of publishes
	records prometheus.Histogram // how long they take
}

// The values of Config.Adapter.
const (
	AdapterClassic = "classic"
	AdapterSharded = "sharded"
)

// The values of Config.PrivateRooms.
const (
	PrivateRoomsAuto    = "auto"
	PrivateRoomsPattern = "pattern"
	PrivateRoomsExact   = "exact"
)

// mostPatterns is how many nodes of a cluster may have a pattern each: beside 20 patterns a
// PUBLISH costs Redis nearly twice what it costs beside none (docs/performance.md).
const mostPatterns = 20

// privateRooms chooses how this node hears its sockets' own rooms, for as long as it runs.
// nodes are those of the cluster at its start. Whatever the order in which many nodes
// start, only so many of them can see few others, as each sees those that have claimed a
// tag before it. A node that sees none because Redis is away is never a burden with
// exact channels.
func privateRooms(setting string, nodes int) redis.PrivateRooms {
	switch {
	case setting == PrivateRoomsPattern, setting != PrivateRoomsExact && nodes > 0 && nodes <= mostPatterns:
		return redis.ByPattern
	}
	return redis.Exact
}

// redisAdapter is what the two adapters of package redis have in common.
type redisAdapter interface {
	socketio.ClusterAdapter
	Stats() redis.Stats
	Close() error
}

// leastMessageBytes is the adapter's default.
const leastMessageBytes = 16 << 20

var errRedisURL = errors.New("--redis-url: want redis://, rediss:// or unix://, several of the first two with commas between, or redis+sentinel://host,host/master")

// CheckRedisURL reports whether --redis-url is one that Run takes.
func CheckRedisURL(s string) bool { return redis.CheckURL(s) == nil }

// IsRedisCluster reports whether --redis-url is that of a Redis Cluster.
func IsRedisCluster(s string) bool { return redis.IsCluster(s) }

// muteGoRedis keeps go-redis from writing to standard error, in a form of its own.
// What it says there, that a connection failed, the adapter logs as well.
var muteGoRedis = sync.OnceFunc(func() { goredis.SetLogger(mute{}) })

type mute struct{}

func (mute) Printf(context.Context, string, ...any) {}

// newBus connects to nothing yet; it refuses a URL that makes no sense. nodes is the size
// of the cluster, 0 if that is not known.
func newBus(cfg Config, nodes int, log *slog.Logger) (*bus, error) {
	if cfg.RedisURL == "" {
		return nil, nil
	}
	if !CheckRedisURL(cfg.RedisURL) {
		return nil, errRedisURL // without the reason, which may quote the password
	}
	if cfg.recovers() && IsRedisCluster(cfg.RedisURL) {
		return nil, errClusterHistory
	}
	b := &bus{latency: prometheus.NewHistogram(latencyOpts), records: prometheus.NewHistogram(recordOpts)}
	rc := redis.Config{
		URL:    cfg.RedisURL,
		Prefix: cfg.RedisPrefix,
		Logger: log,
		// What a client may send must fit, in the longer of the two encodings.
		MaxMessageBytes: max(leastMessageBytes, 4*cfg.MaxPayload),
		ObservePublish:  func(d time.Duration) { b.latency.Observe(d.Seconds()) },
		ObserveRecord:   func(d time.Duration) { b.records.Observe(d.Seconds()) },
	}
	var err error
	switch cfg.Adapter {
	case "", AdapterClassic:
		b.kind = AdapterClassic
		rc.PrivateRooms = privateRooms(cfg.PrivateRooms, nodes)
		log.Debug("private rooms", "heard by", rc.PrivateRooms, "nodes", nodes)
		b.adapter, err = redis.New(rc)
	case AdapterSharded:
		b.kind = AdapterSharded
		rc.SubscriptionMode = redis.SubscriptionMode(cfg.SubscriptionMode)
		b.adapter, err = redis.NewSharded(rc)
	default:
		err = fmt.Errorf("--adapter: want %s or %s", AdapterClassic, AdapterSharded)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (b *bus) close() {
	if b != nil {
		b.adapter.Close()
	}
}

// name is the adapter's, for people.
func (b *bus) name() string {
	if b == nil {
		return "memory"
	}
	if b.kind == AdapterSharded {
		return "redis sharded"
	}
	return "redis"
}

// defaultGrace is how long a node without Redis stays ready.
const defaultGrace = 30 * time.Second

// checks is what being ready needs of Redis. A node that loses it still serves its
// own clients, and taking every node away at the first blip would turn a small
// outage into a large one; so it is not ready only after grace. Before the first
// connection there is nothing to lose: a node that comes up alone would answer
// joins that other nodes know nothing of.
func (b *bus) checks(grace time.Duration) []check {
	if b == nil {
		return nil
	}
	if grace == 0 {
		grace = defaultGrace
	}
	return []check{{"redis", func() (string, bool) { return redisState(b.adapter.Stats(), time.Now(), grace) }}}
}

func redisState(s redis.Stats, now time.Time, grace time.Duration) (state string, ready bool) {
	since := s.DownSince
	if !s.CanPublish && (since.IsZero() || s.PublishDownSince.Before(since)) {
		since = s.PublishDownSince
	}
	switch {
	case !s.Connected && s.DownSince.IsZero():
		return "connecting", false
	case s.Connected && s.CanPublish:
		return "ok", true
	case now.Sub(since) < grace:
		return "reconnecting", true
	}
	return "away", false
}
