package socketio

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Namespace is a set of sockets with handlers and rooms of its own. All methods
// may be called from any goroutine.
type Namespace struct {
	// Immutable.
	server *Server
	name   string
	parent *DynamicNamespace // nil if it was opened by name only

	hooks
	rooms   roomIndex
	changes changes
	// recovery is nil if the clients of the namespace can't recover.
	recovery *recoverable

	// inFlight is no ordinary lock but a barrier. A broadcast holds it for
	// reading from the moment it knows its members until it has enqueued to
	// them. Who has taken a socket out of a room passes it for writing, and so
	// knows afterwards that nothing more comes by that room. It is never held
	// while handlers run.
	inFlight sync.RWMutex

	ackIDs    atomic.Int64
	outgoing  atomic.Int32 // sockets with OnAnyOutgoing listeners: broadcasts look for them only then
	permanent bool         // Guarded by server.mu: it was asked for by Of, and stays.
	users     int          // Guarded by server.mu: sockets, and clients on their way in.
	link      link         // Guarded by server.mu.
}

func newNamespace(s *Server, name string, parent *DynamicNamespace) *Namespace {
	n := &Namespace{server: s, name: name, parent: parent}
	n.rooms.init(n)
	n.recovery = newRecoverable(n)
	return n
}

// Name returns the name, which begins with a slash.
func (n *Namespace) Name() string { return n.name }

func (n *Namespace) theLink() (*link, sync.Locker) { return &n.link, &n.server.mu }
func (n *Namespace) address() (name, room string)  { return n.name, "" }

func (n *Namespace) unused() bool {
	return n.users == 0 && !n.permanent && n.server.cfg.CleanupEmptyNamespaces
}

func (n *Namespace) drop() {
	if n.server.namespaces[n.name] == n {
		delete(n.server.namespaces, n.name)
	}
}

// isOpen reports whether open has nothing to wait for.
func (n *Namespace) isOpen() bool {
	if n.server.cfg.Adapter == nil {
		return true
	}
	n.server.mu.RLock()
	defer n.server.mu.RUnlock()
	return n.link.joined
}

// pass waits until the broadcasts that are on their way have been enqueued.
func (n *Namespace) pass() {
	n.inFlight.Lock()
	n.inFlight.Unlock() //nolint:staticcheck // an empty critical section is the point
}

// hooks are what a program has registered for all sockets of a namespace. The
// slices only grow, so that a header copied under mu can be read without it.
type hooks struct {
	mu sync.Mutex
	// Guarded by mu.
	use        []func(*Socket) error
	connect    []func(*Socket)
	events     []handler
	disconnect []func(*Socket, Reason)
	serverSide []serverHandler
}

// handler is a function for the events of one name.
type handler struct {
	event string
	f     func(*Event)
}

// Use adds a middleware: it decides about each socket before it is connected.
// Middlewares run one after the other, in a goroutine of the client, and may
// block; joining rooms is allowed, emitting is not yet possible. An error
// refuses the socket, and is sent as {"message", "data"}: see ConnectError.
func (h *hooks) Use(middleware func(*Socket) error) { add(h, &h.use, middleware) }

// OnConnect adds a function that is called for each socket when it is connected,
// and before any of its events is handled.
func (h *hooks) OnConnect(f func(*Socket)) { add(h, &h.connect, f) }

// On adds a handler for an event of all sockets of the namespace. It costs a
// socket nothing, other than Socket.On, and is called before those.
func (h *hooks) On(event string, f func(*Event)) { add(h, &h.events, handler{event, f}) }

// OnDisconnect adds a function that is called for each socket that has ended,
// before those added to the socket itself.
func (h *hooks) OnDisconnect(f func(*Socket, Reason)) { add(h, &h.disconnect, f) }

func add[T any](h *hooks, list *[]T, v T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*list = append(*list, v)
}

// hooked returns what was registered on the namespace's parent and on itself.
func hooked[T any](n *Namespace, list func(*hooks) []T) []T {
	own := snapshot(&n.hooks, list)
	if n.parent == nil {
		return own
	}
	inherited := snapshot(&n.parent.hooks, list)
	if len(own) == 0 {
		return inherited
	}
	return slices.Concat(inherited, own)
}

func snapshot[T any](h *hooks, list func(*hooks) []T) []T {
	h.mu.Lock()
	defer h.mu.Unlock()
	return list(h)
}
