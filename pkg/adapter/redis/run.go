package redis

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Run implements socketio.Adapter. It returns nil when ctx has ended, and an error only
// if Redis could not be reached within Config.StartTimeout. Every goroutine that it
// started has ended then. It may be called once.
func (a *Adapter) Run(ctx context.Context, node socketio.Node) error {
	a.mu.Lock()
	a.tag = node.Tag()
	a.mu.Unlock()
	close(a.started)
	defer close(a.ended)
	defer a.interests.lost(true) // nobody waits for what will not come
	ctx, cancel := context.WithCancel(ctx)
	published := make(chan struct{})
	go func() {
		defer close(published)
		a.publisher.run(ctx)
	}()
	err := a.keepListening(ctx, node)
	cancel()
	<-published
	return err
}

// keepListening replaces the Pub/Sub connection whenever it fails.
func (a *Adapter) keepListening(ctx context.Context, node socketio.Node) error {
	start := time.Now()
	everUp, wait := false, firstBackoff
	for {
		wasUp, err := a.listen(ctx, node)
		everUp = everUp || wasUp
		a.interests.lost(everUp)
		a.disconnected()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // what ended with ctx is no error
		}
		if !everUp && a.cfg.StartTimeout > 0 && time.Since(start) >= a.cfg.StartTimeout {
			return fmt.Errorf("reach redis within %v: %w", a.cfg.StartTimeout, err)
		}
		a.log.warn("not subscribed", "", slog.Any("error", err))
		if wasUp {
			wait = firstBackoff
		}
		if !sleep(ctx, wait) {
			return nil
		}
		wait = min(2*wait, lastBackoff)
	}
}

// connected notes that everything wanted is subscribed.
func (a *Adapter) connected() {
	a.interests.up()
	a.mu.Lock()
	a.connectedAt = time.Now()
	var gap time.Duration
	if !a.downAt.IsZero() {
		gap = a.connectedAt.Sub(a.downAt)
		a.gaps++
		a.gapTotal += gap
	}
	a.downAt = time.Time{}
	a.mu.Unlock()
	subscriptions, _ := a.interests.sizes()
	a.cfg.Logger.Info("subscribed", "subscriptions", subscriptions, "gap", gap)
}

func (a *Adapter) disconnected() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.connectedAt.IsZero() {
		a.connectedAt, a.downAt = time.Time{}, time.Now()
	}
}
