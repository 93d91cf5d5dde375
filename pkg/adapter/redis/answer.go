package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

var (
	errUnknownRequest = errors.New("unknown type of request")
	errNoTarget       = errors.New("no target")
	errBusy           = errors.New("too many requests wait")
	errRefused        = errors.New("refused")
)

// answerer carries out the requests of other nodes.
type answerer struct {
	*Adapter
	node socketio.ClusterNode
	ctx  context.Context // that of Run: it ends all waits for acks

	// What may take long is carried out behind the goroutine that receives: questions
	// about sockets by one worker, and events for the program by another, which keeps
	// them in their order.
	questions, events *worker
	acks              *ackWaits
}

func newAnswerer(ctx context.Context, a *Adapter, node socketio.Node) *answerer {
	full, ok := node.(socketio.ClusterNode)
	if !ok {
		full = plainNode{node}
	}
	return &answerer{
		Adapter: a, node: full, ctx: ctx,
		questions: newWorker(a.cfg.MaxQueueBytes), events: newWorker(a.cfg.MaxQueueBytes),
		acks: &ackWaits{ctx: ctx, node: full, givenUp: &a.count.acksGivenUp},
	}
}

// request is a request of another node.
type request struct {
	fields
	kind      messageType
	namespace string
	uid       string // of who asks; "" for emitters and old nodes
	id        string // "" if no answer is wanted
	message   *goredis.Message
}

// request carries out one message of a request channel, or sees to it.
func (a *answerer) request(namespace string, m *goredis.Message) {
	if len(m.Payload) > a.cfg.MaxMessageBytes {
		a.drop(DropTooLarge, m, nil)
		return
	}
	q, err := decodeRequest(namespace, m)
	if q != nil && q.uid == a.uid {
		a.own(m)
		return
	}
	if err == nil {
		err = a.carryOut(q)
	}
	if err != nil {
		a.drop(reasonOf(err), m, err)
		return
	}
	a.count.requests.Add(1)
}

// decodeRequest returns what it has understood even with an error.
func decodeRequest(namespace string, m *goredis.Message) (*request, error) {
	f, err := decodeFields(m.Payload, "uid", "requestId", "type", "opts", "rooms", "sid", "room", "close", "data", "packet")
	if err != nil {
		return nil, err
	}
	q := &request{fields: f, namespace: namespace, message: m}
	if q.uid, err = f.name("uid"); err != nil {
		return nil, err
	}
	if q.id, err = f.name("requestId"); err != nil {
		return q, err
	}
	t, ok, err := f.number("type")
	if err == nil && (!ok || messageType(t) > ackedBroadcast) {
		err = errUnknownRequest
	}
	q.kind = messageType(t)
	return q, err
}

func (a *answerer) carryOut(q *request) error {
	switch q.kind {
	case changeJoin, changeLeave, changeClose:
		return a.change(q)
	case serverEvent:
		return a.serverEvent(q)
	}
	if q.id == "" {
		return errNoTarget // nobody could understand the answer
	}
	switch q.kind {
	case ackedBroadcast:
		return a.broadcast(q)
	case askRooms:
		return a.later(a.questions, q, func() { a.answerRooms(q, socketio.Target{Namespace: q.namespace}) })
	case askSocketIDs:
		rooms, err := q.names("rooms")
		if err != nil {
			return err
		}
		return a.later(a.questions, q, func() { a.answerIDs(q, socketio.Target{Namespace: q.namespace, Rooms: rooms}) })
	}
	t, err := q.target()
	if err != nil {
		return err
	}
	return a.later(a.questions, q, func() { a.answerSockets(q, t) })
}

// target reads whom a request is about. One that does not say is about all.
func (q *request) target() (socketio.Target, error) {
	return q.fields.target(q.namespace)
}

func (f fields) target(namespace string) (t socketio.Target, err error) {
	t.Namespace = namespace
	opts, err := f.in("opts", "rooms", "except")
	if err == nil {
		t.Rooms, err = opts.names("rooms")
	}
	if err == nil {
		t.Except, err = opts.names("except")
	}
	return t, err
}

