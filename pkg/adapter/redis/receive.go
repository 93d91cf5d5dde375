package redis

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// receive handles one message. Whatever it is, the next one is handled as well.
func (a *Adapter) receive(node socketio.Node, m *goredis.Message) {
	start := time.Now()
	a.count.received.Add(1)
	a.count.receivedBytes.Add(uint64(len(m.Payload)))
	defer a.recoverFrom(m)
	if !a.handle(node, m) {
		return
	}
	a.count.delivered.Add(1)
	if a.cfg.ObserveReceive != nil {
		a.cfg.ObserveReceive(time.Since(start))
	}
}

func (a *Adapter) handleClassic(node socketio.Node, m *goredis.Message) (delivered bool) {
	if !a.isBroadcast(node, m) {
		return false
	}
	if hasSender(m.Payload, a.uid) {
		a.own(m)
		return false
	}
	if len(m.Payload) > a.cfg.MaxMessageBytes {
		a.drop(DropTooLarge, m, nil)
		return false
	}
	sender, at, b, err := decodeRecorded(m.Payload, a.cfg.MaxMessageBytes)
	if sender == a.uid && at == "" {
		a.own(m)
		return false
	}
	if err == nil {
		err = a.checkChannel(m, b)
	}
	if err != nil {
		a.drop(reasonOf(err), m, err)
		return false
	}
	if at != "" {
		return a.takeRecorded(node, m, b, at, sender == a.uid)
	}
	if err := node.Deliver(b); err != nil {
		a.drop(DropRefused, m, err)
		return false
	}
	return true
}

// recoverFrom is deferred by what handles a message: a panic is counted, and ends there.
func (a *Adapter) recoverFrom(m *goredis.Message) {
	if p := recover(); p != nil {
		a.drop(DropPanic, m, fmt.Errorf("%v\n%s", p, debug.Stack()))
	}
}

// isBroadcast says whether a message is to be decoded as one; otherwise it has been
// handled as what it is.
func (a *Adapter) isBroadcast(node socketio.Node, m *goredis.Message) bool {
	name := m.Channel
	if m.Pattern != "" {
		name = m.Pattern
	}
	kind, namespace, ok := a.interests.find(name)
	switch {
	case !ok:
		a.drop(DropUnknownChannel, m, nil)
		return false
	case kind == kindRequest:
		a.answerer.request(namespace, m)
		return false
	case kind == kindResponse:
		a.response(namespace, m)
		return false
	case kind == kindPrivate:
		// A room whose name only begins like this node's ids comes here too. If it
		// is wanted, it also comes by its own channel, and that counts.
		room, _ := a.names.roomOf(m.Channel, namespace)
		_, _, twice := a.interests.find(m.Channel)
		if twice || !node.HasSocket(namespace, room) && !a.mayComeBack(m) {
			a.drop(DropNoSocket, m, nil)
			return false
		}
	}
	return true
}

// mayComeBack reports whether an event may be for a socket that is about to come back, and is
// none of this node's sockets until it has been sent what it has missed.
func (a *Adapter) mayComeBack(m *goredis.Message) bool {
	return strings.HasPrefix(m.Payload, recordedHead) && a.histories.historyNode() != nil
}

// responseFields are the entries that a response may have.
var responseFields = []string{"type", "requestId", "sockets", "rooms", "clientCount", "packet", "data", "more", "uid"}

// response takes one message of a response channel to the question that it answers.
func (a *Adapter) response(namespace string, m *goredis.Message) {
	if !strings.Contains(m.Payload, a.uid) {
		a.count.responsesOfOthers.Add(1) // it is not worth decoding
		return
	}
	if len(m.Payload) > a.cfg.MaxMessageBytes {
		a.drop(DropTooLarge, m, nil)
		return
	}
	f, err := decodeFields(m.Payload, responseFields...)
	var id string
	if err == nil {
		id, err = f.name("requestId")
	}
	if err != nil {
		a.drop(reasonOf(err), m, err)
		return
	}
	if !a.calls.asked(id) {
		a.count.responsesOfOthers.Add(1)
		return
	}
	c := a.calls.find(id)
	switch {
	case c == nil:
		a.drop(DropLate, m, nil)
		return
	case c.namespace != namespace:
		err = errNamespace
	default:
		err = c.takeClassic(f, len(m.Payload))
	}
	if err != nil {
		a.drop(reasonOf(err), m, err)
		return
	}
	a.count.responses.Add(1)
}

func (c *call) takeClassic(f fields, size int) error {
	sender, err := f.name("uid")
	if err != nil {
		return err
	}
	kind, _, err := f.number("type")
	if err != nil && c.kind == ackedBroadcast {
		return err
	}
	return c.take(answer{fields: f, sender: sender, kind: messageType(kind), args: "data", size: size})
}

// checkChannel holds a message to the channel it came by. Every known publisher chooses
// the channel by the rooms, so what does not match was made to deceive.
func (a *Adapter) checkChannel(m *goredis.Message, b *socketio.Broadcast) error {
	room, ok := a.names.roomOf(m.Channel, b.Namespace)
	if !ok {
		return errNamespace
	}
	if m.Channel != a.names.all(b.Namespace) && (len(b.Rooms) != 1 || b.Rooms[0] != room) {
		return errRoom
	}
	return nil
}

// own counts a message that this node sent: its sockets had it at once. More of them
// than were ever sent are somebody else's.
func (a *Adapter) own(m *goredis.Message) {
	if a.count.own.Add(1) > a.count.queued.Load() {
		a.count.own.Add(^uint64(0))
		a.drop(DropForged, m, nil)
	}
}

// drop counts a message, and writes it to the log unless that is normal.
func (a *Adapter) drop(reason Reason, m *goredis.Message, err error) {
	a.count.dropped[reason.index()].Add(1)
	if reason == DropNoSocket || reason == DropUnknownChannel {
		return
	}
	attrs := []slog.Attr{slog.String("reason", string(reason)), slog.String("channel", m.Channel), slog.Int("bytes", len(m.Payload))}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	a.log.warn("message from the bus dropped", string(reason), attrs...)
}

func reasonOf(err error) Reason {
	for _, known := range [...]struct {
		err    error
		reason Reason
	}{
		{errUnknownRequest, DropUnknownRequest}, {errBusy, DropBusy}, {errRefused, DropRefused},
		{errLate, DropLate}, {errSurplus, DropSurplus},
		{errNotEvent, DropNotEvent}, {errNamespace, DropNamespace}, {errRoom, DropRooms},
		{notepack.ErrDepth, DropTooDeep}, {notepack.ErrTooLarge, DropTooLarge},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return DropMalformed
}
