package redis

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

const (
	// subscribeBatch is how many channels go into one SUBSCRIBE.
	subscribeBatch = 1000
	// readyPing is the payload of the PING behind the first subscriptions of a
	// connection: when it comes back, they have all been made.
	readyPing = "ready"
	// sweepInterval is how often it is looked for what is to be unsubscribed.
	sweepInterval = 250 * time.Millisecond
)

var errSilent = errors.New("the connection is silent")

// listener is one Pub/Sub connection, from connecting to its first failure. go-redis
// would connect again by itself and hide the gap; a listener never does.
type listener struct {
	*Adapter
	node   socketio.Node
	pubsub *goredis.PubSub
	heard  atomic.Uint64 // how many things have arrived
	wasUp  bool          // Owned by receiveLoop.
}

// listen connects, subscribes and receives until something fails, or ctx ends. It says
// whether everything was subscribed meanwhile.
func (a *Adapter) listen(ctx context.Context, node socketio.Node) (wasUp bool, err error) {
	ctx, cancel := context.WithCancelCause(withOneDial(ctx))
	l := &listener{Adapter: a, node: node, pubsub: a.client.Subscribe(ctx)}
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() { // it ends a Receive that waits
		defer close(closed)
		_ = l.pubsub.Close()
	})
	node.Rooms(func(namespace, room string) {
		for _, w := range a.wants(namespace, room) {
			a.interests.restore(w.name, w.kind, namespace)
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		cancel(l.subscribeLoop(ctx))
	}()
	cancel(l.receiveLoop(ctx))
	<-done
	<-closed
	return l.wasUp, context.Cause(ctx)
}

// subscribeLoop tells Redis what is wanted, many at a time when many are, and makes sure
// that the connection is alive.
func (l *listener) subscribeLoop(ctx context.Context) error {
	if err := l.subscribeQueued(ctx); err != nil {
		return err
	}
	if err := l.pubsub.Ping(ctx, readyPing); err != nil {
		return err
	}
	probe, sweep := time.NewTicker(l.cfg.ProbeInterval), time.NewTicker(sweepInterval)
	defer probe.Stop()
	defer sweep.Stop()
	var heard uint64
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.interests.wake:
			err = l.subscribeQueued(ctx)
		case now := <-sweep.C:
			err = l.unsubscribe(ctx, l.interests.unsubscribe(now))
		case <-probe.C:
			if now := l.heard.Load(); now == heard {
				return errSilent
			} else {
				heard = now
			}
			err = l.pubsub.Ping(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (l *listener) subscribeQueued(ctx context.Context) error {
	for {
		o := l.interests.subscribe(subscribeBatch)
		if o.empty() {
			return nil
		}
		if len(o.channels) > 0 {
			if err := l.pubsub.Subscribe(ctx, o.channels...); err != nil {
				return fmt.Errorf("subscribe: %w", err)
			}
		}
		if len(o.patterns) > 0 {
			if err := l.pubsub.PSubscribe(ctx, o.patterns...); err != nil {
				return fmt.Errorf("subscribe to pattern: %w", err)
			}
		}
	}
}

func (l *listener) unsubscribe(ctx context.Context, o order) error {
	if len(o.channels) > 0 {
		if err := l.pubsub.Unsubscribe(ctx, o.channels...); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	if len(o.patterns) > 0 {
		if err := l.pubsub.PUnsubscribe(ctx, o.patterns...); err != nil {
			return fmt.Errorf("unsubscribe from pattern: %w", err)
		}
	}
	return nil
}

// receiveLoop handles what arrives until the connection fails.
func (l *listener) receiveLoop(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // go-redis trusts the shape of what it reads
			err = fmt.Errorf("receive: %v", p)
		}
	}()
	for {
		arrived, err := l.pubsub.Receive(ctx)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		l.heard.Add(1)
		switch m := arrived.(type) {
		case *goredis.Message:
			l.receive(l.node, m)
		case *goredis.Subscription:
			if m.Kind == "subscribe" || m.Kind == "psubscribe" {
				l.interests.confirm(m.Channel)
			}
		case *goredis.Pong:
			if m.Payload == readyPing && !l.wasUp {
				l.wasUp = true
				l.connected()
			}
		}
	}
}
