package redis

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// A batch is what goes out in one pipeline, and is answered before the next.
	batchMessages = 512
	batchBytes    = 1 << 20
	// flushTimeout is how long the end of Run waits for the last publishes.
	flushTimeout = time.Second
	// The waits between attempts to reach Redis double from the first to the last.
	firstBackoff, lastBackoff = 50 * time.Millisecond, 2 * time.Second
)

// publication is a message on its way to Redis.
type publication struct {
	channel string
	payload *[]byte // from payloads, given back after the reply
	queued  time.Time
}

// payloads are buffers for encoded messages.
var payloads = sync.Pool{New: func() any { return new([]byte) }}

// maxPooledBytes keeps the pool from collecting what one large message needed.
const maxPooledBytes = 64 << 10

func freePayload(p *[]byte) {
	if cap(*p) <= maxPooledBytes {
		*p = (*p)[:0]
		payloads.Put(p)
	}
}

// publisher sends messages to Redis one after the other, in the order in which they
// were queued.
type publisher struct {
	// Immutable.
	client                goredis.UniversalClient
	maxMessages, maxBytes int
	observe               func(time.Duration)
	count                 *counters
	log                   *sparingLog
	wake                  chan struct{} // holds one token when there is something in queue

	mu sync.Mutex
	// Guarded by mu.
	queue []publication
	bytes int // of payloads in queue
	err   error
}

// enqueue takes over p unless it returns an error: ErrAway, ErrQueueFull or ErrClosed.
func (p *publisher) enqueue(m publication) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return p.err
	case len(p.queue) >= p.maxMessages || p.bytes+len(*m.payload) > p.maxBytes:
		return ErrQueueFull
	}
	p.queue = append(p.queue, m)
	p.bytes += len(*m.payload)
	p.count.queued.Add(1)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// away says cheaply whether enqueue would fail whatever the message.
func (p *publisher) away() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *publisher) sizes() (messages, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue), p.bytes
}

// run publishes until ctx ends, and then what is left, as far as that is quick.
func (p *publisher) run(ctx context.Context) {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			p.finish()
			return
		}
		for ctx.Err() == nil {
			batch := p.take()
			if len(batch) == 0 {
				break
			}
			if err := p.send(context.Background(), batch); err != nil {
				p.waitForRedis(ctx, err)
			}
		}
	}
}

// take returns the next batch, which the caller must send.
func (p *publisher) take() []publication {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, bytes := 0, 0
	for n < len(p.queue) && n < batchMessages && (n == 0 || bytes+len(*p.queue[n].payload) <= batchBytes) {
		bytes += len(*p.queue[n].payload)
		n++
	}
	batch := p.queue[:n:n]
	if p.queue = p.queue[n:]; len(p.queue) == 0 {
		p.queue = nil
	}
	p.bytes -= bytes
	return batch
}

// send publishes a batch and waits for the replies. It returns an error if the
// connection failed; that Redis refused a message is only counted.
func (p *publisher) send(ctx context.Context, batch []publication) error {
	pipe := p.client.Pipeline()
	replies := make([]*goredis.IntCmd, len(batch))
	for i, m := range batch {
		replies[i] = pipe.Publish(ctx, m.channel, *m.payload)
	}
	_, _ = pipe.Exec(ctx) // its error is one of those of the replies
	now := time.Now()
	var broken error
	for i, m := range batch {
		err := replies[i].Err()
		freePayload(m.payload)
		if err == nil {
			p.count.published.Add(1)
			if p.observe != nil {
				p.observe(now.Sub(m.queued))
			}
			continue
		}
		p.count.publishFailed.Add(1)
		var refused goredis.Error
		if !errors.As(err, &refused) {
			broken = err
			continue
		}
		p.log.warn("redis refused a message", "", slog.String("channel", m.channel), slog.Any("error", err))
	}
	return broken
}

// waitForRedis fails everything that is queued, and what would be, until Redis answers.
// The new connection is used only after an answer on it, so that Redis has executed all
// that it got by the old one.
func (p *publisher) waitForRedis(ctx context.Context, cause error) {
	dropped := p.stop(ErrAway)
	since := time.Now()
	p.log.log.Warn("redis does not take messages", "error", cause, "dropped", dropped)
	for wait := firstBackoff; ; wait = min(2*wait, lastBackoff) {
		if !sleep(ctx, wait) {
			return
		}
		if p.client.Ping(ctx).Err() == nil {
			break
		}
	}
	p.mu.Lock()
	p.err = nil
	p.mu.Unlock()
	p.log.log.Info("redis takes messages again", "gap", time.Since(since))
}

// stop makes enqueue return err, drops what is queued and returns how much that was.
func (p *publisher) stop(err error) int {
	p.mu.Lock()
	queue := p.queue
	p.queue, p.bytes, p.err = nil, 0, err
	p.mu.Unlock()
	for _, m := range queue {
		freePayload(m.payload)
	}
	p.count.publishFailed.Add(uint64(len(queue)))
	return len(queue)
}

// finish publishes what is left on a fresh context, since the one of Run has ended.
func (p *publisher) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	for batch := p.take(); len(batch) > 0; batch = p.take() {
		if p.send(ctx, batch) != nil {
			break
		}
	}
	p.stop(ErrClosed)
}

// sleep returns false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
