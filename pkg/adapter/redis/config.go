package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Config says how an Adapter works. The zero value of everything but URL is usable.
type Config struct {
	// URL is a Redis server: redis://, rediss:// or unix://, with user, password and
	// database as go-redis reads them. Pub/Sub has no databases: see Prefix.
	//
	// Several of the first two with commas between are nodes of a Redis Cluster; of those
	// behind the first only host:port need be written. redis+sentinel://host,host/master
	// finds the master that Sentinels call so; the user is that of Redis, and the
	// parameters sentinel_username and sentinel_password are for the Sentinels.
	URL string
	// TLS, if set, is used instead of what rediss:// makes of the host's name.
	TLS *tls.Config
	// Client is used instead of URL if it is set, and must outlive the Adapter. It
	// must not repeat commands (MaxRetries -1), or messages are delivered twice.
	Client goredis.UniversalClient
	// Prefix begins the names of all channels: the official adapter's key. All nodes
	// of a cluster have the same. "" means socket.io.
	Prefix string
	// PrivateRooms says how New's adapter hears what is for single sockets. "" means
	// ByPattern. NewSharded has SubscriptionMode instead.
	PrivateRooms PrivateRooms
	// SubscriptionMode is for NewSharded. "" means Dynamic.
	SubscriptionMode SubscriptionMode
	// Logger is told of lost connections and of hostile messages, sparingly. nil
	// means that nothing is logged.
	Logger *slog.Logger
	// StartTimeout is how long Run tries to reach Redis for the first time before it
	// returns an error. 0 means for ever: then a node starts without Redis and says
	// in Stats that it is not connected.
	StartTimeout time.Duration
	// ProbeInterval is the time between the probes with which a node hears itself,
	// and ProbeTimeout how long the answer may take when nothing else arrives. A
	// connection that has been silent for the sum of both, or does not bring what is
	// published, is replaced. 0 means 2 s and 4 s.
	ProbeInterval, ProbeTimeout time.Duration
	// Linger is how long a channel stays subscribed after Leave. 0 means 2 s.
	Linger time.Duration
	// MaxMessageBytes bounds a message, both in MessagePack and as JSON. A larger one
	// is not published, and dropped on receipt. 0 means 16 MiB.
	MaxMessageBytes int
	// MaxQueue and MaxQueueBytes bound what waits to be published; beyond, Broadcast
	// returns ErrQueueFull. 0 means 16,384 messages and 64 MiB.
	MaxQueue, MaxQueueBytes int
	// MaxQuestions bounds the questions to other nodes that wait for answers at the
	// same time; beyond, they fail with ErrBusy. 0 means 1,000.
	MaxQuestions int
	// SharedResponses sends answers on the channel that all nodes hear, even to nodes
	// that have one of their own. The nodes that need it are those of the official
	// adapter before 7.1. It is the opposite of the official adapter's
	// publishOnSpecificResponseChannel; both kinds of answers are always heard.
	SharedResponses bool
	// ObservePublish, if set, is told how long each publish took from Broadcast to
	// Redis's answer; ObserveReceive, how long decoding and delivering took for each
	// message. They must not block.
	ObservePublish, ObserveReceive func(time.Duration)

	// MaxHistory and MaxHistoryBytes are about namespaces with a history (socketio.Recovery), which
	// needs Redis 6.2, and the same database for all nodes. They bound each history: the oldest is forgotten
	// first. The first may be exceeded by a hundred or so. The second is what Redis says that the
	// stream costs, and is looked at every 2 s. 0 means 1,000,000 events and 256 MiB.
	MaxHistory, MaxHistoryBytes int
	// ObserveRecord, if set, is told how long each event took from Record to Redis's answer.
	// It must not block.
	ObserveRecord func(time.Duration)
}

// PrivateRooms is a way to hear the rooms that are named by this node's sockets' ids. Each
// node may have its own: publishers notice nothing.
type PrivateRooms string

// The ways.
const (
	// ByPattern: one pattern for each namespace, on the node's tag. A socket costs
	// nothing, but Redis compares every PUBLISH with every pattern that it has.
	ByPattern PrivateRooms = "pattern"
	// Exact: one channel for each socket, subscribed before the socket is connected. It
	// costs a round trip to Redis per connection, and some hundred bytes there, and
	// nothing per PUBLISH, however many nodes there are.
	Exact PrivateRooms = "exact"
)

// Errors of Broadcast and of questions: other nodes did not get the message. Compare
// with errors.Is.
var (
	// ErrAway says that Redis is known to be unreachable.
	ErrAway = errors.New("redis is away")
	// ErrQueueFull says that Redis takes messages more slowly than they are made.
	ErrQueueFull = errors.New("publish queue is full")
	// ErrBadEvent says that the event can't be sent: its data is not what Broadcast
	// promises, or too large.
	ErrBadEvent = errors.New("event can't be published")
	// ErrBusy says that Config.MaxQuestions questions wait for answers already.
	ErrBusy = errors.New("too many questions at once")
	// ErrClosed says that Run has ended.
	ErrClosed = errors.New("adapter is closed")
)

func (c Config) withDefaults() (Config, error) {
	if c.URL == "" && c.Client == nil {
		return c, errors.New("redis adapter: no URL")
	}
	for name, n := range map[string]int{
		"MaxMessageBytes": c.MaxMessageBytes, "MaxQueue": c.MaxQueue, "MaxQueueBytes": c.MaxQueueBytes, "MaxQuestions": c.MaxQuestions,
		"MaxHistory": c.MaxHistory, "MaxHistoryBytes": c.MaxHistoryBytes,
		"StartTimeout": int(c.StartTimeout), "ProbeInterval": int(c.ProbeInterval),
		"ProbeTimeout": int(c.ProbeTimeout), "Linger": int(c.Linger),
	} {
		if n < 0 {
			return c, fmt.Errorf("redis adapter: %s is negative", name)
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch c.PrivateRooms {
	case "", ByPattern, Exact:
	default:
		return c, fmt.Errorf("redis adapter: unknown way to hear private rooms %q", c.PrivateRooms)
	}
	switch c.SubscriptionMode {
	case "", Dynamic, Static, DynamicPrivate:
	default:
		return c, fmt.Errorf("redis adapter: unknown subscription mode %q", c.SubscriptionMode)
	}
	set(&c.PrivateRooms, ByPattern)
	set(&c.SubscriptionMode, Dynamic)
	set(&c.Prefix, "socket.io")
	set(&c.ProbeInterval, 2*time.Second)
	set(&c.ProbeTimeout, 4*time.Second)
	set(&c.Linger, 2*time.Second)
	set(&c.MaxMessageBytes, 16<<20)
	set(&c.MaxQueue, 16384)
	set(&c.MaxQueueBytes, 64<<20)
	set(&c.MaxQuestions, 1000)
	set(&c.MaxHistory, 1_000_000)
	set(&c.MaxHistoryBytes, 256<<20)
	return c, nil
}

func set[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}

// locate reads URL, and puts TLS into what it says.
func (c Config) locate() (location, error) {
	l, err := parseURL(c.URL)
	if err == nil && c.TLS != nil {
		l.options.TLSConfig = c.TLS
	}
	return l, err
}
