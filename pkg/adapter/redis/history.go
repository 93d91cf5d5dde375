package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

var (
	_ socketio.HistoryAdapter = (*Adapter)(nil)
	_ socketio.HistoryAdapter = (*Sharded)(nil)
)

// ErrNoHistory says that there is no history: on a Redis Cluster, in a namespace whose
// socketio.Recovery has no Window, or with a Node that is no socketio.HistoryNode.
var ErrNoHistory = errors.New("no history")

var errNoHistoryInCluster = fmt.Errorf("%w on a Redis Cluster", ErrNoHistory)

const (
	// minKeptFor is how long the keys of a namespace live at least when no node looks after them.
	minKeptFor = 10 * time.Minute
	// clockSlack is how far the id of an event may be ahead of Redis's clock, as far as that is
	// known here.
	clockSlack = 5 * time.Second
)

// histories are the histories of an Adapter's namespaces: see the package comment. What becomes
// of their events on receipt is decided by the goroutine that receives.
type histories struct {
	// Set by Run before anything is received; nil if there is nothing to recover.
	node atomic.Pointer[socketio.HistoryNode]

	ahead    atomic.Int64 // Redis's clock minus this node's, in ms
	hasAhead atomic.Bool

	connections atomic.Uint64 // by which the bus is heard, ever

	mu sync.RWMutex // taken before that of a track
	// Guarded by mu.
	tracks map[string]*track // by namespace
}

// track is a namespace with a history, as this node knows it.
type track struct {
	// Immutable.
	namespace    string
	stream, head string // keys
	window       time.Duration
	maxEntries   int
	observed     func(time.Duration)

	mu sync.Mutex
	// Guarded by mu.
	joined bool // the node serves the namespace
	// doubted: the events that come by the bus are dropped, because some in front of them may be
	// missing. They will be read from the stream.
	doubted bool
	placed  bool // the node's Position is one in this history
	late    bool // there may have been sockets before that
	mark    string
	known   socketio.Offset // the last head that is known
	acked   string          // this node's last event
	used    time.Time       // when it recorded that
	entries int64
	bytes   int64
}

// CanRecord returns nil if the adapter can keep a history, otherwise an ErrNoHistory that says
// why not: on a Redis Cluster the channels of a namespace are on several servers, and so can't
// have one order with its history.
func (a *Adapter) CanRecord() error {
	if _, ok := a.client.(*goredis.Client); a.cluster != nil || !ok {
		return errNoHistoryInCluster
	}
	return nil
}

// keepHistories is the beginning of Run.
func (a *Adapter) keepHistories(node socketio.Node) {
	if n, ok := node.(socketio.HistoryNode); ok && a.CanRecord() == nil {
		a.histories.node.Store(&n)
	}
}

// historyNode returns nil if there is nothing to recover.
func (h *histories) historyNode() socketio.HistoryNode {
	if n := h.node.Load(); n != nil {
		return *n
	}
	return nil
}

// track returns what is known of a namespace; nil if it has no history, or has not been used.
func (h *histories) track(namespace string) *track {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.tracks[namespace]
}

// all returns the tracks of the moment, but for those that are nobody's any more.
func (h *histories) all() (list []*track) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for namespace, t := range h.tracks {
		t.mu.Lock()
		idle := !t.joined && time.Since(t.used) > t.keptFor()
		t.mu.Unlock()
		if idle {
			delete(h.tracks, namespace)
			continue
		}
		list = append(list, t)
	}
	return list
}

