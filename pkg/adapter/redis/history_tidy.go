package redis

import (
	"context"
	"log/slog"
	"time"
)

// tidyInterval is how often a history is trimmed to what is of use, by one of the nodes.
const tidyInterval = 2 * time.Second

// tidyHistories works until ctx ends.
func (a *Adapter) tidyHistories(ctx context.Context) {
	if a.histories.historyNode() == nil {
		return
	}
	tick := time.NewTicker(tidyInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, t := range a.histories.all() {
			if err := a.tidy(ctx, t); err != nil {
				if ctx.Err() == nil && a.publisher.away() == nil {
					a.log.warn("history can't be trimmed", "", slog.String("namespace", t.namespace), slog.Any("error", err))
				}
				break
			}
		}
	}
}

// tidy trims a history to what is younger than twice the window: that is how far a client may have
// to go back that was away for one, and how far a node.
func (a *Adapter) tidy(ctx context.Context, t *track) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	answer, err := tidyScript.run(ctx, a.client, []string{t.stream, t.head}, t.maxEntries, a.cfg.MaxHistoryBytes,
		(2 * t.window).Milliseconds(), (tidyInterval * 3 / 4).Milliseconds(), t.keptFor().Milliseconds())
	if err != nil {
		return err
	}
	list, _ := answer.([]any)
	if len(list) != 2 {
		return errBadAnswer
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries, _ = list[0].(int64)
	t.bytes, _ = list[1].(int64)
	return nil
}

// historySizes sums up the histories of the namespaces that this node uses, as they were measured last.
func (a *Adapter) historySizes() (entries, bytes int64, doubted int) {
	a.histories.mu.RLock()
	defer a.histories.mu.RUnlock()
	for _, t := range a.histories.tracks {
		t.mu.Lock()
		entries, bytes = entries+t.entries, bytes+t.bytes
		if t.joined && t.doubted {
			doubted++
		}
		t.mu.Unlock()
	}
	return entries, bytes, doubted
}
