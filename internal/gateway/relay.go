package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// joinTimeout bounds how long a join waits for the adapter's confirmation.
const joinTimeout = 5 * time.Second

// The relay events, and what becomes of them: the index of relay.counts.
const (
	relayJoin = iota
	relayLeave
	relayPublish
	relayRefresh
	relayEvents
)

const (
	relayOK = iota
	relayForbidden
	relayInvalid
	relayLimit
	relayUnavailable
	relayOutcomes
)

// relayLater is the outcome of what is answered when it is known.
const relayLater = -1

var (
	relayEventNames = [relayEvents]string{"join", "leave", "publish", "refresh"}
	// relayCodes are the answers' error codes. unavailable is a join that the
	// adapter did not confirm, as emits of other nodes would not reach the client; or
	// something published that is not known to be in the history.
	relayCodes = [relayOutcomes]string{"ok", "forbidden", "invalid", "limit", "unavailable"}
)

// relay makes the gateway useful without a line of code: clients join and leave
// rooms, and publish to them. Handlers of one client run in order, those of
// different clients at the same time.
type relay struct {
	open   bool           // to everybody
	access *access.Access // else it decides; nil forbids all
	alone  bool           // without an adapter, nothing is waited for
	// recorded says which namespaces have a history.
	recorded func(namespace string) bool
	joins    *joinTable
	counts   [relayEvents][relayOutcomes]atomic.Int64
}

// relayAnswers are what relay events are acknowledged with, by outcome.
var relayAnswers = func() (out [relayOutcomes]json.RawMessage) {
	for i, code := range relayCodes {
		out[i] = json.RawMessage(`{"ok":false,"error":"` + code + `"}`)
	}
	out[relayOK] = json.RawMessage(`{"ok":true}`)
	return out
}()

// serve attaches the relay to a namespace.
func (r *relay) serve(ns namespace) {
	for event, do := range [relayRefresh]func(*socketio.Event) int{r.join, r.leave, r.publish} {
		ns.On(relayEventNames[event], func(e *socketio.Event) {
			outcome := relayForbidden
			if r.open || r.access != nil {
				outcome = do(e)
			}
			if outcome != relayLater {
				r.answer(e, event, outcome, relayAnswers[outcome])
			}
		})
	}
	ns.On(relayEventNames[relayRefresh], r.refresh)
}

func (r *relay) answer(e *socketio.Event, event, outcome int, ack json.RawMessage) {
	r.counts[event][outcome].Add(1)
	if e.WantsAck() {
		_ = e.Ack(ack) // a client that has gone needs none
	}
}

// may reports whether a client may do something with a room.
func (r *relay) may(e *socketio.Event, action access.Action, room string) bool {
	return r.open || memberOf(e.Socket()).May(action, room)
}

// patience returns the context of a wait for the adapter. Without one there is
// nothing to wait for, and a timer for each join would be a tenth of its cost.
func (r *relay) patience() (context.Context, context.CancelFunc) {
	if r.alone {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), joinTimeout)
}

// join answers when emits of every node reach the socket.
func (r *relay) join(e *socketio.Event) int {
	room, ok := e.Arg(0).String()
	if !ok || e.Len() != 1 {
		return relayInvalid
	}
	if !r.may(e, access.Join, room) {
		return relayForbidden
	}
	if !r.joins.take(e.Socket()) {
		return relayLimit
	}
	ctx, cancel := r.patience()
	defer cancel()
	return joinOutcome(e.Socket().Join(ctx, room))
}

func joinOutcome(err error) int {
	switch {
	case err == nil:
		return relayOK
	case errors.Is(err, socketio.ErrBadRoom):
		return relayInvalid
	case errors.Is(err, socketio.ErrTooManyRooms):
		return relayLimit
	}
	return relayUnavailable
}

func (r *relay) leave(e *socketio.Event) int {
	room, ok := e.Arg(0).String()
	if !ok || e.Len() != 1 || room == e.Socket().ID() { // its own room is how it is addressed
		return relayInvalid
	}
	if !r.may(e, access.Leave, room) {
		return relayForbidden
	}
	ctx, cancel := r.patience()
	defer cancel()
	if err := e.Socket().Leave(ctx, room); err != nil {
		return relayUnavailable
	}
	return relayOK
}

// publish sends event(…args) to everybody else in the room, with the arguments
// as they came. Where there is a history the answer comes once it has the event, in the
// order of the publishes; one that is refused at once may overtake others.
func (r *relay) publish(e *socketio.Event) int {
	room, ok := e.Arg(0).String()
	event, named := e.Arg(1).String()
	if !ok || !named || room == "" || event == "" || len(room) > maxNameBytes || len(event) > maxNameBytes {
		return relayInvalid
	}
	if !r.may(e, access.Publish, room) {
		return relayForbidden
	}
	to, recorded := e.Socket().To(room), r.recorded(e.Socket().Namespace().Name())
	if recorded {
		to = to.Confirm(func(err error) { r.confirm(e, err) })
	}
	err := to.Emit(event, e.Args().From(2))
	switch {
	case errors.Is(err, socketio.ErrTooManyAttachments):
		return relayLimit
	case errors.Is(err, socketio.ErrReservedEvent), errors.Is(err, socketio.ErrPlaceholder), errors.Is(err, socketio.ErrInvalidJSON):
		return relayInvalid
	case recorded && err == nil:
		return relayLater
	case recorded: // it went nowhere
		return relayUnavailable
	}
	// Any other error is the adapter's. The sockets of this node have got the event,
	// which is what is promised while Redis is away; the adapter counts it, and the
	// node's health shows it.
	return relayOK
}

// confirm answers a publish when it is known whether the history has it. It does not block.
func (r *relay) confirm(e *socketio.Event, err error) {
	outcome := relayOK
	if err != nil {
		outcome = relayUnavailable
	}
	r.answer(e, relayPublish, outcome, relayAnswers[outcome])
}
