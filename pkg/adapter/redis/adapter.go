package redis

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Adapter is a socketio.Adapter over one Redis server. See the package comment for a
// life. All methods may be called from any goroutine.
type Adapter struct {
	// Immutable.
	cfg       Config
	client    goredis.UniversalClient
	ownClient bool
	names     channels
	uid       string // names this node as a sender in all its namespaces
	log       *sparingLog
	started   chan struct{} // closed when Run has set tag
	ended     chan struct{} // closed when Run returns

	count     counters
	interests *interests
	publisher *publisher

	mu sync.Mutex
	// Guarded by mu.
	tag                 string
	connectedAt, downAt time.Time // one of them is zero; both are before the first connection
	gaps                uint64
	gapTotal            time.Duration
}

var _ socketio.Adapter = (*Adapter)(nil)

// New checks cfg and returns an Adapter that is not connected yet: Run does that.
func New(cfg Config) (*Adapter, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Adapter{
		cfg: cfg, client: cfg.Client,
		names: newChannels(cfg.Prefix), uid: newUID(), log: newSparingLog(cfg.Logger),
		started: make(chan struct{}), ended: make(chan struct{}),
		interests: newInterests(cfg.Linger),
	}
	if a.client == nil {
		if a.client, err = newClient(cfg.URL); err != nil {
			return nil, err
		}
		a.ownClient = true
	}
	a.publisher = &publisher{
		client: a.client, maxMessages: cfg.MaxQueue, maxBytes: cfg.MaxQueueBytes,
		observe: cfg.ObservePublish, count: &a.count, log: a.log, wake: make(chan struct{}, 1),
	}
	return a, nil
}

// newUID makes a sender's name as the official adapter does: 6 characters, 36 bits.
func newUID() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var b [6]byte
	_, _ = rand.Read(b[:]) // it never fails
	for i := range b {
		b[i] = alphabet[b[i]&63]
	}
	return string(b[:])
}

// Healthy reports whether everything wanted is being heard and Redis takes messages, as
// far as is known.
func (a *Adapter) Healthy() bool {
	a.mu.Lock()
	connected := !a.connectedAt.IsZero()
	a.mu.Unlock()
	return connected && a.publisher.away() == nil
}

// Stats returns the figures of the moment.
func (a *Adapter) Stats() Stats {
	s := a.count.read()
	s.QueuedMessages, s.QueuedBytes = a.publisher.sizes()
	s.Subscriptions, s.Pending = a.interests.sizes()
	s.CanPublish = a.publisher.away() == nil
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Connected, s.ConnectedSince, s.DownSince = !a.connectedAt.IsZero(), a.connectedAt, a.downAt
	s.Gaps, s.GapTotal = a.gaps, a.gapTotal
	return s
}

// Close frees what New made. The context of Run must have ended before; Close waits
// until Run has returned, if it was called.
func (a *Adapter) Close() error {
	select {
	case <-a.started:
		<-a.ended
	default:
	}
	if !a.ownClient {
		return nil
	}
	if err := a.client.Close(); err != nil {
		return fmt.Errorf("close redis client: %w", err)
	}
	return nil
}
