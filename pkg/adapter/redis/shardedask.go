package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Broadcast implements socketio.Adapter, as Adapter.Broadcast does.
func (s *Sharded) Broadcast(_ context.Context, b *socketio.Broadcast, deliver func()) error {
	err := s.publish(b)
	deliver()
	return err
}

func (s *Sharded) publish(b *socketio.Broadcast) error {
	return s.send(s.channelOf(b), b.Confirm, func(dst []byte) ([]byte, error) { return s.appendShardedBroadcast(dst, b, "", 0) })
}

// channelOf is where an emit is published.
func (s *Sharded) channelOf(b *socketio.Broadcast) string {
	if len(b.Rooms) == 1 && s.separate(b.Rooms[0]) {
		return s.names.room(b.Namespace, b.Rooms[0])
	}
	return s.names.all(b.Namespace)
}

// send queues a message, that write appends to what it is given, on the lane of its channel.
// confirm is as in Adapter.sendConfirmed.
func (s *Sharded) send(channel string, confirm func(error), write func(dst []byte) ([]byte, error)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.lane(channel)
	if l == nil {
		s.count.refusedAway.Add(1)
		return ErrAway
	}
	return l.sendConfirmed(channel, confirm, write)
}

// BroadcastWithAck implements socketio.ClusterAdapter, as Adapter.BroadcastWithAck does.
func (s *Sharded) BroadcastWithAck(ctx context.Context, b *socketio.Broadcast, deliver func(), acked func(socketio.Ack)) error {
	deliver()
	timeout := ackTimeout(ctx)
	c, err := s.begin(ctx, ackedBroadcast, b.Namespace)
	if err != nil {
		_ = s.publish(b) // it needs no ack any more
		return err
	}
	defer s.calls.end(c)
	// It can't go by the channel of a room: all nodes are expected to answer.
	err = s.send(s.names.all(b.Namespace), nil, func(dst []byte) ([]byte, error) {
		return s.appendShardedBroadcast(dst, b, c.id, timeout)
	})
	if err != nil {
		return err
	}
	return c.wait(ctx, s.ended, acked)
}

// FetchSockets implements socketio.ClusterAdapter, as Adapter.FetchSockets does.
func (s *Sharded) FetchSockets(ctx context.Context, t socketio.Target) ([]socketio.SocketInfo, error) {
	c, err := s.begin(ctx, askSockets, t.Namespace)
	if err != nil {
		return nil, err
	}
	defer s.calls.end(c)
	if c.expected == 0 {
		return nil, nil // there is nobody to ask
	}
	if err := s.sendFetch(t, c.id); err != nil {
		return nil, err
	}
	err = c.wait(ctx, s.ended, func(socketio.Ack) {})
	return c.sockets, err
}

func (s *Sharded) sendFetch(t socketio.Target, question string) error {
	return s.sendData(t.Namespace, shardedFetch, nil, nil, func(dst []byte) []byte {
		dst = append(appendJSONTarget(append(dst, `{"opts":`...), t), `,"flags":{}}`...)
		return append(notepack.AppendQuoted(append(dst, `,"requestId":`...), question), '}')
	})
}

// Change implements socketio.ClusterAdapter. The errors are those of Broadcast.
func (s *Sharded) Change(_ context.Context, c *socketio.Change) error {
	kind, ok := map[socketio.ChangeKind]shardedType{
		socketio.ChangeJoin: shardedJoin, socketio.ChangeLeave: shardedLeave, socketio.ChangeDisconnect: shardedDisconnect,
	}[c.Kind]
	if !ok {
		return fmt.Errorf("%w: unknown change %d", ErrBadEvent, c.Kind)
	}
	return s.sendData(c.Namespace, kind, nil, c.Confirm, func(dst []byte) []byte {
		dst = append(appendJSONTarget(append(dst, `{"opts":`...), c.Target), `,"flags":{}}`...)
		if c.Kind == socketio.ChangeDisconnect {
			return fmt.Appendf(dst, `,"close":%t}`, c.Close)
		}
		return append(appendJSONNames(append(dst, `,"rooms":`...), c.ChangeRooms), '}')
	})
}

// ServerSideEmit implements socketio.ClusterAdapter, as Adapter.ServerSideEmit does.
func (s *Sharded) ServerSideEmit(ctx context.Context, e *socketio.ServerEvent, acked func(socketio.Ack)) error {
	if !json.Valid(e.Data) {
		s.count.refusedBad.Add(1)
		return fmt.Errorf("%w: %w", ErrBadEvent, notepack.ErrJSON)
	}
	if acked == nil {
		return s.sendServerEvent(e, "")
	}
	c, err := s.begin(ctx, serverEvent, e.Namespace)
	if err != nil {
		return err
	}
	defer s.calls.end(c)
	if err := s.sendServerEvent(e, c.id); err != nil {
		return err
	}
	return c.wait(ctx, s.ended, acked)
}

func (s *Sharded) sendServerEvent(e *socketio.ServerEvent, question string) error {
	return s.sendData(e.Namespace, shardedServerEvent, e.Attachments, nil, func(dst []byte) []byte {
		dst = append(dst, '{')
		if question != "" {
			dst = append(notepack.AppendQuoted(append(dst, `"requestId":`...), question), ',')
		}
		return append(append(append(dst, `"packet":`...), e.Data...), '}')
	})
}

// sendData queues a message for all nodes of a namespace.
func (s *Sharded) sendData(namespace string, kind shardedType, attachments [][]byte, confirm func(error), data func([]byte) []byte) error {
	return s.send(s.names.all(namespace), confirm, func(dst []byte) ([]byte, error) {
		return s.appendSharded(dst, namespace, kind, attachments, data)
	})
}

var errDeafToAnswers = errors.New("its answers are not heard")

// begin registers a question to all other nodes of a namespace.
func (s *Sharded) begin(ctx context.Context, t messageType, namespace string) (*call, error) {
	channel := s.names.all(namespace)
	s.mu.RLock()
	there, here := s.lane(channel), s.lane(s.names.room(namespace, s.uid))
	s.mu.RUnlock()
	// Where the answers would not be heard, nobody need be asked. And the count below
	// has this node in it only if it hears the questions itself.
	if there == nil || !there.interests.confirmed(channel) || !here.interests.confirmed(s.names.room(namespace, s.uid)) {
		s.count.refusedAway.Add(1)
		return nil, fmt.Errorf("%w: %w", ErrAway, errDeafToAnswers)
	}
	// A shard channel has subscribers only where its slot is: that is the sum over all
	// masters that the official adapter asks for.
	n, err := there.client.PubSubShardNumSub(ctx, channel).Result()
	if err != nil {
		return nil, fmt.Errorf("count nodes: %w", err)
	}
	c, err := s.calls.begin(t, namespace, max(int(n[channel])-1, 0), answersPerMessage*s.cfg.MaxMessageBytes)
	if err != nil {
		s.count.refusedBusy.Add(1)
	}
	return c, err
}
