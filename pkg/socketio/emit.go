package socketio

import (
	"context"
	"errors"
	"fmt"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// Emit sends an event to the client. See Emitter.Emit for the arguments. It does
// not block. ErrDisconnected says that the socket has ended, and that the event
// went nowhere; without an error it was put on its way, no more. In a namespace with
// recovery it also goes the way of all events, by the history: a Disconnect that follows at once
// may overtake it, and any other error is the adapter's.
func (s *Socket) Emit(event string, args ...any) error { return s.emit(event, args, emitFlags{}) }

// Volatile returns an emitter whose events are dropped while the client can't be
// written to.
func (s *Socket) Volatile() SocketEmitter { return SocketEmitter{s, emitFlags{volatile: true}} }

// Compress returns an emitter whose events may be compressed over HTTP, or may not.
func (s *Socket) Compress(on bool) SocketEmitter {
	return SocketEmitter{s, emitFlags{noCompress: !on}}
}

// SocketEmitter sends to one socket with flags. It is a value.
type SocketEmitter struct {
	socket *Socket
	flags  emitFlags
}

type emitFlags struct{ volatile, noCompress bool }

// Volatile drops an event while the client can't be written to.
func (e SocketEmitter) Volatile() SocketEmitter { e.flags.volatile = true; return e }

// Compress says whether HTTP compression may be used.
func (e SocketEmitter) Compress(on bool) SocketEmitter { e.flags.noCompress = !on; return e }

// Emit is Socket.Emit with the flags. A volatile event that was dropped is no error.
func (e SocketEmitter) Emit(event string, args ...any) error {
	return e.socket.emit(event, args, e.flags)
}

// Broadcast addresses the namespace without the socket, with the flags.
func (e SocketEmitter) Broadcast() Emitter {
	b := e.socket.Broadcast()
	b.volatile, b.noCompress = e.flags.volatile, e.flags.noCompress
	return b
}

// To addresses rooms without the socket, with the flags.
func (e SocketEmitter) To(rooms ...string) Emitter { return e.Broadcast().To(rooms...) }

func (s *Socket) emit(event string, args []any, flags emitFlags) error {
	data, attachments, err := encodeEvent(event, args)
	if err != nil {
		return err
	}
	s.ns.server.counters.emits.Add(1)
	if s.ns.recovery != nil {
		return s.emitRecoverably(data, attachments, flags)
	}
	return s.send(-1, event, data, attachments, flags)
}

// emitRecoverably has the event find the socket wherever it is when it comes back.
func (s *Socket) emitRecoverably(data []byte, attachments [][]byte, flags emitFlags) error {
	if s.state.Load() != stateConnected {
		return ErrDisconnected
	}
	b := &Broadcast{
		Namespace: s.ns.name, Rooms: []string{s.id}, Data: data, Attachments: attachments,
		Volatile: flags.volatile, NoCompress: flags.noCompress, Local: flags.volatile,
	}
	if flags.volatile {
		s.ns.deliver(b)
		return nil
	}
	if err := s.ns.server.checkEmit(data, attachments); err != nil {
		return err
	}
	return s.ns.recovery.history.Record(b)
}

// send puts an event on its way, with an ack id or -1.
func (s *Socket) send(id int64, event string, data []byte, attachments [][]byte, flags emitFlags) error {
	if s.state.Load() != stateConnected {
		return ErrDisconnected
	}
	batch := packetMessages(kindEvent, s.ns.name, id, data, attachments)
	if flags.noCompress {
		withoutCompression(batch)
	}
	taken := true
	if flags.volatile {
		taken = s.conn.session.SendVolatile(batch...)
	} else if err := s.conn.session.Send(batch...); err != nil {
		return sendError(err)
	}
	if taken {
		s.ns.server.counters.deliver(batch, 1)
	}
	heard := s.outgoingListeners()
	if len(heard) == 0 {
		return nil
	}
	_, args, err := parseEvent(data, attachments, &s.ns.server.limits)
	for i := 0; err == nil && i < len(heard); i++ {
		s.protect("outgoing event", func() { heard[i](event, args) })
	}
	return nil
}

// sendError says in this package's terms why a session took nothing.
func sendError(err error) error {
	if errors.Is(err, engineio.ErrClosed) {
		return ErrDisconnected
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}

// EmitWithAck sends an event and waits for the client's ack. It ends early with
// ErrAckTimeout when ctx reaches its deadline, with ctx's cause when ctx is
// cancelled, and with ErrDisconnected when the socket ends. Don't wait for ever:
// in a handler, events that pile up behind it may keep the ack from being read.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error) {
	data, attachments, err := encodeEvent(event, args)
	if err != nil {
		return Reply{}, err
	}
	s.ns.server.counters.emits.Add(1)
	w := &singleAck{done: make(chan struct{})}
	id, err := s.expect(w)
	if err != nil {
		return Reply{}, err
	}
	if err := s.send(id, event, data, attachments, emitFlags{}); err != nil {
		s.forget(id)
		return Reply{}, err
	}
	select {
	case <-w.done:
		return w.reply, w.err
	case <-ctx.Done():
	}
	if !s.forget(id) { // the answer has just come
		<-w.done
		return w.reply, w.err
	}
	return Reply{}, s.ns.server.ackTimeout(ctx)
}

// ackTimeout is the error of a wait that ctx has ended.
func (s *Server) ackTimeout(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		s.counters.ackTimeouts.Add(1)
		return ErrAckTimeout
	}
	return context.Cause(ctx)
}
