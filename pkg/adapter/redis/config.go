package redis

import (
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
	URL string
	// Client is used instead of URL if it is set, and must outlive the Adapter. It
	// must not repeat commands (MaxRetries -1), or messages are delivered twice.
	Client goredis.UniversalClient
	// Prefix begins the names of all channels: the official adapter's key. All nodes
	// of a cluster have the same. "" means socket.io.
	Prefix string
	// Logger is told of lost connections and of hostile messages, sparingly. nil
	// means that nothing is logged.
	Logger *slog.Logger
	// StartTimeout is how long Run tries to reach Redis for the first time before it
	// returns an error. 0 means for ever: then a node starts without Redis and says
	// in Stats that it is not connected.
	StartTimeout time.Duration
	// ProbeInterval is the time between probes of the Pub/Sub connection. One on
	// which nothing has arrived from one probe to the next is replaced. 0 means 5 s.
	ProbeInterval time.Duration
	// Linger is how long a channel stays subscribed after Leave. 0 means 2 s.
	Linger time.Duration
	// MaxMessageBytes bounds a message, both in MessagePack and as JSON. A larger one
	// is not published, and dropped on receipt. 0 means 16 MiB.
	MaxMessageBytes int
	// MaxQueue and MaxQueueBytes bound what waits to be published; beyond, Broadcast
	// returns ErrQueueFull. 0 means 16,384 messages and 64 MiB.
	MaxQueue, MaxQueueBytes int
	// ObservePublish, if set, is told how long each publish took from Broadcast to
	// Redis's answer; ObserveReceive, how long decoding and delivering took for each
	// message. They must not block.
	ObservePublish, ObserveReceive func(time.Duration)
}

// Errors of Broadcast: other nodes did not get the event. Compare with errors.Is.
var (
	// ErrAway says that Redis is known to be unreachable.
	ErrAway = errors.New("redis is away")
	// ErrQueueFull says that Redis takes messages more slowly than they are made.
	ErrQueueFull = errors.New("publish queue is full")
	// ErrBadEvent says that the event can't be sent: its data is not what Broadcast
	// promises, or too large.
	ErrBadEvent = errors.New("event can't be published")
	// ErrClosed says that Run has ended.
	ErrClosed = errors.New("adapter is closed")
)

func (c Config) withDefaults() (Config, error) {
	if c.URL == "" && c.Client == nil {
		return c, errors.New("redis adapter: no URL")
	}
	for name, n := range map[string]int{
		"MaxMessageBytes": c.MaxMessageBytes, "MaxQueue": c.MaxQueue, "MaxQueueBytes": c.MaxQueueBytes,
		"StartTimeout": int(c.StartTimeout), "ProbeInterval": int(c.ProbeInterval), "Linger": int(c.Linger),
	} {
		if n < 0 {
			return c, fmt.Errorf("redis adapter: %s is negative", name)
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	set(&c.Prefix, "socket.io")
	set(&c.ProbeInterval, 5*time.Second)
	set(&c.Linger, 2*time.Second)
	set(&c.MaxMessageBytes, 16<<20)
	set(&c.MaxQueue, 16384)
	set(&c.MaxQueueBytes, 64<<20)
	return c, nil
}

func set[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}
