package redis

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/sabotage"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// The events of a history come by the bus in its order, and node.Position follows. When some may
// have been missed the namespace is doubted: its events are dropped, until the stream has been
// read from Position on. Both is done by the goroutine that receives, so that none falls between.

// heads is what Redis says of histories, in their order here.
type heads struct {
	tracks []*track
	answer []string // head and mark in turn
}

// headsCall asks for the heads, and looks whether Redis still has what it had. With a channel it
// publishes a message there behind that.
func (a *Adapter) headsCall(node socketio.HistoryNode, tracks []*track, channel, payload string) *scriptCall {
	c := &scriptCall{script: headsScript, args: []any{channel, payload}}
	for _, t := range tracks {
		acked, position := t.expected(node)
		c.keys = append(c.keys, t.stream, t.head)
		c.args = append(c.args, acked, position, t.keptFor().Milliseconds())
	}
	return c
}

// expected returns the events that must be in the history, unless it was trimmed; "" for none.
func (t *track) expected(node socketio.HistoryNode) (acked, position string) {
	t.mu.Lock()
	placed := t.placed
	acked = t.acked
	t.mu.Unlock()
	if at := node.Position(t.namespace); placed && !at.IsZero() {
		position = at.String()
	}
	return acked, position
}

// readHeads reads an answer to headsCall.
func (a *Adapter) readHeads(tracks []*track, answer any) (heads, error) {
	list, _ := answer.([]any)
	if len(list) != 1+2*len(tracks) {
		return heads{}, errBadAnswer
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i], _ = v.(string)
	}
	a.histories.noteTime(texts[0])
	return heads{tracks, texts[1:]}, nil
}

// askHeads asks for the head of one namespace.
func (a *Adapter) askHeads(ctx context.Context, node socketio.HistoryNode, t *track) (heads, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	tracks := []*track{t}
	c := a.headsCall(node, tracks, "", "")
	answer, err := headsScript.run(ctx, a.client, c.keys, c.args...)
	if err != nil {
		return heads{}, err
	}
	return a.readHeads(tracks, answer)
}

// openHistory is the beginning of a Join of a namespace.
func (a *Adapter) openHistory(namespace string) *track {
	if a.histories.historyNode() == nil {
		return nil
	}
	t, err := a.use(namespace)
	if err != nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.joined {
		t.joined, t.doubted, t.placed, t.late = true, true, false, false
	}
	return t
}

// settleHistory is the end of a Join of a namespace. If it is heard by now, the node's place in its history
// is the head. Otherwise it will be when Redis is back, and whoever is there by then is told.
func (a *Adapter) settleHistory(ctx context.Context, t *track) {
	if t == nil {
		return
	}
	h, node := &a.histories, a.histories.historyNode()
	connection := h.connections.Load()
	heard := a.interests.confirmed(a.names.all(t.namespace))
	t.mu.Lock()
	if t.placed {
		t.mu.Unlock()
		return
	}
	// Events count from before the head is asked for: none may fall between.
	if heard = heard && connection == h.connections.Load(); heard {
		t.doubted = false
	}
	t.mu.Unlock()
	var (
		found heads
		err   error
	)
	if heard {
		found, err = a.askHeads(ctx, node, t)
	}
	if !heard || err != nil {
		t.mu.Lock()
		t.doubted, t.late = true, true
		t.mu.Unlock()
		return
	}
	a.place(node, t, found.answer[0], found.answer[1])
}

// closeHistory is the end of what openHistory began.
func (a *Adapter) closeHistory(namespace string) {
	if t := a.histories.track(namespace); t != nil {
		t.mu.Lock()
		t.joined, t.placed = false, false
		t.mu.Unlock()
	}
}

// doubtAll says that there is another connection.
func (h *histories) doubtAll() {
	h.connections.Add(1)
	for _, t := range h.all() {
		t.doubt()
	}
}

func (t *track) doubt() {
	t.mu.Lock()
	t.doubted = true
	t.mu.Unlock()
}

// place moves the node's Position to the head: everything it wanted to hear until then has been
// given to it.
func (a *Adapter) place(node socketio.HistoryNode, t *track, head, mark string) {
	at, err := socketio.ParseOffset(head)
	if err != nil {
		return
	}
	t.mu.Lock()
	t.placed, t.mark = true, mark
	if at.After(t.known) {
		t.known = at
	}
	t.mu.Unlock()
	node.Advance(t.namespace, at)
}

// takeRecorded takes an event that has an id. Where no history is kept it is one like others.
func (a *Adapter) takeRecorded(node socketio.Node, m *goredis.Message, b *socketio.Broadcast, id string, own bool) (delivered bool) {
	keeper := a.histories.historyNode()
	if t := a.histories.track(b.Namespace); t != nil && keeper != nil {
		return a.deliverRecorded(keeper, t, m, b, id)
	}
	if own {
		a.own(m)
		return false
	}
	if err := node.Deliver(b); err != nil {
		a.drop(DropRefused, m, err)
		return false
	}
	return true
}

// deliverRecorded takes an event of a history from the bus.
func (a *Adapter) deliverRecorded(node socketio.HistoryNode, t *track, m *goredis.Message, b *socketio.Broadcast, id string) (delivered bool) {
	at, err := socketio.ParseOffset(id)
	if err != nil {
		a.drop(DropOffset, m, err)
		return false
	}
	t.mu.Lock()
	joined, doubted := t.joined, t.doubted
	t.mu.Unlock()
	switch {
	case !joined:
		a.drop(DropUnknownChannel, m, nil)
		return false
	case doubted:
		a.count.deferred.Add(1)
		return false
	}
	if a.histories.fromFuture(t, at) {
		// It is not believed. If it is true nevertheless the stream has it.
		a.drop(DropOffset, m, nil)
		t.doubt()
		return false
	}
	return a.handOver(node, m, b, at)
}

