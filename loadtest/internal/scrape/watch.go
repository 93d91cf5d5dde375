package scrape

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Watch samples servers time and again, in a goroutine of its own: one that does not
// answer holds up nobody.
type Watch struct {
	scraper  *Scraper
	every    time.Duration
	last     atomic.Pointer[[]result.Sample]
	ask      chan chan struct{} // for a sample at once; what is sent is closed when it is there
	sampling sync.WaitGroup
}

// NewWatch returns a watch of the metrics at urls and the processes pids, that is to
// take a sample so often. The error is as of New.
func NewWatch(urls []string, pids []int, every time.Duration) (*Watch, error) {
	s, err := New(urls, pids, min(every, time.Second))
	if err != nil {
		return nil, err
	}
	return &Watch{scraper: s, every: every, ask: make(chan chan struct{})}, nil
}

// Begin takes a first sample, which it returns, and then others until ctx ends. It
// returns nil if there are no servers.
func (w *Watch) Begin(ctx context.Context) []result.Sample {
	if len(w.scraper.targets) == 0 {
		return nil
	}
	first := w.scraper.Sample(ctx)
	w.last.Store(&first)
	w.sampling.Go(func() {
		// In the middle between the moments at which intervals end, so that each has a
		// sample of its own.
		every := time.NewTicker(w.every / 2)
		defer every.Stop()
		for n := 0; ; n++ {
			var asked chan struct{}
			select {
			case <-ctx.Done():
				return
			case <-every.C:
				if n == 0 {
					every.Reset(w.every)
				}
			case asked = <-w.ask:
				n-- // the ticker goes on as it would have
			}
			s := w.scraper.Sample(ctx)
			w.last.Store(&s)
			if asked != nil {
				close(asked)
			}
		}
	})
	return first
}

// Refresh takes a sample now, for a moment at which what was used so far must be known
// exactly. It waits for it, but no longer than patience: then Latest is older.
func (w *Watch) Refresh(patience time.Duration) {
	if len(w.scraper.targets) == 0 {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	taken := make(chan struct{})
	select {
	case w.ask <- taken:
	case <-timer.C:
		return
	}
	select {
	case <-taken:
	case <-timer.C:
	}
}

// Latest are the last samples that came; nil: none.
func (w *Watch) Latest() []result.Sample {
	if s := w.last.Load(); s != nil {
		return *s
	}
	return nil
}

// Servers are those watched, in the order of samples.
func (w *Watch) Servers() []result.Server { return w.scraper.Servers() }

// Close waits for the end of the sampling, when the ctx of Begin has ended. Warnings
// are complete then.
func (w *Watch) Close() {
	w.sampling.Wait()
	w.scraper.Close()
}

// Warnings says, one line for each, which servers could not always be read.
func (w *Watch) Warnings() []string { return w.scraper.Warnings() }
