package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

const (
	// defaultAckWait is how long other nodes wait for the acks of a broadcast when
	// its sender says nothing, as in the official adapter.
	defaultAckWait = 5 * time.Second
	// maxAckWait bounds what senders may ask for.
	maxAckWait = 5 * time.Minute
	// answersPerMessage is how many times Config.MaxMessageBytes the answers to one
	// question may have together.
	answersPerMessage = 4
)

// ackTimeout is how long other nodes are asked to wait for the acks of their clients.
func ackTimeout(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return defaultAckWait
	}
	return min(max(time.Until(deadline), time.Millisecond), maxAckWait)
}

// BroadcastWithAck implements socketio.ClusterAdapter. deliver is called first. The
// error is a *socketio.PartialError if the wait was ended by ctx or by the end of Run,
// and otherwise one of those of Broadcast, ErrBusy, or that of counting the nodes; the
// event is published nevertheless if it can be.
func (a *Adapter) BroadcastWithAck(ctx context.Context, b *socketio.Broadcast, deliver func(), acked func(socketio.Ack)) error {
	deliver()
	timeout := ackTimeout(ctx)
	c, err := a.begin(ctx, ackedBroadcast, b.Namespace)
	if err != nil {
		_ = a.publish(b) // it needs no ack any more
		return err
	}
	defer a.calls.end(c)
	err = a.send(a.names.requests(b.Namespace), func(dst []byte) ([]byte, error) {
		return appendAckedBroadcast(dst, a.uid, c.id, b, timeout)
	})
	if err != nil {
		return err
	}
	return c.wait(ctx, a.ended, acked)
}

// FetchSockets implements socketio.ClusterAdapter. The errors are those of
// BroadcastWithAck.
func (a *Adapter) FetchSockets(ctx context.Context, t socketio.Target) ([]socketio.SocketInfo, error) {
	c, err := a.ask(ctx, t.Namespace, jsonRequest{Type: askSockets, Opts: newJSONTarget(t)})
	if c == nil {
		return nil, err
	}
	return c.sockets, err
}

// SocketIDs returns the ids of other nodes' sockets in any of rooms, or of all. Only
// nodes with an old adapter have need of it: FetchSockets says more. The errors are
// those of FetchSockets.
func (a *Adapter) SocketIDs(ctx context.Context, namespace string, rooms ...string) ([]string, error) {
	c, err := a.ask(ctx, namespace, jsonRequest{Type: askSocketIDs, Rooms: notNil(rooms)})
	if c == nil {
		return nil, err
	}
	return c.found, err
}

// AllRooms returns the rooms that other nodes have sockets in, those that are named by
// the sockets' ids included. The errors are those of FetchSockets.
func (a *Adapter) AllRooms(ctx context.Context, namespace string) ([]string, error) {
	c, err := a.ask(ctx, namespace, jsonRequest{Type: askRooms})
	if c == nil {
		return nil, err
	}
	return c.found, err
}

// ask sends a question and waits for all answers. The call is over then; it is nil if
// the question was not sent.
func (a *Adapter) ask(ctx context.Context, namespace string, r jsonRequest) (*call, error) {
	c, err := a.begin(ctx, r.Type, namespace)
	if err != nil {
		return nil, err
	}
	defer a.calls.end(c)
	if c.expected == 0 {
		return c, nil // there is nobody to ask
	}
	r.UID, r.ID = a.uid, c.id
	err = a.send(a.names.requests(namespace), func(dst []byte) ([]byte, error) { return appendJSON(dst, r) })
	if err != nil {
		return nil, err
	}
	return c, c.wait(ctx, a.ended, func(socketio.Ack) {})
}

// Change implements socketio.ClusterAdapter. The errors are those of Broadcast.
func (a *Adapter) Change(_ context.Context, c *socketio.Change) error {
	return a.sendConfirmed(a.names.requests(c.Namespace), c.Confirm, func(dst []byte) ([]byte, error) {
		r, err := newChangeRequest(a.uid, c)
		if err != nil {
			return dst, err
		}
		return appendJSON(dst, r)
	})
}

// ServerSideEmit implements socketio.ClusterAdapter. Without acked the errors are those
// of Broadcast, with it those of BroadcastWithAck. Official nodes answer with one
// argument.
func (a *Adapter) ServerSideEmit(ctx context.Context, e *socketio.ServerEvent, acked func(socketio.Ack)) error {
	channel := a.names.requests(e.Namespace)
	if acked == nil {
		return a.send(channel, func(dst []byte) ([]byte, error) { return appendServerEvent(dst, a.uid, "", e) })
	}
	c, err := a.begin(ctx, serverEvent, e.Namespace)
	if err != nil {
		return err
	}
	defer a.calls.end(c)
	if err := a.send(channel, func(dst []byte) ([]byte, error) { return appendServerEvent(dst, a.uid, c.id, e) }); err != nil {
		return err
	}
	return c.wait(ctx, a.ended, acked)
}

// begin registers a question to all other nodes of a namespace.
func (a *Adapter) begin(ctx context.Context, t messageType, namespace string) (*call, error) {
	if err := a.publisher.away(); err != nil {
		return nil, a.refused(err)
	}
	// Where the answers would not be heard, nobody need be asked. And the count below
	// has this node in it only if it hears the questions itself.
	if !a.interests.confirmed(a.names.requests(namespace)) || !a.interests.confirmed(a.names.answers(namespace, a.uid)) {
		return nil, a.refused(fmt.Errorf("%w: its answers are not heard", ErrAway))
	}
	servers, err := a.servers(ctx, namespace)
	if err != nil {
		return nil, fmt.Errorf("count nodes: %w", err)
	}
	c, err := a.calls.begin(t, namespace, max(servers-1, 0), answersPerMessage*a.cfg.MaxMessageBytes)
	if err != nil {
		a.count.refusedBusy.Add(1)
	}
	return c, err
}

// servers counts the nodes that serve a namespace, this one included: the subscribers of
// its request channel (protocol.md 4.1.7). It asks for each question, as the official
// adapter does: an old number would make a call wait for a node that has gone, or return
// without one that has come, and the question itself costs more than this one command.
func (a *Adapter) servers(ctx context.Context, namespace string) (int, error) {
	channel := a.names.requests(namespace)
	if a.cluster != nil {
		return a.cluster.subscribers(ctx, channel)
	}
	n, err := a.client.PubSubNumSub(ctx, channel).Result()
	return int(n[channel]), err
}
