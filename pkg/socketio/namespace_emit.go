package socketio

import (
	"context"
	"time"
)

// all addresses every socket of the namespace.
func (n *Namespace) all() Emitter { return Emitter{ns: n} }

// To addresses rooms. Without any it addresses the whole namespace.
func (n *Namespace) To(rooms ...string) Emitter { return n.all().To(rooms...) }

// In is To.
func (n *Namespace) In(rooms ...string) Emitter { return n.all().To(rooms...) }

// Except addresses the namespace without the members of rooms.
func (n *Namespace) Except(rooms ...string) Emitter { return n.all().Except(rooms...) }

// Local addresses the namespace's sockets on this node.
func (n *Namespace) Local() Emitter { return n.all().Local() }

// Volatile addresses the namespace with events that may be dropped.
func (n *Namespace) Volatile() Emitter { return n.all().Volatile() }

// Compress addresses the namespace with events that may be compressed, or may not.
func (n *Namespace) Compress(on bool) Emitter { return n.all().Compress(on) }

// Timeout addresses the namespace with a bound for the wait for acks.
func (n *Namespace) Timeout(d time.Duration) Emitter { return n.all().Timeout(d) }

// Emit sends an event to every socket of the namespace, on all nodes. See Emitter.Emit.
func (n *Namespace) Emit(event string, args ...any) error { return n.all().Emit(event, args...) }

// LocalMembers returns how many sockets of this node are in a room, those included whose
// middlewares are still running. room is not the id of a socket.
func (n *Namespace) LocalMembers(room string) int { return n.rooms.count(room) }

// EmitWithAck sends an event to every socket and waits for their acks. See
// Emitter.EmitWithAck.
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Reply, error) {
	return n.all().EmitWithAck(ctx, event, args...)
}

// FetchSockets returns every socket. See Emitter.FetchSockets.
func (n *Namespace) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	return n.all().FetchSockets(ctx)
}

// SocketsJoin makes every socket a member of rooms.
func (n *Namespace) SocketsJoin(ctx context.Context, rooms ...string) error {
	return n.all().SocketsJoin(ctx, rooms...)
}

// SocketsLeave ends the membership of every socket in rooms.
func (n *Namespace) SocketsLeave(ctx context.Context, rooms ...string) error {
	return n.all().SocketsLeave(ctx, rooms...)
}

// DisconnectSockets ends every socket.
func (n *Namespace) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return n.all().DisconnectSockets(ctx, closeConnections)
}
