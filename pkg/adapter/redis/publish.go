package redis

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// A batch is what goes out in one pipeline, and is answered before the next.
	batchMessages = 512
	batchBytes    = 1 << 20
	// maxMoves is how often a message is sent on before it counts as failed.
	maxMoves = 5
	// flushTimeout is how long the end of Run waits for the last publishes.
	flushTimeout = time.Second
	// The waits between attempts to reach Redis double from the first to the last.
	firstBackoff, lastBackoff = 50 * time.Millisecond, time.Second
	// secondChance is how long what is queued is kept after a failure, in case that
	// only the connection was broken.
	secondChance = time.Second
)

// publication is a message on its way to Redis.
type publication struct {
	channel string
	sharded bool    // SPUBLISH it
	moves   int     // how often a server has said that the channel is another's, or the script unknown
	payload *[]byte // from payloads, given back after the reply
	queued  time.Time
	// answered, if set, is told what became of it. Then it is no emit, and not
	// counted as one. It must not block.
	answered func(error)
	// confirm, if set, is told what became of an emit. It must not block.
	confirm func(error)
	// call, if set, is executed instead.
	call *scriptCall
}

// bytes is what m keeps while it waits.
func (m publication) bytes() int {
	if m.call != nil {
		return len(*m.payload) + m.call.size
	}
	return len(*m.payload)
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
	gaps                  gaps
	// moved, if not nil, takes messages of which a server has said that their channels
	// are another's, and puts them back where they belong. It returns false if that is
	// this one, as far as is known. look returns when that has been looked up again.
	moved func(batch []publication) bool
	look  func(ctx context.Context)

	// Owned by run: the scripts that the server knows, as far as is known.
	scripts map[*luaScript]bool

	mu sync.Mutex
	// Guarded by mu.
	queue  []publication
	flight chan struct{}     // closed when the batch that is out has been answered; nil if none is
	others []<-chan struct{} // flights of other publishers to wait for
	bytes  int               // of payloads in queue
	err    error
}

// enqueue takes over p unless it returns an error: ErrAway, ErrQueueFull or ErrClosed.
func (p *publisher) enqueue(m publication) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return p.err
	case len(p.queue) >= p.maxMessages || p.bytes+m.bytes() > p.maxBytes:
		return ErrQueueFull
	}
	p.queue = append(p.queue, m)
	p.bytes += m.bytes()
	if m.answered == nil && m.call == nil {
		p.count.queued.Add(1)
	}
	p.signal()
	return nil
}

// signal says that there is something in queue.
func (p *publisher) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
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
			p.awaitOthers(ctx)
			batch := p.take()
			if len(batch) == 0 {
				break
			}
			size := sizeOf(batch)
			if since, err := p.send(context.Background(), batch); err != nil {
				p.waitForRedis(ctx, since, size, err)
			}
		}
	}
}

// take returns the next batch, which the caller must send.
func (p *publisher) take() []publication {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, bytes := 0, 0
	for n < len(p.queue) && n < batchMessages && (n == 0 || bytes+p.queue[n].bytes() <= batchBytes) {
		bytes += p.queue[n].bytes()
		n++
	}
	batch := p.queue[:n:n]
	if p.queue = p.queue[n:]; len(p.queue) == 0 {
		p.queue = nil
	}
	p.bytes -= bytes
	if n > 0 {
		p.flight = make(chan struct{})
	}
	return batch
}

// send publishes a batch and waits for the replies. It returns an error if the
// connection failed, and when the first message of which that is true was queued; that
// Redis refused a message is only counted.
func (p *publisher) send(ctx context.Context, batch []publication) (since time.Time, broken error) {
	pipe := p.client.Pipeline()
	scripts := scriptBatch{pipe: pipe, known: p.scripts}
	replies := make([]goredis.Cmder, len(batch))
	for i, m := range batch {
		switch {
		case m.call != nil:
			replies[i] = scripts.add(ctx, m.call, *m.payload)
		case m.sharded:
			replies[i] = pipe.SPublish(ctx, m.channel, *m.payload)
		default:
			replies[i] = pipe.Publish(ctx, m.channel, *m.payload)
		}
	}
	_, _ = pipe.Exec(ctx) // its error is one of those of the replies
	p.scripts = scripts.known
	var moved, unknown []publication
	for i, m := range batch {
		err := replies[i].Err()
		if m.call != nil {
			err = m.call.answered(replies[i])
		}
		if p.moved != nil && m.moves < maxMoves && wasMoved(err) {
			m.moves++
			moved = append(moved, m)
			continue
		}
		if unknownScript(err) && m.moves < maxMoves {
			m.moves++
			unknown = append(unknown, m)
			continue
		}
		p.settle(m, err)
		if err != nil && !refused(err) && broken == nil {
			since, broken = m.queued, err
		}
	}
	if broken != nil || len(unknown) > 0 {
		p.scripts = nil
		p.putBack(unknown)
	}
	p.land(ctx, moved)
	return since, broken
}

