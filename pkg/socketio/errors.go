package socketio

import "errors"

// Errors to branch on. Those that depend on data are wrapped with it.
var (
	// ErrDisconnected says that the socket is not connected: it has ended, or its
	// middleware is still running.
	ErrDisconnected = errors.New("socketio: socket is not connected")
	// ErrAckTimeout says that not every ack came in time. Its text is the reference's.
	ErrAckTimeout = errors.New("operation has timed out")
	// ErrTooManyAcks says that a socket owes Config.MaxPendingAcks acks already.
	ErrTooManyAcks = errors.New("socketio: too many pending acks")
	// ErrRepliesTooLarge says that the acks of a broadcast, or the answers of other nodes, were more
	// than 16 MiB together: those beyond were left out.
	ErrRepliesTooLarge = errors.New("socketio: replies are too large")
	// ErrTooManyRooms says that a socket is in Config.MaxRoomsPerSocket rooms already.
	ErrTooManyRooms = errors.New("socketio: too many rooms")
	// ErrBadRoom says that a room's name is empty, longer than
	// Config.MaxNameBytes, or not UTF-8.
	ErrBadRoom = errors.New("socketio: illegal room name")
	// ErrTooManyTargets says that an emitter has more than 10,000 rooms and exceptions,
	// which other nodes would refuse.
	ErrTooManyTargets = errors.New("socketio: too many rooms at once")
	// ErrUnknownNamespace says that no such namespace is open on this node.
	ErrUnknownNamespace = errors.New("socketio: unknown namespace")
	// ErrTooManyNamespaces says that Config.MaxOpenNamespaces are open.
	ErrTooManyNamespaces = errors.New("socketio: too many namespaces")
	// ErrBadBroadcast says that what another node sent is not well formed.
	ErrBadBroadcast = errors.New("socketio: malformed broadcast")
	// ErrTooManyChanges says that other nodes have ordered more changes of a
	// namespace's sockets than could be carried out.
	ErrTooManyChanges = errors.New("socketio: too many changes at once")
	// ErrServerClosed says that Close has been called.
	ErrServerClosed = errors.New("socketio: server is closed")
)

// ConnectError is what a middleware returns to refuse a socket and to tell its
// client more than a message. Any other error sends its text alone.
type ConnectError struct {
	Message string
	// Data is sent as JSON; nil leaves it out.
	Data any
}

func (e *ConnectError) Error() string { return e.Message }
