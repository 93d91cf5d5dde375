package socketio

import (
	"context"
	"time"
)

// The methods of the namespace "/" that programs reach for, on the Server itself.

// Use adds a middleware to "/". See Namespace.Use.
func (s *Server) Use(middleware func(*Socket) error) { s.main.Use(middleware) }

// OnConnect adds a function for the new sockets of "/". See Namespace.OnConnect.
func (s *Server) OnConnect(f func(*Socket)) { s.main.OnConnect(f) }

// On adds a handler for an event of all sockets of "/". See Namespace.On.
func (s *Server) On(event string, f func(*Event)) { s.main.On(event, f) }

// OnDisconnect adds a function for the sockets of "/" that have ended.
func (s *Server) OnDisconnect(f func(*Socket, Reason)) { s.main.OnDisconnect(f) }

// Emit sends an event to all sockets of "/". See Emitter.Emit.
func (s *Server) Emit(event string, args ...any) error { return s.main.Emit(event, args...) }

// EmitWithAck sends an event to all sockets of "/" and waits for their acks.
func (s *Server) EmitWithAck(ctx context.Context, event string, args ...any) ([]Reply, error) {
	return s.main.EmitWithAck(ctx, event, args...)
}

// To addresses rooms of "/".
func (s *Server) To(rooms ...string) Emitter { return s.main.To(rooms...) }

// In is To.
func (s *Server) In(rooms ...string) Emitter { return s.main.To(rooms...) }

// Except addresses the sockets of "/" without the members of rooms.
func (s *Server) Except(rooms ...string) Emitter { return s.main.Except(rooms...) }

// Local addresses the sockets of "/" on this node.
func (s *Server) Local() Emitter { return s.main.Local() }

// Volatile addresses "/" with events that may be dropped.
func (s *Server) Volatile() Emitter { return s.main.Volatile() }

// Compress addresses "/" with events that may be compressed, or may not.
func (s *Server) Compress(on bool) Emitter { return s.main.Compress(on) }

// Timeout addresses "/" with a bound for the wait for acks.
func (s *Server) Timeout(d time.Duration) Emitter { return s.main.Timeout(d) }

// FetchSockets returns the sockets of "/". See Emitter.FetchSockets.
func (s *Server) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	return s.main.FetchSockets(ctx)
}

// SocketsJoin makes all sockets of "/" members of rooms.
func (s *Server) SocketsJoin(ctx context.Context, rooms ...string) error {
	return s.main.SocketsJoin(ctx, rooms...)
}

// SocketsLeave ends the membership of all sockets of "/" in rooms.
func (s *Server) SocketsLeave(ctx context.Context, rooms ...string) error {
	return s.main.SocketsLeave(ctx, rooms...)
}

// DisconnectSockets ends all sockets of "/".
func (s *Server) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return s.main.DisconnectSockets(ctx, closeConnections)
}
