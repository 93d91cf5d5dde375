package socketio

import (
	"cmp"
	"context"
	"fmt"
	"sync"
)

// ServerSideEmit sends an event to the programs of the other nodes, whose
// OnServerSide functions get it. Without a ClusterAdapter there are none. An error is
// the adapter's, or about the arguments: see Emitter.Emit. It does not wait for anybody.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	e, err := n.newServerEvent(event, args)
	if err != nil || n.server.cluster == nil {
		return err
	}
	return n.server.cluster.ServerSideEmit(n.server.ctx, e, nil)
}

// ServerSideEmitWithAck is ServerSideEmit, and waits for one answer of each other
// node: until ctx ends, or 5 s if it has no deadline. With an error it returns the
// answers that have come; a *PartialError in it says how many are missing.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Reply, error) {
	e, err := n.newServerEvent(event, args)
	if err != nil || n.server.cluster == nil {
		return nil, err
	}
	ctx, cancel := Emitter{}.withTimeout(ctx)
	defer cancel()
	w := newAckCollector(n)
	err = n.server.cluster.ServerSideEmit(ctx, e, w.addRemote)
	w.settle(nil)
	replies, own := w.stop()
	if err != nil && ctx.Err() != nil {
		err = n.server.partialTimeout(ctx, err)
	}
	return replies, cmp.Or(err, own)
}

func (n *Namespace) newServerEvent(event string, args []any) (*ServerEvent, error) {
	data, attachments, err := encodeNamed(event, args, reservedServerEvent)
	if err != nil {
		return nil, err
	}
	return &ServerEvent{n.name, data, attachments}, nil
}

// ServerSideEvent is an event that another node has sent with ServerSideEmit.
type ServerSideEvent struct {
	Args
	ns    *Namespace
	name  string
	reply func(Ack)
	once  sync.Once
}

// Namespace returns the namespace of this node that it came to.
func (e *ServerSideEvent) Namespace() *Namespace { return e.ns }

// Name returns the event's name.
func (e *ServerSideEvent) Name() string { return e.name }

// Ack answers the event. It does nothing if no answer is wanted, or was given.
func (e *ServerSideEvent) Ack(args ...any) error {
	if e.reply == nil {
		return nil
	}
	data, attachments, err := encodeArgs(args)
	if err != nil {
		return err
	}
	e.once.Do(func() { e.reply(Ack{data, attachments}) })
	return nil
}

// OnServerSide adds a function for the events of other nodes' ServerSideEmit. It
// is called in the adapter's goroutine and must not block.
func (h *hooks) OnServerSide(event string, f func(*ServerSideEvent)) {
	add(h, &h.serverSide, serverHandler{event, f})
}

type serverHandler struct {
	event string
	f     func(*ServerSideEvent)
}

// serverEvent hands e to its listeners. Where there are none it is answered
// nevertheless, with nothing, unless Config.LeaveUnknownServerEvents is set: the
// sender would wait in vain.
func (n *Namespace) serverEvent(e *ServerEvent, reply func(Ack)) error {
	if err := checkBytes(e.Data, e.Attachments); err != nil {
		return err
	}
	name, args, err := parseServerEvent(e.Data, e.Attachments, &n.server.limits)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadBroadcast, err)
	}
	event := &ServerSideEvent{Args: args, ns: n, name: name, reply: reply}
	handled := false
	for _, l := range hooked(n, func(h *hooks) []serverHandler { return h.serverSide }) {
		if l.event == name {
			n.callServerSide(l.f, event)
			handled = true
		}
	}
	if !handled && !n.server.cfg.LeaveUnknownServerEvents {
		return event.Ack()
	}
	return nil
}

// callServerSide keeps a panic from the adapter's goroutine.
func (n *Namespace) callServerSide(f func(*ServerSideEvent), e *ServerSideEvent) {
	defer func() {
		if v := recover(); v != nil {
			n.server.logPanic(v, "namespace", n.name, "event", e.name)
		}
	}()
	f(e)
}