// later gives f to a worker.
func (a *answerer) later(w *worker, q *request, f func()) error {
	guarded := func() {
		defer a.recoverFrom(q.message)
		f()
	}
	if !w.do(len(q.message.Payload), guarded) {
		return errBusy
	}
	return nil
}

// respond sends an answer to who has asked. An official node since 7.1 hears a channel
// of its own; those before, and who does not say who he is, hear only the one of all.
func (a *answerer) respond(q *request, write func(dst []byte) ([]byte, error)) {
	uid := q.uid
	if a.cfg.SharedResponses || q.kind == serverEvent {
		uid = ""
	}
	if a.send(a.names.answers(q.namespace, uid), write) == nil { // else it has counted it
		a.count.responsesSent.Add(1)
	}
}

func (a *answerer) respondJSON(q *request, r jsonResponse) {
	r.ID, r.UID = q.id, a.uid
	a.respond(q, func(dst []byte) ([]byte, error) { return appendJSON(dst, r) })
}

// sockets returns this node's part of an answer. One that can't be given is left out:
// who asks is told that the answer is not complete.
func (a *answerer) sockets(q *request, t socketio.Target) ([]socketio.SocketInfo, bool) {
	infos, err := a.node.Sockets(t)
	if err != nil && !errors.Is(err, socketio.ErrUnknownNamespace) {
		a.drop(DropRefused, q.message, err)
		return nil, false
	}
	return infos, true
}

func (a *answerer) answerSockets(q *request, t socketio.Target) {
	if infos, ok := a.sockets(q, t); ok {
		a.respondJSON(q, jsonResponse{Sockets: describe(infos)})
	}
}

func (a *answerer) answerIDs(q *request, t socketio.Target) {
	infos, ok := a.sockets(q, t)
	if !ok {
		return
	}
	ids := make([]string, len(infos))
	for i, info := range infos {
		ids[i] = info.ID
	}
	a.respondJSON(q, jsonResponse{Sockets: ids})
}

func (a *answerer) answerRooms(q *request, t socketio.Target) {
	infos, ok := a.sockets(q, t)
	if !ok {
		return
	}
	rooms, seen := []string{}, make(map[string]bool)
	for _, info := range infos {
		for _, room := range info.Rooms {
			if !seen[room] {
				seen[room] = true
				rooms = append(rooms, room)
			}
		}
	}
	a.respondJSON(q, jsonResponse{Rooms: rooms})
}

func (a *answerer) serverEvent(q *request) error {
	data, attachments, err := q.json("data", a.cfg.MaxMessageBytes)
	if err != nil {
		return err
	}
	if len(data) == 0 || data[0] != '[' {
		return errNotEvent
	}
	e := &socketio.ServerEvent{Namespace: q.namespace, Data: data, Attachments: attachments}
	var reply func(socketio.Ack)
	if q.id != "" {
		reply = func(ack socketio.Ack) {
			a.respond(q, func(dst []byte) ([]byte, error) { return appendServerReply(dst, q.id, a.uid, ack) })
		}
	}
	return a.later(a.events, q, func() {
		if err := a.node.ServerEvent(e, reply); err != nil {
			a.drop(DropRefused, q.message, err)
		}
	})
}

// change begins a change of sockets at once: what is published behind it may count on it.
func (a *answerer) change(q *request) error {
	c := &socketio.Change{}
	switch q.kind {
	case changeJoin:
		c.Kind = socketio.ChangeJoin
	case changeLeave:
		c.Kind = socketio.ChangeLeave
	default:
		c.Kind = socketio.ChangeDisconnect
	}
	var err error
	if c.Close, err = q.boolean("close"); err != nil {
		return err
	}
	if !q.has("opts") {
		return a.changeOne(q, c)
	}
	if c.Target, err = q.target(); err != nil {
		return err
	}
	if c.Kind != socketio.ChangeDisconnect {
		if !q.has("rooms") {
			return errNoTarget
		}
		if c.ChangeRooms, err = q.names("rooms"); err != nil {
			return err
		}
	}
	return begun(a.node.Change(c))
}

