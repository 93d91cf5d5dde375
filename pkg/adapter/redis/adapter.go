package redis

import (
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Adapter is a socketio.ClusterAdapter over one Redis server. See the package comment for a
// life. All methods may be called from any goroutine.
type Adapter struct {
	// Immutable.
	cfg       Config
	client    goredis.UniversalClient
	ownClient bool
	cluster   *redisCluster // nil if client's server is all there is
	names     channels
	uid       string // names this node as a sender in all its namespaces
	log       *sparingLog
	// probeChannel is where this node hears itself.
	probeChannel string
	started      chan struct{} // closed when Run has set tag
	ended        chan struct{} // closed when Run returns

	count     counters
	interests *interests
	publisher *publisher
	hearing   gaps
	calls     *calls
	histories histories
	form      recordForm // how events are recorded

	// Owned by Run.
	former []connName // connections that may still be subscribed

	answerer *answerer // set by Run before anything is received

	// What a sharded adapter changes in the adapters of its shards. wants lists what
	// must be heard for a room, or with an empty room for a namespace; handle takes what
	// arrives; groups divides channels into those that one command may name; lost is
	// told when something may be on another server now, and on which if that is known.
	wants   func(namespace, room string) []want
	handle  func(node socketio.Node, m *goredis.Message) (delivered bool)
	groups  func(channels []string) iter.Seq[[]string]
	lost    func(server string)
	sharded bool          // publish with SPUBLISH
	retry   chan struct{} // a token ends the wait before the next connection

	mu  sync.Mutex
	tag string // Guarded by mu.
}

var (
	_ socketio.ClusterAdapter      = (*Adapter)(nil)
	_ socketio.PrivateRoomsAdapter = (*Adapter)(nil)
)

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
		groups:    func(channels []string) iter.Seq[[]string] { return slices.Chunk(channels, subscribeBatch) },
		lost:      func(string) {},
		retry:     make(chan struct{}, 1),
	}
	a.probeChannel = a.names.probe(a.uid)
	a.calls = newCalls(a.uid, cfg.MaxQuestions)
	a.wants, a.handle, a.form = a.classicWants, a.handleClassic, a.classicForm()
	if a.client == nil {
		if err := a.connect(); err != nil {
			return nil, err
		}
	}
	a.publisher = &publisher{
		client: a.client, maxMessages: cfg.MaxQueue, maxBytes: cfg.MaxQueueBytes,
		observe: cfg.ObservePublish, count: &a.count, log: a.log, wake: make(chan struct{}, 1),
	}
	now := time.Now()
	a.publisher.gaps.back(now, now) // as far as is known
	return a, nil
}

// connect makes the client. In a cluster any node will do: messages reach all
// of them.
func (a *Adapter) connect() error {
	l, err := a.cfg.locate()
	if err != nil {
		return err
	}
	a.ownClient = true
	if l.kind != inCluster {
		a.client = newClient(l)
		return nil
	}
	a.cluster = newCluster(l)
	o := *l.options
	o.Dialer = a.cluster.dialAny
	l.options = &o
	a.client = newClient(l)
	return nil
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

// PrivateRooms reports whether Join must be called for the rooms that are named by this
// node's own sockets' ids as well: with Exact.
func (a *Adapter) PrivateRooms() bool { return a.cfg.PrivateRooms == Exact }

// Healthy reports whether everything wanted is being heard, nothing of a history is missing, and Redis takes messages, as
// far as is known.
func (a *Adapter) Healthy() bool {
	now := time.Now()
	_, _, doubted := a.historySizes()
	return doubted == 0 && a.hearing.read(now).up && a.publisher.gaps.read(now).up
}

// Stats returns the figures of the moment.
func (a *Adapter) Stats() Stats {
	s := a.count.read()
	s.QueuedMessages, s.QueuedBytes = a.publisher.sizes()
	s.Subscriptions, s.Pending = a.interests.sizes()
	s.HistoryEvents, s.HistoryBytes, s.Doubted = a.historySizes()
	now := time.Now()
	h, p := a.hearing.read(now), a.publisher.gaps.read(now)
	s.Connected, s.ConnectedSince, s.DownSince, s.ProvenUntil = h.up, h.upSince, h.downSince, h.proven
	s.Gaps, s.GapTotal = h.gaps, h.total
	s.CanPublish, s.PublishDownSince = p.up, p.downSince
	s.PublishGaps, s.PublishGapTotal = p.gaps, p.total
	s.Questions = a.calls.size()
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
	err := a.client.Close()
	if a.cluster != nil {
		err = errors.Join(err, a.cluster.close())
	}
	if err != nil {
		return fmt.Errorf("close redis client: %w", err)
	}
	return nil
}
