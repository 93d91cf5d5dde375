package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// Socket is one client in one namespace. All methods may be called from any
// goroutine. Its handlers, and those of the other sockets of the same
// connection, run one at a time in the order in which the client sent; they may
// block, and what the client sends meanwhile waits.
type Socket struct {
	// Immutable.
	ns   *Namespace
	conn *conn
	life *life // nil in a namespace without recovery

	state atomic.Uint32 // here, as a broadcast looks at it and at conn

	// Immutable.
	id        string
	handshake Handshake

	next *Socket // of the same connection, guarded by conn.mu

	// Guarded by ns.rooms.mu.
	position int // in everyone
	rooms    []membership

	mu sync.Mutex
	// Guarded by mu.
	listeners *listeners // nil until the first is added
	acks      []pendingAck
	data      any
}

// The states of a socket, in order.
const (
	stateConnecting uint32 = iota // its middleware is running
	stateConnected
	stateEnded  // events that came before the end are still handled
	stateKicked // the server ended it: events that wait are dropped
)

func newSocket(n *Namespace, c *conn, auth []byte) *Socket {
	s := &Socket{ns: n, conn: c, id: engineio.NewID(n.server.tag, 16)}
	s.handshake = Handshake{Handshake: c.session.Handshake(), auth: auth}
	if n.recovery != nil {
		s.life = new(life)
	}
	return s
}

// ID returns the socket's id: 20 characters, of which the first four are the
// node's tag, or, if it is Recovered, that of the node on which it began. It is the name of a
// room that this socket is always in.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Handshake describes how the socket came to be.
func (s *Socket) Handshake() *Handshake { return &s.handshake }

// Transport returns what carries the connection at the moment.
func (s *Socket) Transport() engineio.Transport { return s.conn.session.Transport() }

// Connected reports whether the client has been told that it is connected, and
// the socket has not ended.
func (s *Socket) Connected() bool { return s.state.Load() == stateConnected }

// SetData keeps a value with the socket. FetchSockets shows it, as JSON, to other
// nodes: at any time and from any goroutine, so a value that has been set must not
// change. Set another one. It is saved for a recovery, soon.
func (s *Socket) SetData(v any) {
	s.mu.Lock()
	s.data = v
	s.mu.Unlock()
	s.saveSoon()
}

// Data returns the value of the last SetData, or nil. A Recovered socket begins with what
// the one before had, as a json.RawMessage.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// Rooms returns the rooms that the socket is in, its own id first if it is connected.
func (s *Socket) Rooms() []string {
	s.ns.rooms.mu.RLock()
	defer s.ns.rooms.mu.RUnlock()
	return s.roomNames()
}

// roomNames needs ns.rooms.mu.
func (s *Socket) roomNames() []string {
	names := make([]string, 0, 1+len(s.rooms))
	if s.ns.rooms.byID[s.id] == s {
		names = append(names, s.id)
	}
	for _, m := range s.rooms {
		if m.room.name != s.id {
			names = append(names, m.room.name)
		}
	}
	return names
}

// Join makes the socket a member of rooms, of all or of none. When it returns
// nil, emits of every node to these rooms reach the socket. ctx bounds the wait
// for the other nodes. Errors are ErrBadRoom, ErrTooManyRooms, ErrDisconnected,
// and the adapter's.
func (s *Socket) Join(ctx context.Context, rooms ...string) error {
	server := s.ns.server
	if err := server.checkRooms(rooms); err != nil {
		return err
	}
	index := &s.ns.rooms
	joined, err := index.join(s, rooms, server.cfg.MaxRoomsPerSocket)
	if errors.Is(err, ErrTooManyRooms) {
		server.counters.joinsRefused.Add(1)
	}
	if err != nil {
		return err
	}
	err = s.openRooms(ctx, rooms)
	if err == nil {
		err = s.recordJoin(ctx, rooms)
	}
	if err != nil {
		for _, r := range joined {
			s.leave(r.name)
		}
		return err
	}
	if s.state.Load() >= stateEnded {
		return ErrDisconnected
	}
	server.counters.joins.Add(int64(len(joined)))
	return nil
}

// checkRooms refuses what can't be the name of a room to join.
func (s *Server) checkRooms(names []string) error {
	for _, name := range names {
		if name == "" || len(name) > s.cfg.MaxNameBytes || !utf8.ValidString(name) {
			return ErrBadRoom
		}
	}
	return nil
}

// openRooms waits until the other nodes' emits to rooms arrive. That includes
// rooms that the socket was in already: another Join may be waiting for them.
func (s *Socket) openRooms(ctx context.Context, rooms []string) error {
	if s.ns.server.cfg.Adapter == nil {
		return nil
	}
	for _, name := range rooms {
		if s.ns.server.heardByTag(name) {
			continue
		}
		r := s.ns.rooms.of(s, name)
		if r == nil {
			continue // left meanwhile
		}
		if err := s.ns.server.openLink(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// Leave ends the socket's membership in rooms. When it returns, nothing more
// reaches the socket by these rooms, unless it was sent before. An adapter that does not
// leave is logged. Without recovery it returns nil. With it, it waits until the session is saved, as
// Join does; an error says that this is not certain within ctx. Then the socket has left all the same, but who
// comes back in its place may be sent what was missed of the rooms.
func (s *Socket) Leave(ctx context.Context, rooms ...string) error {
	left := false
	for _, name := range rooms {
		left = s.leave(name) || left
	}
	if left {
		s.ns.pass()
		return s.recordLeave(ctx)
	}
	return nil
}

func (s *Socket) leave(room string) bool {
	r := s.evict(room)
	if r == nil {
		return false
	}
	s.ns.server.closeRoom(r)
	return true
}

// evict ends a membership on this node, and returns the room.
func (s *Socket) evict(name string) *room {
	var until Offset
	if rec := s.ns.recovery; rec != nil {
		rec.order.Lock() // the socket has got what was sent until then, and nothing more
		defer rec.order.Unlock()
		until = found(rec.position)
	}
	return s.ns.rooms.leave(s, name, until)
}

// closeRoom tells the adapter if nobody is left in r.
func (s *Server) closeRoom(r *room) {
	if s.cfg.Adapter != nil {
		s.closeLink(r)
	}
}

// leaveAll takes the socket out of its namespace and its rooms.
func (s *Socket) leaveAll() {
	for _, m := range s.ns.rooms.remove(s) {
		s.ns.server.closeRoom(m.room)
	}
}

// To addresses rooms, without this socket.
func (s *Socket) To(rooms ...string) Emitter { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Emitter { return s.To(rooms...) }

// Except addresses the namespace without this socket and the members of rooms.
func (s *Socket) Except(rooms ...string) Emitter { return s.Broadcast().Except(rooms...) }

// Broadcast addresses the namespace without this socket.
func (s *Socket) Broadcast() Emitter { return Emitter{ns: s.ns, except: slices.Clip([]string{s.id})} }

// Local is Broadcast on this node.
func (s *Socket) Local() Emitter { return s.Broadcast().Local() }
