package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// SubscriptionMode says which rooms of a sharded adapter have channels of their own. All
// nodes of a cluster must have the same: official nodes in static mode do not hear what
// the others publish to rooms.
type SubscriptionMode string

// The modes of the official adapter.
const (
	// Dynamic: rooms have channels of their own, but for those that are named by
	// something as long as a socket's id.
	Dynamic SubscriptionMode = "dynamic"
	// Static: everything goes through the channel of the namespace, and so to every
	// node. No room costs a subscription.
	Static SubscriptionMode = "static"
	// DynamicPrivate: every room has its own channel, those of single sockets too.
	DynamicPrivate SubscriptionMode = "dynamic-private"
)

// Sharded is a socketio.Adapter over sharded Pub/Sub, which Redis has since version 7, in
// the wire format of the official sharded adapter (protocol.md 4.2). In a Redis Cluster
// each message goes only to the shard that has its channel. All methods may be called
// from any goroutine.
//
// What one node publishes to one room, or to one namespace, arrives in that order. In a
// cluster, an emit to a room may overtake one to everybody: they go by different servers.
type Sharded struct {
	// Immutable.
	cfg      Config
	location location
	cluster  *redisCluster // nil with a single server
	names    channels
	uid      string
	log      *sparingLog
	started  chan struct{} // closed when Run begins
	ended    chan struct{} // closed when Run returns
	look     chan struct{} // a token makes lookAround's goroutine look at once

	count    counters // of what no lane counts
	calls    *calls
	answerer *shardedAnswerer // set by Run before anything is received

	mu sync.RWMutex
	// Guarded by mu. A lane is used under mu, so that what belongs elsewhere after a
	// change can't be put where it was.
	lanes   []*lane
	bySlot  *[slotCount]*lane // nil with a single server, and before the first look
	changed chan struct{}     // closed and replaced when lanes or bySlot change
	hint    string            // the server that should know where something is
	retired Stats             // of lanes that have ended
	made    int               // lanes, ever
}

var _ socketio.ClusterAdapter = (*Sharded)(nil)

// NewSharded checks cfg and returns an adapter that is not connected yet: Run does that.
// Config.Client may be the client of one server only.
func NewSharded(cfg Config) (*Sharded, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Sharded{
		cfg: cfg, names: newChannels(cfg.Prefix), uid: newShardedUID(), log: newSparingLog(cfg.Logger),
		started: make(chan struct{}), ended: make(chan struct{}), look: make(chan struct{}, 1),
		changed: make(chan struct{}),
	}
	s.calls = newCalls(s.uid+"-", cfg.MaxQuestions)
	if cfg.Client == nil {
		if s.location, err = cfg.locate(); err != nil {
			return nil, err
		}
	}
	if s.location.kind == inCluster {
		s.cluster = newCluster(s.location)
		return s, nil
	}
	only, err := s.newLane("")
	if err != nil {
		return nil, err
	}
	s.lanes = []*lane{only}
	return s, nil
}

// newShardedUID makes a sender's name as the official adapter does: 16 hexadecimal digits.
func newShardedUID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// PrivateRooms reports whether Join must be called for the rooms that are named by this
// node's own sockets' ids as well.
func (s *Sharded) PrivateRooms() bool { return s.cfg.SubscriptionMode == DynamicPrivate }

// separate reports whether emits to one room go by a channel of its own.
func (s *Sharded) separate(room string) bool {
	switch s.cfg.SubscriptionMode {
	case Static:
		return false
	case DynamicPrivate:
		return true
	}
	return !likeSocketID(room)
}

// likeSocketID is the official adapter's test: 20 UTF-16 code units.
func likeSocketID(room string) bool {
	if len(room) < 20 || len(room) > 60 {
		return false
	}
	units := 0
	for _, r := range room {
		if units++; r > 0xffff {
			units++
		}
	}
	return units == 20 && utf8.ValidString(room)
}

// wants lists what must be heard for a room, or with an empty room for a namespace.
func (s *Sharded) wants(namespace, room string) []want {
	switch {
	case room == "":
		return []want{{s.names.all(namespace), kindShard}, {s.names.room(namespace, s.uid), kindShard}}
	case s.separate(room):
		return []want{{s.names.room(namespace, room), kindShard}}
	}
	return nil
}

// wantsOf lists those of wants that are to be heard on one lane.
func (s *Sharded) wantsOf(l *lane, namespace, room string) []want {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.DeleteFunc(s.wants(namespace, room), func(w want) bool { return s.lane(w.name) != l })
}

// lane needs mu. It returns where a channel is; nil before that is known.
func (s *Sharded) lane(channel string) *lane {
	switch {
	case s.bySlot != nil:
		return s.bySlot[slotOf(channel)]
	case len(s.lanes) > 0:
		return s.lanes[0]
	}
	return nil
}

// Join implements socketio.Adapter, as Adapter.Join does. In a cluster, only the shard of
// the room's channel is waited for.
func (s *Sharded) Join(ctx context.Context, namespace, room string) error {
	select {
	case <-s.started:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	wants := s.wants(namespace, room)
	var history *track
	if room == "" && s.cluster == nil {
		<-s.lanes[0].started // as soon as its goroutine has begun
		history = s.lanes[0].openHistory(namespace)
	}
	for _, w := range wants {
		s.add(w, namespace)
	}
	for _, w := range wants {
		if err := s.await(ctx, w, namespace); err != nil {
			_ = s.Leave(ctx, namespace, room)
			return err
		}
	}
	if history != nil {
		s.lanes[0].settleHistory(ctx, history)
	}
	return nil
}

// add returns what to wait for before looking again, or nil if there is nothing to wait
// for.
func (s *Sharded) add(w want, namespace string) <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if l := s.lane(w.name); l != nil {
		return l.interests.add(w.name, w.kind, namespace)
	}
	return s.changed
}

// await returns when a channel is heard. While it waits, the channel may come to be on
// another lane.
func (s *Sharded) await(ctx context.Context, w want, namespace string) error {
	for {
		ready := s.add(w, namespace)
		select {
		case <-s.ended:
			return ErrClosed
		default:
		}
		if ready == nil {
			return nil
		}
		select {
		case <-ready:
		case <-s.ended:
			return ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Leave implements socketio.Adapter, as Adapter.Leave does.
func (s *Sharded) Leave(_ context.Context, namespace, room string) error {
	s.remove(s.wants(namespace, room), namespace)
	if room == "" && s.cluster == nil {
		s.lanes[0].closeHistory(namespace)
	}
	return nil
}

func (s *Sharded) remove(wants []want, namespace string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := time.Now()
	for _, w := range wants {
		if l := s.lane(w.name); l != nil {
			l.interests.remove(w.name, namespace, now)
		}
	}
}

// Healthy reports whether everything wanted is being heard and every server takes
// messages, as far as is known.
func (s *Sharded) Healthy() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.lanes) > 0 && !slices.ContainsFunc(s.lanes, func(l *lane) bool { return !l.Healthy() })
}

// Stats returns the figures of the moment, those of all servers together.
func (s *Sharded) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sum := s.count.read()
	sum.add(s.retired)
	for i, l := range s.lanes {
		sum.join(l.Stats(), i == 0)
	}
	return sum
}

// Close frees what NewSharded and Run have made. The context of Run must have ended
// before; Close waits until Run has returned, if it was called.
func (s *Sharded) Close() error {
	var errs []error
	select {
	case <-s.started:
		<-s.ended
	default:
		for _, l := range s.lanes {
			errs = append(errs, l.Adapter.Close())
		}
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close redis client: %w", err)
	}
	return nil
}
