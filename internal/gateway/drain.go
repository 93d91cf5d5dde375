package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// goodbyeTime is what clients get after the window to take their leave: one
	// that polls does so with its next request.
	goodbyeTime = 2 * time.Second
	// handlerTime is what handlers get to return in. It is longer than a join waits.
	handlerTime = joinTimeout + time.Second
	// DrainSlack is what a drain may take beyond its delay and its window. The grace
	// period of a deployment must be longer than all three: 5 s + 20 s + 12 s by
	// default.
	DrainSlack = goodbyeTime + handlerTime + 2*stopTimeout
)

// drain ends the service so that clients notice as little as possible:
//
//  1. not ready, in the registry too, and nothing else, for the delay: balancers stop sending new
//     clients, which would otherwise meet a node that refuses them;
//  2. new sessions are refused with 503, and clients that have one are sent away
//     one by one over the window, each when its queue is empty: they reconnect to
//     other nodes, which should not get all of them in the same second. It happens
//     at the Engine.IO level, because the official client does not reconnect after
//     a Socket.IO DISCONNECT. Sessions of other nodes that pass through this one are
//     let go at the same time;
//  3. what is left is closed, and handlers are waited for;
//  4. the listeners end, the internal one last, so that the drain can be watched.
//
// The registry and Redis go after that, by the caller: a closing socket still leaves its rooms.
// The context is a new one: the node's has ended, which is why all this happens.
func (g *gateway) drain(public, internal *endpoint, delay, window time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), delay+window+DrainSlack)
	defer cancel()

	g.health.draining.Store(true)
	g.progress.begin(delay, window)
	g.log.Info("draining", "delay", delay, "window", window)
	start := time.Now()
	g.cluster.markDraining(ctx)
	g.sleep(ctx, delay)

	left := g.drainSessions(ctx, window)
	err := g.closeSockets(ctx, left != nil)
	public.stop(ctx)
	internal.stop(ctx)
	g.log.Info("drained", "took", time.Since(start), "all_left", left == nil)
	return err
}

// drainSessions returns an error when clients have not taken their leave. That is
// their affair, and no failure.
func (g *gateway) drainSessions(ctx context.Context, window time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, window+goodbyeTime)
	defer cancel()
	var others error
	var draining sync.WaitGroup
	g.progress.sendAway(g.sockets.Stats().Engine.Open())
	draining.Go(func() { others = g.cluster.drain(ctx, window) })
	own := g.sockets.Drain(ctx, window)
	draining.Wait()
	return errors.Join(own, others)
}

// closeSockets waits for handlers, and discards the sessions that are left.
func (g *gateway) closeSockets(ctx context.Context, discard bool) error {
	ctx, cancel := context.WithTimeout(ctx, handlerTime)
	defer cancel()
	if discard {
		over, cancel := context.WithCancel(ctx)
		cancel()
		_ = g.sockets.Close(over) // it says that there were some
	}
	if err := g.sockets.Close(ctx); err != nil {
		return fmt.Errorf("close sockets: %w", err)
	}
	return nil
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
