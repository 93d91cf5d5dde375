package redis

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

var (
	errSurplus  = errors.New("more answers than expected")
	errNotAsked = errors.New("answer of another type than the question")
	errLate     = errors.New("the question is over")
)

// calls are the questions of this node that wait for answers.
type calls struct {
	// Immutable.
	prefix string // of the ids of all questions: those of others are told apart by it
	max    int

	mu sync.Mutex
	// Guarded by mu.
	last    uint64
	pending map[string]*call
}

func newCalls(prefix string, limit int) *calls {
	return &calls{prefix: prefix, max: limit, pending: make(map[string]*call)}
}

// begin registers a question to expected nodes. end must be called for it.
func (x *calls) begin(t messageType, namespace string, expected, maxBytes int) (*call, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.pending) >= x.max {
		return nil, ErrBusy
	}
	x.last++
	c := &call{
		kind: t, namespace: namespace, id: x.prefix + strconv.FormatUint(x.last, 36),
		expected: expected, maxBytes: maxBytes, arrived: make(chan struct{}, 1), names: make(map[string]bool),
	}
	x.pending[c.id] = c
	return c, nil
}

// end forgets a question: what it has got does not change any more.
func (x *calls) end(c *call) {
	x.mu.Lock()
	delete(x.pending, c.id)
	x.mu.Unlock()
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
}

func (x *calls) find(id string) *call {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.pending[id]
}

// asked reports whether id is that of a question of this node, of now or of before.
func (x *calls) asked(id string) bool { return strings.HasPrefix(id, x.prefix) }

func (x *calls) size() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.pending)
}

// call is a question that waits for answers. The goroutine that receives puts them in,
// and the one that asked takes them out.
type call struct {
	// Immutable.
	kind      messageType
	namespace string
	id        string
	expected  int           // nodes
	maxBytes  int           // of all answers together
	arrived   chan struct{} // holds a token when there is something new

	mu sync.Mutex
	// Guarded by mu; what is kept for the asker is his when over is true.
	over     bool
	bytes    int             // of answers
	answered int             // nodes that have answered, or have said how many acks to expect
	names    map[string]bool // of nodes, sockets and rooms that have come
	clients  int             // acks to expect from the nodes that have answered
	acked    int             // acks that have come
	acks     []socketio.Ack  // those that the asker has not taken
	sockets  []socketio.SocketInfo
	found    []string // rooms, or ids of sockets
}

// answer is a response of another node.
type answer struct {
	fields
	sender string      // "" if it does not say
	kind   messageType // of answers to ackedBroadcast
	args   string      // the entry that has the arguments of the answer to a server-side event
	size   int         // in bytes
}

// take adds a response.
func (c *call) take(a answer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return errLate
	}
	if c.bytes += a.size; c.bytes > c.maxBytes {
		return notepack.ErrTooLarge
	}
	if c.kind == ackedBroadcast {
		switch a.kind {
		case clientAck:
			return c.takeAck(a.fields, "packet")
		case clientCount:
		default:
			return errNotAsked
		}
	}
	if c.answered >= c.expected || a.sender != "" && c.names["node "+a.sender] {
		return errSurplus
	}
	if err := c.takeAnswer(a); err != nil {
		return err
	}
	if a.sender != "" {
		c.names["node "+a.sender] = true
	}
	c.answered++
	c.notify()
	return nil
}

// takeAnswer needs mu.
func (c *call) takeAnswer(a answer) error {
	f := a.fields
	switch c.kind {
	case ackedBroadcast:
		n, ok, err := f.number("clientCount")
		if err == nil && (!ok || n > maxClientCount) {
			err = notepack.ErrType
		}
		if err == nil {
			c.clients += int(n)
		}
		return err
	case serverEvent:
		c.clients++
		err := c.takeAck(f, a.args)
		if err != nil {
			c.clients--
		}
		return err
	case askSockets:
		sockets, err := f.sockets(c.maxBytes)
		if err != nil {
			return err
		}
		fresh := slices.DeleteFunc(sockets, func(s socketio.SocketInfo) bool { return !c.fresh(s.ID) })
		if len(sockets) > 0 && len(fresh) == 0 {
			return errSurplus
		}
		c.sockets = append(c.sockets, fresh...)
		return nil
	}
	key := "sockets"
	if c.kind == askRooms {
		key = "rooms"
	}
	if !f.has(key) {
		return errNoList
	}
	found, err := f.names(key)
	c.found = append(c.found, slices.DeleteFunc(found, func(name string) bool { return !c.fresh(name) })...)
	return err
}

// fresh needs mu. It reports whether a socket or a room has not been named before.
func (c *call) fresh(name string) bool {
	if c.names["name "+name] {
		return false
	}
	c.names["name "+name] = true
	return true
}

// takeAck needs mu. A node says how many acks there will be before it sends them.
func (c *call) takeAck(f fields, key string) error {
	if c.acked >= c.clients {
		return errSurplus
	}
	ack, err := f.ack(key, c.maxBytes)
	if err != nil {
		return err
	}
	c.acked++
	c.acks = append(c.acks, ack)
	c.notify()
	return nil
}

func (c *call) notify() {
	select {
	case c.arrived <- struct{}{}:
	default:
	}
}

// wait returns nil when everything has come. acked is called for each ack, in the
// goroutine of wait.
func (c *call) wait(ctx context.Context, ended <-chan struct{}, acked func(socketio.Ack)) error {
	for {
		if c.drain(acked) {
			return nil
		}
		var err error
		select {
		case <-c.arrived:
			continue
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-ended:
			err = ErrClosed
		}
		if c.drain(acked) {
			return nil
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		return &socketio.PartialError{Answered: c.answered, Expected: c.expected, MissingAcks: c.clients - c.acked, Err: err}
	}
}

// drain hands over the acks that have come, and reports whether that is all.
func (c *call) drain(acked func(socketio.Ack)) (complete bool) {
	c.mu.Lock()
	acks := c.acks
	c.acks = nil
	complete = c.answered >= c.expected && c.acked >= c.clients
	c.mu.Unlock()
	for _, ack := range acks {
		acked(ack)
	}
	return complete
}