// use returns the track of a namespace, made if it is new, or ErrNoHistory.
func (a *Adapter) use(namespace string) (*track, error) {
	h := &a.histories
	if t := h.track(namespace); t != nil {
		return t, nil
	}
	if err := a.CanRecord(); err != nil {
		return nil, err
	}
	select {
	case <-a.started:
	default:
		return nil, ErrAway
	}
	node := h.historyNode()
	if node == nil {
		return nil, ErrNoHistory
	}
	window := node.Recovery(namespace).Window
	if window <= 0 {
		return nil, fmt.Errorf("%w of namespace %q", ErrNoHistory, namespace)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tracks[namespace]
	if t == nil {
		t = &track{
			namespace: namespace, stream: a.names.stream(namespace), head: a.names.head(namespace),
			window: window, maxEntries: a.cfg.MaxHistory, observed: a.cfg.ObserveRecord, doubted: true, used: time.Now(),
		}
		if h.tracks == nil {
			h.tracks = make(map[string]*track)
		}
		h.tracks[namespace] = t
	}
	return t, nil
}

// keptFor is how long the keys live when no node looks after them.
func (t *track) keptFor() time.Duration { return max(4*t.window, minKeptFor) }

func (t *track) observe(d time.Duration) {
	if t.observed != nil {
		t.observed(d)
	}
}

// Record implements socketio.History. It does not wait for Redis, as Broadcast. The errors are
// ErrNoHistory and those of Broadcast.
func (a *Adapter) Record(b *socketio.Broadcast) error {
	t, err := a.use(b.Namespace)
	if errors.Is(err, ErrNoHistory) {
		return err
	}
	if err == nil {
		err = a.publisher.away()
	}
	if err != nil {
		return a.refused(err)
	}
	payload := payloads.Get().(*[]byte)
	channel, tail, err := a.form.encode(payload, b)
	if err == nil && max(len(*payload), len(b.Data)) > a.cfg.MaxMessageBytes {
		err = errTooLarge
	}
	if err != nil {
		freePayload(payload)
		return a.refused(fmt.Errorf("%w: %w", ErrBadEvent, err))
	}
	command := "publish"
	if a.sharded {
		command = "spublish"
	}
	call := &scriptCall{
		script: recordScript, keys: []string{t.stream, t.head}, args: []any{command, channel, tail.before, tail.after},
		of: t, took: t.recorded,
	}
	err = a.publisher.enqueue(publication{
		channel: channel, sharded: a.sharded, payload: payload, queued: time.Now(), confirm: b.Confirm, call: call,
	})
	if err != nil {
		freePayload(payload)
		return a.refused(err)
	}
	return nil
}

// appendRecord appends the arguments of the script that records an event. Where a batch begins,
// which may go to another server than the one before, the script looks whether this node's last
// event is there.
func (t *track) appendRecord(args, of []any, payload []byte, first bool) []any {
	last := ""
	if first {
		t.mu.Lock()
		last = t.acked
		t.mu.Unlock()
	}
	return append(args, of[0], of[1], payload, of[2], of[3], t.maxEntries, last, t.keptFor().Milliseconds())
}

// recorded notes the id of an event of this node.
func (t *track) recorded(answer any) {
	id, ok := answer.(string)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acked, t.used = id, time.Now()
}

// call executes a script in the order of what is published, and returns the answer.
func (a *Adapter) call(ctx context.Context, c *scriptCall) (answer any, err error) {
	type result struct {
		answer any
		err    error
	}
	done := make(chan result, 1)
	c.took = func(answer any) { done <- result{answer, nil} }
	payload := payloads.Get().(*[]byte)
	err = a.publisher.enqueue(publication{
		payload: payload, queued: time.Now(), call: c,
		answered: func(err error) {
			if err != nil {
				done <- result{nil, err}
			}
		},
	})
	if err != nil {
		freePayload(payload)
		return nil, err
	}
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fromFuture reports whether an event can't have been recorded yet: its id is one that somebody
// has thought of, or Redis's clock has jumped.
func (h *histories) fromFuture(t *track, at socketio.Offset) bool {
	if !h.hasAhead.Load() {
		return false
	}
	t.mu.Lock()
	latest := t.known.Time
	t.mu.Unlock()
	latest = max(latest, uint64(max(time.Now().UnixMilli()+h.ahead.Load(), 0)))
	return at.Time > latest+uint64(clockSlack.Milliseconds())
}

// noteTime learns Redis's clock from an answer that has just come.
func (h *histories) noteTime(text string) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		h.ahead.Store(ms - time.Now().UnixMilli())
		h.hasAhead.Store(true)
	}
}
