package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// patience is how long the suite waits for what must happen.
const patience = 20 * time.Second

// refused is the event that nodes refuse to deliver.
const refused = `["refuse me"]`

var errRefused = errors.New("refused, as asked")

// node is a server without clients.
type node struct {
	t       *testing.T
	tag     string
	adapter socketio.Adapter

	mu      sync.Mutex
	sockets []*socket
	joins   sync.Map // of room to *sync.Mutex: calls about one room follow each other
}

// socket is a member of one namespace.
type socket struct {
	node      *node
	namespace string
	id        string
	rooms     []string // guarded by node.mu
	got       []string // guarded by node.mu
	more      chan struct{}
	unordered bool // see OrderPerRoom
}

func (n *node) Tag() string { return n.tag }

func (n *node) Deliver(b *socketio.Broadcast) error {
	if string(b.Data) == refused {
		return errRefused
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.addressed(socketio.Target{Namespace: b.Namespace, Rooms: b.Rooms, Except: b.Except}) {
		s.take(describe(b))
	}
	return nil
}

// describe writes down all of an event that a socket could notice.
func describe(b *socketio.Broadcast) string {
	var d strings.Builder
	d.Write(b.Data)
	for _, a := range b.Attachments {
		fmt.Fprintf(&d, "<%x>", a)
	}
	if b.Volatile {
		d.WriteString(" volatile")
	}
	if b.NoCompress {
		d.WriteString(" uncompressed")
	}
	return d.String()
}

// addressed needs mu.
func (n *node) addressed(t socketio.Target) (sockets []*socket) {
	for _, s := range n.sockets {
		if s.namespace == t.Namespace && (len(t.Rooms) == 0 || s.inAny(t.Rooms)) && !s.inAny(t.Except) {
			sockets = append(sockets, s)
		}
	}
	return sockets
}

func (s *socket) inAny(rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return r == s.id || slices.Contains(s.rooms, r) })
}

// take needs node.mu.
func (s *socket) take(event string) {
	s.got = append(s.got, event)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// private reports whether the adapter is told of the rooms of single sockets.
func (n *node) private() bool {
	a, ok := n.adapter.(socketio.PrivateRoomsAdapter)
	return ok && a.PrivateRooms()
}

// ownID reports whether the adapter hears a room by the node's tag.
func (n *node) ownID(room string) bool {
	return len(room) == 20 && strings.HasPrefix(room, n.tag) && !n.private()
}

func (n *node) HasSocket(namespace, id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.sockets, func(s *socket) bool { return s.namespace == namespace && s.inAny([]string{id}) })
}

func (n *node) Rooms(f func(namespace, room string)) {
	n.mu.Lock()
	var list [][2]string
	for _, s := range n.sockets {
		list = append(list, [2]string{s.namespace, ""})
		for _, room := range append([]string{s.id}, s.rooms...) {
			if !n.ownID(room) {
				list = append(list, [2]string{s.namespace, room})
			}
		}
	}
	n.mu.Unlock()
	for _, name := range list {
		f(name[0], name[1])
	}
}

// socket adds a socket, in rooms.
func (n *node) socket(namespace string, rooms ...string) *socket {
	n.t.Helper()
	n.mu.Lock()
	s := &socket{node: n, namespace: namespace, id: fmt.Sprintf("%s%016d", n.tag, len(n.sockets)), more: make(chan struct{}, 1)}
	first := !slices.ContainsFunc(n.sockets, func(s *socket) bool { return s.namespace == namespace })
	n.sockets = append(n.sockets, s)
	n.mu.Unlock()
	if first {
		n.tell(n.adapter.Join, namespace, "")
	}
	if n.private() {
		n.tell(n.adapter.Join, namespace, s.id)
	}
	s.join(rooms...)
	return s
}

// join makes s a member, and returns when the adapter has confirmed.
func (s *socket) join(rooms ...string) {
	s.node.t.Helper()
	for _, room := range rooms {
		s.change(room, true)
	}
}

func (s *socket) leave(rooms ...string) {
	s.node.t.Helper()
	for _, room := range rooms {
		s.change(room, false)
	}
}

// change is join or leave. The adapter hears of the first and the last member.
func (s *socket) change(room string, in bool) {
	s.node.t.Helper()
	n := s.node
	turn, _ := n.joins.LoadOrStore(s.namespace+" "+room, new(sync.Mutex))
	turn.(*sync.Mutex).Lock()
	defer turn.(*sync.Mutex).Unlock()
	n.mu.Lock()
	others := slices.ContainsFunc(n.sockets, func(o *socket) bool {
		return o != s && o.namespace == s.namespace && slices.Contains(o.rooms, room)
	})
	s.rooms = slices.DeleteFunc(s.rooms, func(r string) bool { return r == room })
	if in {
		s.rooms = append(s.rooms, room)
	}
	n.mu.Unlock()
	switch {
	case others, n.ownID(room):
	case in:
		n.tell(n.adapter.Join, s.namespace, room)
	default:
		n.tell(n.adapter.Leave, s.namespace, room)
	}
}

func (n *node) tell(what func(context.Context, string, string) error, namespace, room string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := what(ctx, namespace, room); err != nil {
		n.t.Errorf("%s: namespace %q, room %q: %v", n.tag, namespace, room, err)
	}
}

// emit broadcasts from a node.
func (n *node) emit(b socketio.Broadcast) {
	n.t.Helper()
	if b.Namespace == "" {
		b.Namespace = "/"
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.adapter.Broadcast(ctx, &b, func() { _ = n.Deliver(&b) }); err != nil {
		n.t.Errorf("%s: broadcast of %.100s: %v", n.tag, b.Data, err)
	}
}

// say broadcasts an event that is just a name.
func (n *node) say(name string, rooms ...string) {
	n.t.Helper()
	n.emit(socketio.Broadcast{Data: event(name), Rooms: rooms})
}

func event(name string) []byte { return fmt.Appendf(nil, "[%q]", name) }
