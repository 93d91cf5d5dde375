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
// Config.ObservePublish say what became of it. The error is one of ErrAway, ErrQueueFull,
// ErrBadEvent and ErrClosed.
func (a *Adapter) Broadcast(_ context.Context, b *socketio.Broadcast, deliver func()) error {
	err := a.publish(b)
	deliver()
	switch {
	case errors.Is(err, ErrQueueFull):
		a.count.refusedFull.Add(1)
		a.log.warn("publish queue is full", "")
	case errors.Is(err, ErrBadEvent):
		a.count.refusedBad.Add(1)
	case err != nil:
		a.count.refusedAway.Add(1)
	}
	return err
}

func (a *Adapter) publish(b *socketio.Broadcast) error {
	if err := a.publisher.away(); err != nil {
		return err
	}
	payload := payloads.Get().(*[]byte)
	var err error
	*payload, err = appendEnvelope((*payload)[:0], a.uid, b)
	if err == nil && max(len(*payload), len(b.Data)) > a.cfg.MaxMessageBytes {
		err = errors.New("too large")
	}
	if err != nil {
		freePayload(payload)
		return fmt.Errorf("%w: %w", ErrBadEvent, err)
	}
	m := publication{channel: a.names.target(b.Namespace, b.Rooms), payload: payload, queued: time.Now()}
	if err := a.publisher.enqueue(m); err != nil {
		freePayload(payload)
		return err
	}
	return nil
}
