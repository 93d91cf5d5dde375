package socketio

import "sync/atomic"

// Event is one event from a client. It may be kept, and acknowledged after its
// handler has returned.
type Event struct {
	socket *Socket
	name   string
	args   Args
	id     int64 // -1: the client wants no ack
	acked  atomic.Bool
}

// Name returns the event's name. One that was sent as a number is in decimal.
func (e *Event) Name() string { return e.name }

// Socket returns the socket that it came from.
func (e *Event) Socket() *Socket { return e.socket }

// Len returns how many arguments there are.
func (e *Event) Len() int { return e.args.Len() }

// Args returns the arguments as they stood on the wire.
func (e *Event) Args() Args { return e.args }

// Arg returns the argument with index i, counted from 0.
func (e *Event) Arg(i int) Raw { return e.args.At(i) }

// Bind decodes the arguments, in order. See Args.Bind.
func (e *Event) Bind(ptrs ...any) error { return e.args.Bind(ptrs...) }

// WantsAck reports whether the client waits for an answer.
func (e *Event) WantsAck() bool { return e.id >= 0 }

// Ack answers the event. It does nothing if the client wants no answer, or has
// got one. ErrDisconnected says that the client has gone.
func (e *Event) Ack(args ...any) error {
	if e.id < 0 || e.acked.Load() {
		return nil
	}
	data, attachments, err := encodeArgs(args)
	if err != nil {
		return err
	}
	server := e.socket.ns.server
	if !e.acked.CompareAndSwap(false, true) {
		return nil
	}
	if e.socket.state.Load() != stateConnected {
		return ErrDisconnected
	}
	batch := packetMessages(kindAck, e.socket.ns.name, e.id, data, attachments)
	if err := e.socket.conn.session.Send(batch...); err != nil {
		return sendError(err)
	}
	server.counters.acksOut.Add(1)
	return nil
}
