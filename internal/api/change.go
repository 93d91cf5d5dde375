package api

import (
	"context"
	"errors"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// join makes sockets members of rooms.
func join(c *call) (any, *problem) {
	return c.changeRooms(socketio.Emitter.SocketsJoin)
}

// leave ends their membership.
func leave(c *call) (any, *problem) {
	return c.changeRooms(socketio.Emitter.SocketsLeave)
}

func (c *call) changeRooms(do func(socketio.Emitter, context.Context, ...string) error) (any, *problem) {
	d := &decoder{maxName: c.cfg.MaxNameBytes}
	o := d.body(c.body)
	t := o.target()
	rooms := o.nameList("rooms", "")
	if len(rooms) == 0 {
		o.wrong("rooms", "want an array of 1 to %d names", maxItems)
	}
	o.end()
	return c.change(d, t, func(ctx context.Context, e socketio.Emitter) error { return do(e, ctx, rooms...) })
}

// disconnect ends sockets.
func disconnect(c *call) (any, *problem) {
	d := &decoder{maxName: c.cfg.MaxNameBytes}
	o := d.body(c.body)
	t := o.target()
	connections := o.toggle("close_connections")
	o.end()
	return c.change(d, t, func(ctx context.Context, e socketio.Emitter) error { return e.DisconnectSockets(ctx, connections) })
}

// change does something to sockets of all nodes. Other nodes are told, and don't say what came of
// it.
func (c *call) change(d *decoder, t target, do func(context.Context, socketio.Emitter) error) (any, *problem) {
	if d.problem != nil {
		return nil, d.problem
	}
	if p := c.reachable(); p != nil {
		return nil, p
	}
	ctx, cancel := context.WithTimeout(c.ctx, confirmTime) // a join waits until its room is heard
	defer cancel()
	sent := newTold()
	p := c.open(t.namespace, func(n *socketio.Namespace) *problem {
		err := do(ctx, t.in(n).Confirm(sent.hear))
		if errors.Is(err, socketio.ErrTooManyRooms) {
			return c.tooManyRooms(sent, err)
		}
		return refusal(err, "")
	})
	if p == nil {
		p = sent.wait(c.ctx)
	}
	if p != nil {
		return nil, p
	}
	return everywhere, nil
}

// tooManyRooms is the problem that some sockets of this node can join no more rooms. The others
// have joined.
func (c *call) tooManyRooms(sent told, err error) *problem {
	p := newProblem(roomsFull, "%v", err)
	p.Reached, p.done = reachedCluster, true
	if sent.wait(c.ctx) != nil {
		p.Reached = reachedNode
	}
	return p
}