// settle counts what became of a message, tells it, and frees it.
func (p *publisher) settle(m publication, err error) {
	freePayload(m.payload)
	if m.answered != nil {
		m.answered(err)
		return
	}
	if m.confirm != nil {
		defer m.confirm(err)
	}
	switch {
	case err == nil:
		p.count.published.Add(1)
		if m.call != nil {
			m.call.of.observe(time.Since(m.queued))
		} else if p.observe != nil {
			p.observe(time.Since(m.queued))
		}
	case refused(err):
		p.count.publishFailed.Add(1)
		p.log.warn("redis refused a message", "", slog.String("channel", m.channel), slog.Any("error", err))
	case neverSent(err):
		p.count.publishFailed.Add(1)
	default:
		p.count.publishUnknown.Add(1)
	}
}

// refused says that Redis has answered, with an error.
func refused(err error) bool {
	var answer goredis.Error
	return errors.As(err, &answer)
}

// neverSent says that there was no connection on which a message could have been sent.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || errors.Is(err, goredis.ErrPoolTimeout) ||
		errors.Is(err, goredis.ErrClosed) || errors.Is(err, ErrAway) || errors.Is(err, ErrClosed)
}

// sizeOf is how many bytes a batch may be on the wire, and rather more.
func sizeOf(batch []publication) (bytes int) {
	for _, m := range batch {
		bytes += len(m.channel) + m.bytes() + 64
		if m.call != nil {
			bytes += 256 // names, and the script's
		}
	}
	return bytes
}

// waitForRedis waits until Redis answers. The new connection is used only after an
// answer on it. What is queued gets a second chance; if there is no answer soon it is
// given up, and what would be queued is refused, so that nobody waits for an outage. size
// is what was under way.
func (p *publisher) waitForRedis(ctx context.Context, since time.Time, size int, cause error) {
	p.gaps.lost(since)
	if p.answers(ctx, secondChance) {
		p.log.log.Warn("redis broke the connection for messages", "error", cause)
	} else {
		p.log.log.Warn("redis does not take messages", "error", cause, "dropped", p.stop(ErrAway))
		if !p.untilAnswer(ctx) {
			return
		}
	}
	p.letPass(ctx, size)
	now := time.Now()
	gap := p.gaps.back(now, now)
	p.mu.Lock()
	p.err = nil
	p.mu.Unlock()
	p.log.log.Info("redis takes messages again", "gap", gap)
}

// readBytes is how much Redis reads of one connection, at least, before it turns to the
// others.
const readBytes = 16 << 10

// letPass keeps what was sent by the old connection before what will be sent by the new
// one: Redis may have it in its buffers yet, and executes it when it gets to it. It gets
// to each connection that has sent something between two answers on another.
func (p *publisher) letPass(ctx context.Context, size int) {
	for range size/readBytes + 1 {
		if !p.answers(ctx, secondChance) {
			return // the next message will tell
		}
	}
}

// untilAnswer returns false if ctx ends before Redis answers.
func (p *publisher) untilAnswer(ctx context.Context) bool {
	for wait := firstBackoff; sleep(ctx, jitter(wait)); wait = min(2*wait, lastBackoff) {
		if p.answers(ctx, answerTimeout) {
			return true
		}
	}
	return false
}

// answers asks whether Redis is there, by the way that messages go.
func (p *publisher) answers(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pipe := p.client.Pipeline()
	pipe.Ping(ctx)
	_, err := pipe.Exec(ctx)
	return err == nil
}

// stop makes enqueue return err, drops what is queued and returns how much that was.
func (p *publisher) stop(err error) int {
	p.mu.Lock()
	queue := p.queue
	p.queue, p.bytes, p.err = nil, 0, err
	p.mu.Unlock()
	for _, m := range queue {
		p.settle(m, err)
	}
	return len(queue)
}

// finish publishes what is left on a fresh context, since the one of Run has ended.
func (p *publisher) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	for batch := p.take(); len(batch) > 0; batch = p.take() {
		if _, err := p.send(ctx, batch); err != nil {
			break
		}
	}
	p.stop(ErrClosed)
}

// jitter shortens a wait by up to half, so that nodes do not come back all at once.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/2) }

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
