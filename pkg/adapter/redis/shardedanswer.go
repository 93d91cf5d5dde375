package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// shardedAnswerer carries out the requests of other nodes, as answerer does for the classic
// adapter.
type shardedAnswerer struct {
	*Sharded
	node              socketio.ClusterNode
	questions, events *worker
	acks              *ackWaits
}

func newShardedAnswerer(ctx context.Context, s *Sharded, node socketio.Node) *shardedAnswerer {
	full, ok := node.(socketio.ClusterNode)
	if !ok {
		full = plainNode{node}
	}
	return &shardedAnswerer{
		Sharded: s, node: full,
		questions: newWorker(s.cfg.MaxQueueBytes), events: newWorker(s.cfg.MaxQueueBytes),
		acks: &ackWaits{ctx: ctx, node: full, givenUp: &s.count.acksGivenUp},
	}
}

// fields reads the entries of what is in an envelope.
func (m *shardedMessage) fields(wanted ...string) (fields, error) {
	packed, err := notepack.AppendJSON(make([]byte, 0, len(m.data)), []byte(m.data), m.attachments)
	if err != nil {
		return nil, err
	}
	return readFields(notepack.NewReader(string(packed)), wanted...)
}

// carryOut does what a request asks for, or sees to it.
func (a *shardedAnswerer) carryOut(l *lane, m *goredis.Message, e *shardedMessage) error {
	if e.kind < shardedJoin || e.kind > shardedServerEvent {
		return errUnknownRequest
	}
	f, err := e.fields("opts", "rooms", "close", "requestId", "packet")
	if err != nil {
		return err
	}
	switch e.kind {
	case shardedFetch:
		err = a.fetch(l, m, e, f)
	case shardedServerEvent:
		err = a.serverEvent(l, m, e, f)
	default:
		err = a.change(e, f)
	}
	if err == nil {
		l.count.requests.Add(1)
	}
	return err
}

// change begins a change of sockets at once: what is published behind it may count on it.
func (a *shardedAnswerer) change(e *shardedMessage, f fields) error {
	c := &socketio.Change{Kind: socketio.ChangeDisconnect}
	var err error
	switch e.kind {
	case shardedJoin:
		c.Kind = socketio.ChangeJoin
	case shardedLeave:
		c.Kind = socketio.ChangeLeave
	}
	if !f.has("opts") || c.Kind != socketio.ChangeDisconnect && !f.has("rooms") {
		return errNoTarget
	}
	if c.Target, err = f.target(e.namespace); err != nil {
		return err
	}
	if c.ChangeRooms, err = f.names("rooms"); err != nil {
		return err
	}
	if c.Close, err = f.boolean("close"); err != nil {
		return err
	}
	return begun(a.node.Change(c))
}

func (a *shardedAnswerer) fetch(l *lane, m *goredis.Message, e *shardedMessage, f fields) error {
	id, t, err := f.question(e.namespace)
	if err != nil {
		return err
	}
	return a.later(l, a.questions, m, func() error {
		infos, err := a.node.Sockets(t)
		if err != nil {
			return begun(err) // who asks is told that the answer is not complete
		}
		return a.respond(l, e, shardedSockets, id, nil, func(dst []byte) ([]byte, error) {
			return appendJSON(append(dst, `,"sockets":`...), describe(infos))
		})
	})
}

// question reads the id of a question about sockets, and whom it is about.
func (f fields) question(namespace string) (id string, t socketio.Target, err error) {
	if id, err = f.name("requestId"); err == nil && id == "" {
		err = errNoTarget // nobody could understand the answer
	}
	if err == nil {
		t, err = f.target(namespace)
	}
	return id, t, err
}

func (a *shardedAnswerer) serverEvent(l *lane, m *goredis.Message, e *shardedMessage, f fields) error {
	id, err := f.name("requestId")
	if err != nil {
		return err
	}
	data, attachments, err := f.json("packet", a.cfg.MaxMessageBytes)
	if err != nil {
		return err
	}
	if len(data) == 0 || data[0] != '[' {
		return errNotEvent
	}
	event := &socketio.ServerEvent{Namespace: e.namespace, Data: data, Attachments: attachments}
	var reply func(socketio.Ack)
	if id != "" {
		reply = func(ack socketio.Ack) { a.respondAck(l, e, shardedServerReply, id, ack) }
	}
	return a.later(l, a.events, m, func() error { return begun(a.node.ServerEvent(event, reply)) })
}

// broadcast delivers an event that asks for acks.
func (a *shardedAnswerer) broadcast(l *lane, e *shardedMessage, b *socketio.Broadcast, id string, timeout time.Duration) error {
	if len(id) > maxNameBytes {
		return notepack.ErrType
	}
	if timeout == 0 {
		timeout = defaultAckWait
	}
	err := a.acks.deliver(b, min(timeout, maxAckWait), func(clients int) {
		_ = a.respond(l, e, shardedClientCount, id, nil, func(dst []byte) ([]byte, error) {
			return fmt.Appendf(dst, `,"clientCount":%d`, clients), nil
		})
	}, func(ack socketio.Ack) { a.respondAck(l, e, shardedAck, id, ack) })
	if err == nil {
		l.count.requests.Add(1)
	}
	return begun(err)
}

// later gives f to a worker.
func (a *shardedAnswerer) later(l *lane, w *worker, m *goredis.Message, f func() error) error {
	guarded := func() {
		defer l.recoverFrom(m)
		if err := f(); err != nil {
			l.drop(reasonOf(err), m, err)
		}
	}
	if !w.do(len(m.Payload), guarded) {
		return errBusy
	}
	return nil
}

// respond sends an answer to who has sent e. rest appends the entries behind the id.
func (a *shardedAnswerer) respond(l *lane, e *shardedMessage, kind shardedType, id string, attachments [][]byte, rest func([]byte) ([]byte, error)) error {
	err := a.send(a.names.room(e.namespace, e.uid), nil, func(dst []byte) ([]byte, error) {
		var err error
		out, packErr := a.appendSharded(dst, e.namespace, kind, attachments, func(dst []byte) []byte {
			dst = notepack.AppendQuoted(append(dst, `{"requestId":`...), id)
			dst, err = rest(dst)
			return append(dst, '}')
		})
		if err != nil {
			return dst, err
		}
		return out, packErr
	})
	if err == nil { // else it has been counted
		l.count.responsesSent.Add(1)
	}
	return nil
}

func (a *shardedAnswerer) respondAck(l *lane, e *shardedMessage, kind shardedType, id string, ack socketio.Ack) {
	_ = a.respond(l, e, kind, id, ack.Attachments, func(dst []byte) ([]byte, error) { return appendJSONAck(dst, ack) })
}

// appendJSONAck appends the first argument of an ack, which is all that official nodes look
// at, and the others.
func appendJSONAck(dst []byte, ack socketio.Ack) ([]byte, error) {
	var args []json.RawMessage
	if err := json.Unmarshal(ack.Data, &args); err != nil {
		return dst, err
	}
	if len(args) > 0 {
		dst = append(append(dst, `,"packet":`...), args[0]...)
	}
	if len(args) > 1 {
		return appendJSON(append(dst, `,"more":`...), args[1:])
	}
	return dst, nil
}
