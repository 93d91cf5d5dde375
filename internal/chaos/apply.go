package main

import (
	"context"
	"sync"
	"syscall"
	"time"
)

// event is a line of the timeline.
type event struct {
	at   time.Duration
	text string
}

// breakThings makes the faults happen, each at its time, and returns when all are over, or as soon as
// possible once ctx has ended.
func (w *world) breakThings(ctx context.Context, faults []fault) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, f := range faults {
		if !w.sleep(ctx, f.At-w.rec.Now()+w.began) {
			return
		}
		all.Go(func() {
			w.note("%s begins", f)
			w.apply(ctx, f)
			w.note("%s is over", f)
		})
	}
}

// apply makes a fault happen and returns when it is over.
func (w *world) apply(ctx context.Context, f fault) {
	switch shapes[f.Kind].target {
	case aClient:
		w.applyToClient(ctx, f, w.members[f.Whom])
	case aNode:
		w.applyToNode(f, w.nodes[f.Whom])
	default:
		w.applyToRedis(ctx, f, w.nodes[f.Whom])
	}
}

func (w *world) applyToClient(ctx context.Context, f fault, m *member) {
	switch f.Kind {
	case cutLoud, cutSilent:
		accept := m.network.refuse()
		m.network.cut(f.Kind == cutLoud)
		w.sleep(ctx, f.For)
		accept()
	case switched:
		m.network.cut(false)
	case mute:
		speak := m.network.silence()
		w.sleep(ctx, f.For)
		speak()
	case lag:
		m.network.slow(min(max(f.For/50, 20*time.Millisecond), 400*time.Millisecond))
		w.sleep(ctx, f.For)
		m.network.slow(0)
	case slowReader:
		m.client.Throttle(500)
		w.sleep(ctx, f.For)
		m.client.Throttle(-1)
	case cutUpgrade:
		w.breakUpgrade(ctx, f, m)
	}
}

// breakUpgrade makes a client come back, and breaks its connections when its WebSocket has been
// under way for so long.
func (w *world) breakUpgrade(ctx context.Context, f fault, m *member) {
	upgrades, stop := m.network.watchUpgrades()
	defer stop()
	m.network.cut(true)
	select {
	case <-upgrades:
		w.sleep(ctx, f.For)
		m.network.cut(true)
	case <-time.After(10 * time.Second): // it has other faults
	case <-ctx.Done():
	}
}

func (w *world) applyToNode(f fault, n *node) {
	var err error
	switch f.Kind {
	case killNode:
		err = n.replace(syscall.SIGKILL, f.For)
	case drainNode:
		err = n.replace(syscall.SIGTERM, f.For)
	case stopNode:
		n.stop(f.For)
	}
	if err != nil {
		w.problem("%s: %v", f, err)
	}
}

func (w *world) applyToRedis(ctx context.Context, f fault, n *node) {
	switch f.Kind {
	case killRedis:
		if err := w.redis.restart(f.For); err != nil {
			w.problem("%s: %v", f, err)
		}
	case dropPubSub:
		_ = w.redis.dropSubscribers() // a Redis that is silent drops nobody
	case muteRedis:
		for _, n := range w.nodes {
			defer n.toRedis.silence()()
		}
		w.sleep(ctx, f.For)
	case muteOne:
		defer n.toRedis.silence()()
		w.sleep(ctx, f.For)
	case loseRedis:
		defer n.toRedis.refuse()()
		n.toRedis.cut(true)
		w.sleep(ctx, f.For)
	}
}

// sleep waits for d, and says whether ctx goes on.
func (w *world) sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
