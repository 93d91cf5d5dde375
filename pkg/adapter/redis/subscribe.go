package redis

import (
	"context"
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

// listener is one Pub/Sub connection, from connecting to its first failure. go-redis
// would connect again by itself and hide the gap; a listener never does.
type listener struct {
	*Adapter
	node    socketio.Node
	pubsub  *goredis.PubSub
	probe   probe
	heard   atomic.Uint64             // how many things have arrived
	asked   atomic.Pointer[time.Time] // when readyPing was sent
	greeted chan struct{}             // closed by receiveLoop when Redis has answered

	// Owned by receiveLoop.
	wasGreeted, wasUp bool
}

// listen connects, subscribes and receives until something fails, or ctx ends. It says
// whether everything was subscribed meanwhile.
func (a *Adapter) listen(ctx context.Context, node socketio.Node) (wasUp bool, err error) {
	besides, stop := context.WithCancel(ctx) // for what is done by other connections
	ctx, cancel := context.WithCancelCause(withOneDial(ctx))
	l := &listener{Adapter: a, node: node, pubsub: a.client.Subscribe(ctx), greeted: make(chan struct{})}
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
	if err := l.connect(ctx); err != nil {
		stop()
		cancel(err)
		<-closed
		a.retire(ctx)
		return false, context.Cause(ctx)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		cancel(l.subscribeLoop(ctx))
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if len(l.former) > 0 {
			l.endFormer(besides)
		}
	}()
	cancel(l.receiveLoop(ctx))
	stop()
	<-done
	<-ended
	<-closed
	a.retire(ctx)
	return l.wasUp, context.Cause(ctx)
}

// connect opens the connection with the subscription that probes need.
func (l *listener) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := l.pubsub.Subscribe(ctx, l.probeChannel); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}

// waitForGreeting returns when Redis has answered for the first time. Only then is it
// told of thousands of channels, and given time for them.
func (l *listener) waitForGreeting(ctx context.Context) error {
	late := time.NewTimer(answerTimeout)
	defer late.Stop()
	select {
	case <-l.greeted:
		return nil
	case <-late.C:
		return errNoGreeting
	case <-ctx.Done():
		return ctx.Err()
	}
}

// subscribeLoop tells Redis what is wanted, many at a time when many are, and makes sure
// that the connection is alive.
func (l *listener) subscribeLoop(ctx context.Context) error {
	if err := l.waitForGreeting(ctx); err != nil {
		return err
	}
	if err := l.subscribeQueued(ctx); err != nil {
		return err
	}
	asked := time.Now()
	l.asked.Store(&asked)
	if err := l.pubsub.Ping(ctx, readyPing); err != nil {
		return err
	}
	tick, sweep := time.NewTicker(l.cfg.tickLength()), time.NewTicker(sweepInterval)
	defer tick.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.interests.wake:
			err = l.subscribeQueued(ctx)
		case now := <-sweep.C:
			err = l.unsubscribe(ctx, l.interests.unsubscribe(now))
		case <-tick.C:
			err = l.look(ctx)
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
		for group := range l.groups(o.shardChannels) {
			if err := l.pubsub.SSubscribe(ctx, group...); err != nil {
				return fmt.Errorf("subscribe to shard channel: %w", err)
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
	for group := range l.groups(o.shardChannels) {
		if err := l.pubsub.SUnsubscribe(ctx, group...); err != nil {
			return fmt.Errorf("unsubscribe from shard channel: %w", err)
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
		if server, moved := goredis.IsMovedError(err); moved { // a subscription was refused
			l.lost(server)
			continue
		}
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		l.heard.Add(1)
		switch m := arrived.(type) {
		case *goredis.Message:
			if m.Channel == l.probeChannel {
				l.echo(m.Payload)
			} else {
				l.receive(l.node, m)
			}
		case *goredis.Subscription:
			l.subscribed(m)
		case *goredis.Pong:
			if asked := l.asked.Load(); m.Payload == readyPing && !l.wasUp && asked != nil {
				l.wasUp = true
				l.connected(*asked)
			}
			l.pong(m.Payload)
		}
	}
}

func (l *listener) subscribed(m *goredis.Subscription) {
	switch m.Kind {
	case "subscribe", "psubscribe", "ssubscribe":
	case "sunsubscribe":
		// Without being asked, Redis says so when the slot of a channel has moved to
		// another server.
		if l.interests.revoke(m.Channel, time.Now()) {
			l.lost("")
		}
		return
	default:
		return
	}
	if !l.wasGreeted { // the first is the one of connect
		l.wasGreeted = true
		close(l.greeted)
		return
	}
	if gap := l.interests.confirm(m.Channel); gap > 0 {
		l.hearing.add(gap)
		l.cfg.Logger.Info("subscribed", "channel", m.Channel, "gap", gap)
	}
}
