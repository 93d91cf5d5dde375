package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// nodeAPI is what an Adapter calls of the server that it serves.
type nodeAPI = socketio.Node

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

// Run implements socketio.Adapter. It returns nil when ctx has ended, and an error only
// if Redis could not be reached within Config.StartTimeout. Every goroutine that it
// started has ended then. It may be called once.
func (a *Adapter) Run(ctx context.Context, node socketio.Node) error {
	a.mu.Lock()
	a.tag = node.Tag()
	a.mu.Unlock()
	close(a.started)
	defer close(a.ended)
	defer a.interests.lost(true) // nobody waits for what will not come
	ctx, cancel := context.WithCancel(ctx)
	published := make(chan struct{})
	go func() {
		defer close(published)
		a.publisher.run(ctx)
	}()
	err := a.keepListening(ctx, node)
	cancel()
	<-published
	return err
}

// keepListening replaces the Pub/Sub connection whenever it fails.
func (a *Adapter) keepListening(ctx context.Context, node socketio.Node) error {
	start := time.Now()
	everUp, wait := false, firstBackoff
	for {
		wasUp, err := a.listen(ctx, node)
		everUp = everUp || wasUp
		a.interests.lost(everUp)
		a.disconnected()
		if ctx.Err() != nil {
			return nil
		}
		if !everUp && a.cfg.StartTimeout > 0 && time.Since(start) >= a.cfg.StartTimeout {
			return fmt.Errorf("reach redis within %v: %w", a.cfg.StartTimeout, err)
		}
		a.log.warn("not subscribed", "", errorAttr(err))
		if wasUp {
			wait = firstBackoff
		}
		if !sleep(ctx, wait) {
			return nil
		}
		wait = min(2*wait, lastBackoff)
	}
}

// connected notes that everything wanted is subscribed.
func (a *Adapter) connected() {
	a.interests.up()
	a.mu.Lock()
	a.connectedAt = time.Now()
	var gap time.Duration
	if !a.downAt.IsZero() {
		gap = a.connectedAt.Sub(a.downAt)
		a.gaps++
		a.gapTotal += gap
	}
	a.downAt = time.Time{}
	a.mu.Unlock()
	subscriptions, _ := a.interests.sizes()
	a.cfg.Logger.Info("subscribed", "subscriptions", subscriptions, "gap", gap)
}

func (a *Adapter) disconnected() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.connectedAt.IsZero() {
		a.connectedAt, a.downAt = time.Time{}, time.Now()
	}
}

// want is a subscription that a namespace or a room needs.
type want struct {
	name string
	kind channelKind
}

// wants returns what a node must hear for a room, or with an empty room for a namespace.
func (a *Adapter) wants(namespace, room string) []want {
	if room != "" {
		return []want{{a.names.room(namespace, room), kindBroadcast}}
	}
	a.mu.Lock()
	tag := a.tag
	a.mu.Unlock()
	return []want{
		{a.names.all(namespace), kindBroadcast},
		{a.names.private(namespace, tag), kindPrivate},
		{a.names.requests(namespace), kindRequest},
	}
}

// Join implements socketio.Adapter. Before Redis is reached for the first time it waits
// for that. While Redis is away it returns at once: the room is then in the same state
// as those that were joined before, and is subscribed with them. An error is that of
// ctx, or ErrClosed, and means that the interest is given up. Calls of Join and Leave
// for one name must not overlap.
func (a *Adapter) Join(ctx context.Context, namespace, room string) error {
	select {
	case <-a.started:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-a.ended:
		return ErrClosed
	default:
	}
	wants := a.wants(namespace, room)
	ready := make([]<-chan struct{}, len(wants))
	for i, w := range wants {
		ready[i] = a.interests.add(w.name, w.kind, namespace)
	}
	for _, r := range ready {
		if r == nil {
			continue
		}
		select {
		case <-r:
		case <-ctx.Done():
			a.leave(wants)
			return context.Cause(ctx)
		}
	}
	return nil
}

// Leave implements socketio.Adapter. It does not wait: the channel is left after
// Config.Linger, unless the room is joined again. It never fails.
func (a *Adapter) Leave(_ context.Context, namespace, room string) error {
	a.leave(a.wants(namespace, room))
	return nil
}

func (a *Adapter) leave(wants []want) {
	now := time.Now()
	for _, w := range wants {
		a.interests.remove(w.name, now)
	}
}

// Broadcast implements socketio.Adapter. It queues the event for the other nodes and
// calls deliver, whether or not that succeeded. It does not wait for Redis: Stats and
// Config.ObservePublish say what became of it. The error is one of ErrAway, ErrQueueFull,
// ErrBadEvent and ErrClosed.
func (a *Adapter) Broadcast(_ context.Context, b *socketio.Broadcast, deliver func()) error {
	err := a.publish(b)
	deliver()
	switch {
	case errors.Is(err, ErrQueueFull):
		a.count.refusedFull.Add(1)
		a.log.warn("publish queue is full", "")
	case errors.Is(err, ErrBadEvent):
		a.count.refusedBad.Add(1)
	case err != nil:
		a.count.refusedAway.Add(1)
	}
	return err
}

func (a *Adapter) publish(b *socketio.Broadcast) error {
	if err := a.publisher.away(); err != nil {
		return err
	}
	payload := payloads.Get().(*[]byte)
	var err error
	*payload, err = appendEnvelope((*payload)[:0], a.uid, b)
	if err == nil && max(len(*payload), len(b.Data)) > a.cfg.MaxMessageBytes {
		err = errors.New("too large")
	}
	if err != nil {
		freePayload(payload)
		return fmt.Errorf("%w: %w", ErrBadEvent, err)
	}
	m := publication{channel: a.names.target(b.Namespace, b.Rooms), payload: payload, queued: time.Now()}
	if err := a.publisher.enqueue(m); err != nil {
		freePayload(payload)
		return err
	}
	return nil
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
