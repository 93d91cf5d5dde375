package redis

import (
	"context"
	"fmt"
	"iter"
	"slices"
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
	// caughtUpPing is that of the PING behind so many subscriptions that their
	// confirmations are maxOwed bytes or more. Redis ends a connection to which it owes
	// 32 MB (client-output-buffer-limit), and can make subscriptions faster than a node
	// reads that they are made.
	caughtUpPing = "caught up"
	maxOwed      = 1 << 20
	// confirmationBytes is what a confirmation has beside the name.
	confirmationBytes = 48
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
	caught  chan struct{}             // holds a token when caughtUpPing has come back

	owed int // bytes of confirmations since the last of those; owned by subscribeLoop

	// Owned by receiveLoop.
	wasGreeted, wasUp bool
}

// listen connects, subscribes and receives until something fails, or ctx ends. It says
// whether everything was subscribed meanwhile.
func (a *Adapter) listen(ctx context.Context, node socketio.Node) (wasUp bool, err error) {
	besides, stop := context.WithCancel(ctx) // for what is done by other connections
	ctx, cancel := context.WithCancelCause(withOneDial(ctx))
	l := &listener{Adapter: a, node: node, pubsub: a.client.Subscribe(ctx), greeted: make(chan struct{}), caught: make(chan struct{}, 1)}
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() { // it ends a Receive that waits
		defer close(closed)
		_ = l.pubsub.Close()
	})
	a.histories.doubtAll()
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
	for up := false; !up; up = l.interests.up() {
		if err := l.subscribeQueued(ctx); err != nil {
			return err
		}
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
		if err := l.tell(ctx, slices.Chunk(o.channels, subscribeBatch), l.pubsub.Subscribe); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		if err := l.tell(ctx, slices.Chunk(o.patterns, subscribeBatch), l.pubsub.PSubscribe); err != nil {
			return fmt.Errorf("subscribe to pattern: %w", err)
		}
		if err := l.tell(ctx, l.groups(o.shardChannels), l.pubsub.SSubscribe); err != nil {
			return fmt.Errorf("subscribe to shard channel: %w", err)
		}
	}
}

func (l *listener) unsubscribe(ctx context.Context, o order) error {
	if err := l.tell(ctx, slices.Chunk(o.channels, subscribeBatch), l.pubsub.Unsubscribe); err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	if err := l.tell(ctx, slices.Chunk(o.patterns, subscribeBatch), l.pubsub.PUnsubscribe); err != nil {
		return fmt.Errorf("unsubscribe from pattern: %w", err)
	}
	if err := l.tell(ctx, l.groups(o.shardChannels), l.pubsub.SUnsubscribe); err != nil {
		return fmt.Errorf("unsubscribe from shard channel: %w", err)
	}
	return nil
}

// tell gives a command for each group of names, and does not get far ahead of the answers.
func (l *listener) tell(ctx context.Context, groups iter.Seq[[]string], command func(context.Context, ...string) error) error {
	for names := range groups {
		if err := command(ctx, names...); err != nil {
			return err
		}
		for _, name := range names {
			l.owed += len(name) + confirmationBytes
		}
		if l.owed < maxOwed {
			continue
		}
		if err := l.catchUp(ctx); err != nil {
			return err
		}
		l.owed = 0
	}
	return nil
}

// catchUp returns when everything has been read that Redis has answered so far. No probe is
// sent meanwhile, so it gives up itself when nothing arrives.
func (l *listener) catchUp(ctx context.Context) error {
	if err := l.pubsub.Ping(ctx, caughtUpPing); err != nil {
		return err
	}
	silence := time.NewTicker(l.cfg.ProbeInterval + l.cfg.ProbeTimeout)
	defer silence.Stop()
	heard := l.heard.Load()
	for {
		select {
		case <-l.caught:
			return nil
		case <-silence.C:
			now := l.heard.Load()
			if now == heard {
				return errSilent
			}
			heard = now
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
				l.takeHeads(ctx)
			} else {
				l.receive(l.node, m)
			}
		case *goredis.Subscription:
			l.subscribed(m)
		case *goredis.Pong:
			if asked := l.asked.Load(); m.Payload == readyPing && !l.wasUp && asked != nil {
				l.wasUp = true
				l.connected(*asked)
				l.catchUpAll(ctx)
				l.resave()
			}
			if m.Payload == caughtUpPing {
				select {
				case l.caught <- struct{}{}:
				default:
				}
				continue
			}
			l.pong(m.Payload)
			l.takeHeads(ctx)
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
