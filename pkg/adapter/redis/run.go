package redis

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
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
	a.keepHistories(node)
	close(a.started)
	defer close(a.ended)
	defer a.interests.lost(true) // nobody waits for what will not come
	ctx, cancel := context.WithCancel(ctx)
	a.answerer = newAnswerer(ctx, a, node)
	published := make(chan struct{})
	go func() {
		defer close(published)
		a.publisher.run(ctx)
	}()
	var answering sync.WaitGroup
	answering.Go(func() { a.answerer.questions.run(ctx) })
	answering.Go(func() { a.answerer.events.run(ctx) })
	answering.Go(func() { a.tidyHistories(ctx) })
	err := a.keepListening(ctx, node)
	cancel()
	answering.Wait()
	<-published
	return err
}

// keepListening replaces the Pub/Sub connection whenever it fails.
func (a *Adapter) keepListening(ctx context.Context, node socketio.Node) error {
	start := time.Now()
	everUp, wait := false, firstBackoff
	for {
		began := time.Now()
		wasUp, err := a.listen(ctx, node)
		everUp = everUp || wasUp
		a.interests.lost(everUp)
		a.lost("")
		if ctx.Err() != nil {
			return nil //nolint:nilerr // what ended with ctx is no error
		}
		a.hearing.lost(time.Time{})
		if !everUp && a.cfg.StartTimeout > 0 && time.Since(start) >= a.cfg.StartTimeout {
			return fmt.Errorf("reach redis within %v: %w", a.cfg.StartTimeout, err)
		}
		a.log.warn("not subscribed", "", slog.Any("error", err))
		if wasUp {
			wait = firstBackoff
			if time.Since(began) > lastBackoff { // each millisecond may be a message
				continue
			}
		}
		if !a.sleep(ctx, jitter(wait)) {
			return nil
		}
		wait = min(2*wait, lastBackoff)
	}
}

// sleep returns false if ctx ends before.
func (a *Adapter) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a.retry:
		return true
	case <-ctx.Done():
		return false
	}
}

// resave has the sessions looked at, whose records may be gone, unless this is the first connection.
func (a *Adapter) resave() {
	if node := a.histories.historyNode(); node != nil && a.histories.connections.Load() > 1 {
		node.Resave()
	}
}

// connected notes that everything wanted is subscribed. Redis has answered a question
// that was sent at asked, behind the last subscription.
func (a *Adapter) connected(asked time.Time) {
	gap := a.hearing.back(asked, time.Now())
	subscriptions, _ := a.interests.sizes()
	a.cfg.Logger.Info("subscribed", "subscriptions", subscriptions, "gap", gap)
}