// handOver gives an event to the node.
func (a *Adapter) handOver(node socketio.HistoryNode, m *goredis.Message, b *socketio.Broadcast, at socketio.Offset) (delivered bool) {
	switch err := node.DeliverRecorded(b, at); {
	case err == nil:
		return true
	case errors.Is(err, socketio.ErrRepeated):
		a.count.repeated.Add(1)
	default:
		a.drop(DropRefused, m, err)
	}
	return false
}

// catchUpAll catches up with the namespaces that are doubted.
func (l *listener) catchUpAll(ctx context.Context) {
	node := l.histories.historyNode()
	if node == nil {
		return
	}
	for _, t := range l.histories.all() {
		t.mu.Lock()
		due := t.joined && t.doubted && (t.placed || t.late) // otherwise its Join is under way
		t.mu.Unlock()
		if !due {
			continue
		}
		if err := l.readMissed(ctx, node, t); err != nil {
			if ctx.Err() == nil {
				l.log.warn("history can't be read", "", slog.String("namespace", t.namespace), slog.Any("error", err))
			}
			return // the next will fail as well
		}
	}
}

// readMissed gives the node what it has missed, or tells it that this can't be had: also if there
// have been sockets before the node had a place in the history. After an
// error the namespace is still doubted, and this is tried again with the next probe.
func (l *listener) readMissed(ctx context.Context, node socketio.HistoryNode, t *track) error {
	t.mu.Lock()
	placed, mark := t.placed, t.mark
	t.mu.Unlock()
	cause := socketio.ErrForgotten
	if placed {
		head, now, err := l.readFrom(ctx, node, t)
		if err == nil && now == mark {
			t.mu.Lock()
			t.doubted = false
			t.mu.Unlock()
			l.place(node, t, head.String(), mark)
			return nil
		}
		if cause = err; err == nil {
			cause = errDiverged // in front of Position
		}
	}
	if !errors.Is(cause, socketio.ErrForgotten) {
		return cause
	}
	found, err := l.askHeads(ctx, node, t)
	if err != nil {
		return err
	}
	l.missed(node, t, found.answer[0], cause)
	t.mu.Lock()
	t.doubted, t.late = false, false
	t.mu.Unlock()
	l.place(node, t, found.answer[0], found.answer[1])
	return nil
}

// readFrom gives the node what lies behind its Position.
func (l *listener) readFrom(ctx context.Context, node socketio.HistoryNode, t *track) (head socketio.Offset, mark string, err error) {
	m := &goredis.Message{Channel: t.stream}
	l.count.catchUps.Add(1)
	head, mark, err = l.read(ctx, t, node.Position(t.namespace), func() { l.heard.Add(1) }, func(b *socketio.Broadcast, at socketio.Offset) bool {
		if !sabotage.CatchUp && l.handOver(node, m, b, at) {
			l.count.caughtUp.Add(1)
		}
		return ctx.Err() == nil
	})
	if err == nil {
		err = context.Cause(ctx)
	}
	return head, mark, err
}

// missed tells the node that events in front of head can't be had.
func (l *listener) missed(node socketio.HistoryNode, t *track, head string, cause error) {
	at, err := socketio.ParseOffset(head)
	if err != nil {
		return
	}
	t.mu.Lock()
	t.known = at
	t.mu.Unlock()
	l.count.missedAnnounced.Add(1)
	l.log.warn("events were lost", "", slog.String("namespace", t.namespace), slog.String("until", head), slog.Any("error", cause))
	node.Missed(t.namespace, at, cause)
}

// takeHeads follows up on what a probe has brought, once it has come back and been answered. Before
// everything is subscribed there is nothing to follow up: only a former connection's probe, or a
// forged one, can come so early, and what is read now may be followed by what is not heard.
func (l *listener) takeHeads(ctx context.Context) {
	found := l.probe.takeHeads()
	node := l.histories.historyNode()
	if node == nil || !l.wasUp {
		return
	}
	for i, t := range found.tracks {
		head, mark := found.answer[2*i], found.answer[2*i+1]
		t.mu.Lock()
		ready := t.joined && t.placed && !t.doubted
		other := mark != t.mark
		if ready && other {
			t.doubted = true
		}
		t.mu.Unlock()
		if ready && !other {
			l.place(node, t, head, mark)
		}
	}
	l.catchUpAll(ctx)
}

// takenPrefix begins what a node is told by its probe channel about a session of its.
const takenPrefix = "taken "

// taken reads "taken <epoch> <pid> <namespace>".
func (l *listener) taken(payload string) bool {
	rest, ok := strings.CutPrefix(payload, takenPrefix)
	node := l.histories.historyNode()
	if !ok || node == nil {
		return false
	}
	first, rest, _ := strings.Cut(rest, " ")
	pid, namespace, ok := strings.Cut(rest, " ")
	epoch, err := strconv.ParseUint(first, 10, 64)
	if !ok || err != nil || !validPID(pid) {
		return false
	}
	node.Taken(namespace, pid, epoch)
	return true
}
