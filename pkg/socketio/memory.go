package socketio

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"
)

// Bounds of the events that a memory keeps of one namespace, besides twice its Window.
const (
	memoryEvents = 1_000_000
	memoryBytes  = 64 << 20
)

// memory is a history in this process: of one server, or of those on a Bus. It calls nobody.
type memory struct {
	mu sync.Mutex
	// Guarded by mu.
	chronicles map[string]*chronicle
	sessions   map[sessionKey]*record
}

func newMemory() *memory {
	return &memory{chronicles: make(map[string]*chronicle), sessions: make(map[sessionKey]*record)}
}

// chronicle is what was sent in one namespace, oldest first.
type chronicle struct {
	events  []recorded // from first on; packets are not made
	first   int
	bytes   int
	base    Offset // the last one that is no longer there
	last    Offset // the last of all
	age     time.Duration
	maximum struct{ events, bytes int }
}

// chronicle needs mu.
func (m *memory) chronicle(namespace string) *chronicle {
	c := m.chronicles[namespace]
	if c == nil {
		c = &chronicle{}
		c.maximum.events, c.maximum.bytes = memoryEvents, memoryBytes
		m.chronicles[namespace] = c
	}
	return c
}

// append records an event, and returns its place and the copy that is kept.
func (m *memory) append(b *Broadcast, window time.Duration) (kept *Broadcast, at Offset) {
	stripped := *b
	stripped.Confirm = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.chronicle(b.Namespace)
	c.age = 2 * window
	c.last = next(c.last, time.Now())
	e := recorded{Broadcast: &stripped, at: c.last}
	c.events = append(c.events, e)
	c.bytes += e.size()
	c.trim(time.Now())
	return &stripped, c.last
}

// next is the place behind last at a time.
func next(last Offset, now time.Time) Offset {
	if ms := uint64(now.UnixMilli()); ms > last.Time {
		return Offset{Time: ms}
	}
	return Offset{last.Time, last.Seq + 1}
}

// trim drops what is too old or too much.
func (c *chronicle) trim(now time.Time) {
	oldest := uint64(max(0, now.Add(-c.age).UnixMilli()))
	for c.first < len(c.events) {
		e := &c.events[c.first]
		if e.at.Time >= oldest && len(c.events)-c.first <= c.maximum.events && c.bytes <= c.maximum.bytes {
			break
		}
		c.base = e.at
		c.bytes -= e.size()
		*e = recorded{}
		c.first++
	}
	if c.first > 1024 && c.first > len(c.events)/2 {
		c.events = append([]recorded(nil), c.events[c.first:]...)
		c.first = 0
	}
}

func (m *memory) head(namespace string) Offset {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.chronicle(namespace).last
}

// readChunk is how many events are looked at while the memory is locked.
const readChunk = 256

// read is History.Read.
func (m *memory) read(ctx context.Context, namespace string, after Offset, f func(b *Broadcast, at Offset) bool) (head Offset, err error) {
	var chunk [readChunk]recorded
	for {
		n, last, err := m.copyBehind(namespace, after, chunk[:])
		if err != nil {
			return Offset{}, err
		}
		for _, e := range chunk[:n] {
			if !f(e.Broadcast, e.at) {
				return e.at, nil
			}
			after = e.at
		}
		if n < len(chunk) {
			return last, nil
		}
		if ctx.Err() != nil {
			return Offset{}, context.Cause(ctx)
		}
	}
}

func (m *memory) copyBehind(namespace string, after Offset, dst []recorded) (n int, last Offset, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.chronicle(namespace)
	if c.age > 0 {
		c.trim(time.Now())
	}
	live := c.events[c.first:]
	i := sort.Search(len(live), func(i int) bool { return live[i].at.After(after) })
	if after != c.base && (i == 0 || live[i-1].at != after) {
		return 0, Offset{}, ErrForgotten
	}
	return copy(dst, live[i:]), c.last, nil
}

// ownHistory is the history of a server without an adapter: what is recorded is
// delivered at once.
type ownHistory struct {
	*memory
	server *Server
}

func (h *ownHistory) Record(b *Broadcast) error {
	n := h.server.openNamespace(b.Namespace)
	if n == nil || n.recovery == nil {
		return ErrUnknownNamespace
	}
	r := n.recovery
	r.order.Lock()
	kept, at := h.append(b, r.settings.Window)
	to := r.send(&recorded{Broadcast: kept, at: at})
	r.order.Unlock()
	n.told(to, b)
	confirm(b.Confirm)
	return nil
}

func (h *ownHistory) Read(ctx context.Context, namespace string, after Offset, f func(b *Broadcast, at Offset) bool) (Offset, error) {
	return h.read(ctx, namespace, after, f)
}

func (h *ownHistory) Save(_ context.Context, s *SavedSession) (Offset, error) {
	return h.save(s, h.server.window(s.Namespace), nil)
}

func (h *ownHistory) Look(_ context.Context, namespace, pid string) (*SavedSession, error) {
	return h.look(namespace, pid)
}

func (h *ownHistory) Take(_ context.Context, s *SavedSession) error {
	_, err := h.take(s, h.server.window(s.Namespace), nil)
	return err // who had it is this node, which knows
}

func (h *ownHistory) Keep(_ context.Context, sessions []*SavedSession) ([]*SavedSession, error) {
	return h.keep(sessions, h.server.window), nil
}

func (h *ownHistory) Release(_ context.Context, s *SavedSession, mayReturn bool) error {
	return h.release(s, h.server.window(s.Namespace), mayReturn)
}

var errSessionsFull = errors.New("socketio: too many saved sessions")
