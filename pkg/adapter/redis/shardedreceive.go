package redis

import (
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// handle returns what a lane does with a message.
func (s *Sharded) handle(l *lane) func(socketio.Node, *goredis.Message) bool {
	return func(node socketio.Node, m *goredis.Message) (delivered bool) {
		_, namespace, ok := l.interests.find(m.Channel)
		switch {
		case !ok:
			l.drop(DropUnknownChannel, m, nil)
			return false
		case len(m.Payload) > s.cfg.MaxMessageBytes:
			l.drop(DropTooLarge, m, nil)
			return false
		case strings.HasSuffix(m.Payload, s.tail(namespace)): // it need not be decoded
			l.own(m)
			return false
		}
		e, err := decodeSharded(m.Payload, s.cfg.MaxMessageBytes)
		if err == nil && e.uid == s.uid && e.offset == "" {
			l.own(m)
			return false
		}
		if err == nil {
			delivered, err = s.take(l, node, m, &e)
		}
		if err != nil {
			l.drop(reasonOf(err), m, err)
		}
		return delivered
	}
}

// take does what a message asks for, if it came by the channel where such messages belong:
// what did not was made to deceive.
func (s *Sharded) take(l *lane, node socketio.Node, m *goredis.Message, e *shardedMessage) (delivered bool, err error) {
	room, ok := s.names.roomOf(m.Channel, e.namespace)
	if !ok {
		return false, errNamespace
	}
	switch e.kind {
	case shardedSockets, shardedServerReply, shardedClientCount, shardedAck:
		if room != s.uid {
			return false, errNotAsked
		}
		return false, s.response(l, e, len(m.Payload))
	case shardedBroadcast:
		b, question, timeout, err := e.broadcast()
		if err != nil {
			return false, err
		}
		if m.Channel != s.names.all(e.namespace) && (len(b.Rooms) != 1 || b.Rooms[0] != room || question != "") {
			return false, errRoom
		}
		if question != "" {
			return false, s.answerer.broadcast(l, e, b, question, timeout)
		}
		if e.offset != "" {
			return l.takeRecorded(node, m, b, e.offset, e.uid == s.uid), nil
		}
		if err := node.Deliver(b); err != nil {
			return false, fmt.Errorf("%w: %w", errRefused, err)
		}
		return true, nil
	}
	if m.Channel != s.names.all(e.namespace) {
		return false, errRoom
	}
	return false, s.answerer.carryOut(l, m, e)
}

// response takes an answer to the question that it is about.
func (s *Sharded) response(l *lane, e *shardedMessage, size int) error {
	a := answer{sender: e.uid, args: "packet", size: size}
	var err error
	if a.fields, err = e.fields("requestId", "sockets", "packet", "more", "clientCount"); err != nil {
		return err
	}
	id, err := a.name("requestId")
	if err != nil {
		return err
	}
	c := s.calls.find(id)
	switch {
	case c == nil:
		return errLate
	case c.namespace != e.namespace:
		return errNamespace
	}
	question := ackedBroadcast
	switch e.kind {
	case shardedSockets:
		question = askSockets
	case shardedServerReply:
		question = serverEvent
	case shardedClientCount:
		a.kind = clientCount
	case shardedAck:
		a.kind = clientAck
	}
	if c.kind != question {
		return errNotAsked
	}
	if err := c.take(a); err != nil {
		return err
	}
	l.count.responses.Add(1)
	return nil
}
