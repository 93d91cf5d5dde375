package redis

import (
	"context"
	"sync/atomic"
)

// maxWaiting is how many requests may wait for one worker.
const maxWaiting = 256

// worker carries out what it is given, one thing after the other.
type worker struct {
	queue    chan task
	maxBytes int64
	bytes    atomic.Int64 // of the messages in queue
}

type task struct {
	bytes int64
	run   func()
}

func newWorker(maxBytes int) *worker {
	return &worker{queue: make(chan task, maxWaiting), maxBytes: int64(maxBytes)}
}

// do returns false if too much waits already. It does not block. bytes is the size of
// what run keeps alive.
func (w *worker) do(bytes int, run func()) bool {
	t := task{int64(bytes), run}
	if w.bytes.Add(t.bytes) <= w.maxBytes {
		select {
		case w.queue <- t:
			return true
		default:
		}
	}
	w.bytes.Add(-t.bytes)
	return false
}

// run works until ctx ends. What waits then is forgotten.
func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case t := <-w.queue:
			w.bytes.Add(-t.bytes)
			t.run()
		case <-ctx.Done():
		}
	}
}
