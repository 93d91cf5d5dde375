package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Broadcast implements socketio.Adapter. It queues the event for the other nodes and
// calls deliver, whether or not that succeeded. It does not wait for Redis: Stats and
// Config.ObservePublish say what became of it, and Broadcast.Confirm is told. The error is one of ErrAway, ErrQueueFull,
// ErrBadEvent and ErrClosed.
func (a *Adapter) Broadcast(_ context.Context, b *socketio.Broadcast, deliver func()) error {
	err := a.publish(b)
	deliver()
	return err
}

func (a *Adapter) publish(b *socketio.Broadcast) error {
	if err := a.publisher.away(); err != nil {
		return a.refused(err)
	}
	payload := payloads.Get().(*[]byte)
	var err error
	*payload, err = appendEnvelope((*payload)[:0], a.uid, b)
	if err == nil && len(b.Data) > a.cfg.MaxMessageBytes {
		err = errTooLarge
	}
	return a.queue(a.names.target(b.Namespace, b.Rooms), payload, err, b.Confirm)
}

// send queues a message that write appends to what it is given.
func (a *Adapter) send(channel string, write func(dst []byte) ([]byte, error)) error {
	return a.sendConfirmed(channel, nil, write)
}

// sendConfirmed is send; confirm, if not nil, is told what became of the message, unless there
// is an error.
func (a *Adapter) sendConfirmed(channel string, confirm func(error), write func(dst []byte) ([]byte, error)) error {
	if err := a.publisher.away(); err != nil {
		return a.refused(err)
	}
	payload := payloads.Get().(*[]byte)
	var err error
	*payload, err = write((*payload)[:0])
	return a.queue(channel, payload, err, confirm)
}

// queue takes over payload, unless err says that it could not be written.
func (a *Adapter) queue(channel string, payload *[]byte, err error, confirm func(error)) error {
	if err == nil && len(*payload) > a.cfg.MaxMessageBytes {
		err = errTooLarge
	}
	if err != nil {
		freePayload(payload)
		return a.refused(fmt.Errorf("%w: %w", ErrBadEvent, err))
	}
	m := publication{channel: channel, sharded: a.sharded, payload: payload, queued: time.Now(), confirm: confirm}
	if err := a.publisher.enqueue(m); err != nil {
		freePayload(payload)
		return a.refused(err)
	}
	return nil
}

// refused counts a message that was not queued.
func (a *Adapter) refused(err error) error {
	switch {
	case errors.Is(err, ErrQueueFull):
		a.count.refusedFull.Add(1)
		a.log.warn("publish queue is full", "")
	case errors.Is(err, ErrBadEvent):
		a.count.refusedBad.Add(1)
	default:
		a.count.refusedAway.Add(1)
	}
	return err
}