// begun marks an error as the node's.
func begun(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return nil
}

// changeOne is change in the form of old nodes: for one socket, whose node confirms.
func (a *answerer) changeOne(q *request, c *socketio.Change) error {
	sid, err := q.name("sid")
	if err == nil && sid == "" {
		err = errNoTarget
	}
	if err == nil && c.Kind != socketio.ChangeDisconnect {
		room, ok := q.find("room")
		if !ok {
			return errNoTarget
		}
		var name string
		name, err = room.Name()
		c.ChangeRooms = []string{name}
	}
	if err != nil {
		return err
	}
	c.Target = socketio.Target{Namespace: q.namespace, Rooms: []string{sid}}
	if !a.node.HasSocket(q.namespace, sid) {
		return nil // it is another node's
	}
	infos, err := a.node.Sockets(c.Target)
	if err != nil {
		return begun(err)
	}
	here := false
	for _, info := range infos { // others may have joined a room of that name
		if info.ID == sid {
			here = true
		} else {
			c.Except = append(c.Except, info.ID)
		}
	}
	if !here {
		return nil
	}
	if err := a.node.Change(c); err != nil {
		return begun(err)
	}
	if q.id != "" {
		a.respondJSON(q, jsonResponse{})
	}
	return nil
}

// broadcast delivers an event that asks for acks, in its place among the others.
func (a *answerer) broadcast(q *request) error {
	b, timeout, err := q.broadcast(a.cfg.MaxMessageBytes)
	if err != nil {
		return err
	}
	return begun(a.acks.deliver(b, timeout, func(clients int) {
		a.respondJSON(q, jsonResponse{Type: clientCount, ClientCount: &clients})
	}, func(ack socketio.Ack) {
		a.respond(q, func(dst []byte) ([]byte, error) { return appendAck(dst, clientAck, q.id, "packet", ack) })
	}))
}

func (q *request) broadcast(maxBytes int) (*socketio.Broadcast, time.Duration, error) {
	if !q.has("packet") {
		return nil, 0, errNotEvent
	}
	e := &envelope{Reader: q.fields["packet"], maxBytes: maxBytes}
	e.broadcast.Namespace = q.namespace
	if err := e.entries(packetEntries); err != nil {
		return nil, 0, err
	}
	if !e.isEvent || !e.hasData {
		return nil, 0, errNotEvent
	}
	if e.broadcast.Namespace != q.namespace {
		return nil, 0, errNamespace
	}
	if q.has("opts") {
		e.Reader = q.fields["opts"]
		if err := e.entries(optionEntries); err != nil {
			return nil, 0, err
		}
	}
	return &e.broadcast, q.timeout(), nil
}

// timeout reads how long the sender waits for acks. One that makes no sense is not used.
func (q *request) timeout() time.Duration {
	opts, err := q.in("opts", "flags")
	if err != nil {
		return defaultAckWait
	}
	flags, err := opts.in("flags", "timeout")
	if err != nil {
		return defaultAckWait
	}
	ms, ok, err := flags.number("timeout")
	if !ok || err != nil {
		return defaultAckWait
	}
	return time.Duration(min(ms, uint64(maxAckWait/time.Millisecond))) * time.Millisecond
}

// plainNode answers for a node that is not asked: it has nothing to say.
type plainNode struct{ socketio.Node }

func (n plainNode) DeliverWithAck(_ context.Context, b *socketio.Broadcast, _ func(socketio.Ack)) (int, error) {
	return 0, n.Deliver(b)
}

func (plainNode) Sockets(socketio.Target) ([]socketio.SocketInfo, error) { return nil, nil }

func (plainNode) Change(*socketio.Change) error { return nil }

func (plainNode) ServerEvent(_ *socketio.ServerEvent, reply func(socketio.Ack)) error {
	if reply != nil {
		reply(socketio.Ack{Data: []byte("[]")})
	}
	return nil
}
