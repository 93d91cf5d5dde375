package socketio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxTargets bounds the rooms and exceptions of what another node sends.
const maxTargets = 10_000

// node is the server as its adapter sees it.
type node struct{ server *Server }

var _ ClusterNode = node{}

func (n node) Tag() string { return n.server.tag }

// idLen is the length of a socket's id.
const idLen = 20

// heardByTag reports whether name is, was or could be the id of a socket of this node,
// and the adapter hears all of these by the node's tag.
func (s *Server) heardByTag(name string) bool {
	return len(name) == idLen && strings.HasPrefix(name, s.tag) && !s.privateRooms
}

func (n node) Deliver(b *Broadcast) error {
	ns, err := n.check(b)
	if err != nil {
		return err
	}
	n.server.counters.heard.Add(1)
	ns.deliver(b)
	return nil
}

// check refuses what would break a client, or this node.
func (n node) check(b *Broadcast) (*Namespace, error) {
	ns, err := n.target(b.Namespace, b.Rooms, b.Except)
	if err == nil {
		err = n.checkEvent(b.Data, b.Attachments)
	}
	if err == nil {
		return ns, nil
	}
	if !errors.Is(err, ErrUnknownNamespace) { // normal when it has just been closed here
		n.server.counters.deliverRefused.Add(1)
	}
	return nil, err
}

func (n node) target(namespace string, rooms, except []string) (*Namespace, error) {
	if len(rooms)+len(except) > maxTargets {
		return nil, fmt.Errorf("%w: %d rooms", ErrBadBroadcast, len(rooms)+len(except))
	}
	n.server.mu.RLock()
	defer n.server.mu.RUnlock()
	ns := n.server.namespaces[namespace]
	if ns == nil {
		return nil, ErrUnknownNamespace
	}
	return ns, nil
}

func (n node) checkEvent(data []byte, attachments [][]byte) error {
	if err := checkBytes(data, attachments); err != nil {
		return err
	}
	if _, _, err := parseEvent(data, attachments, &n.server.limits); err != nil {
		return fmt.Errorf("%w: %w", ErrBadBroadcast, err)
	}
	return nil
}

// checkBytes refuses what no client would take, whatever the event.
func checkBytes(data []byte, attachments [][]byte) error {
	if len(attachments) > maxAttachments {
		return fmt.Errorf("%w: %w", ErrBadBroadcast, ErrTooManyAttachments)
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", ErrBadBroadcast)
	}
	return nil
}

func (n node) HasSocket(namespace, id string) bool {
	n.server.mu.RLock()
	ns := n.server.namespaces[namespace]
	n.server.mu.RUnlock()
	return ns != nil && ns.rooms.has(id)
}

func (n node) Rooms(f func(namespace, room string)) {
	for _, ns := range n.server.allNamespaces() {
		n.server.mu.RLock()
		known := ns.link.joined || ns.link.call != nil && !ns.unused()
		n.server.mu.RUnlock()
		if !known {
			continue
		}
		f(ns.name, "")
		for _, room := range ns.rooms.linkedNames() {
			f(ns.name, room)
		}
	}
}

func (n node) DeliverWithAck(ctx context.Context, b *Broadcast, acked func(Ack)) (int, error) {
	ns, err := n.check(b)
	if err != nil {
		return 0, err
	}
	n.server.counters.heard.Add(1)
	w := newAckCollector(ns)
	w.onReply = func(r Reply) {
		data, attachments, err := encodeArgs([]any{r.From(0)})
		if err == nil {
			acked(Ack{data, attachments})
		}
	}
	stop := context.AfterFunc(ctx, func() { _, _ = w.stop() })
	w.onDone = func() { stop() }
	w.deliver(b)
	return w.count(), nil
}

// count returns how many sockets were asked.
func (w *ackCollector) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

func (n node) Sockets(t Target) ([]SocketInfo, error) {
	ns, err := n.target(t.Namespace, t.Rooms, t.Except)
	if err != nil {
		return nil, err
	}
	var infos []SocketInfo
	for _, s := range ns.local(t) {
		info := s.info()
		info.Handshake = s.handshake.json()
		infos = append(infos, info)
	}
	return infos, nil
}

func (n node) Change(c *Change) error {
	ns, err := n.target(c.Namespace, c.Rooms, c.Except)
	if err != nil {
		return err
	}
	if c.Kind == ChangeJoin {
		if err := n.server.checkRooms(c.ChangeRooms); err != nil {
			return fmt.Errorf("%w: %w", ErrBadBroadcast, err)
		}
	}
	return ns.order(c)
}

// background runs f in a goroutine that Close waits for, and whose ctx ends when
// Close begins. It returns false if that has happened.
func (s *Server) background(f func(ctx context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.live++
	go func() {
		defer s.release()
		f(s.opening)
	}()
	return true
}

func (n node) ServerEvent(e *ServerEvent, reply func(Ack)) error {
	ns, err := n.target(e.Namespace, nil, nil)
	if err != nil {
		return err
	}
	return ns.serverEvent(e, reply)
}
