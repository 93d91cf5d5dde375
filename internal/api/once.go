package api

import (
	"container/list"
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	keepTime  = 5 * time.Minute // after which the same Idempotency-Key is a new request
	maxKept   = 20_000          // answers of one key
	keptBytes = 16 << 20        // of them
	// maxAnswerBytes bounds one answer that is kept. Only one with acks can have more.
	maxAnswerBytes = 256 << 10
	maxIDBytes     = 255
	// entryBytes is about what the memory of a kept answer is beside its texts.
	entryBytes = 256
)

// What becomes of a request with an Idempotency-Key. They are values of a label.
const (
	onceNew      = "new"
	onceReplayed = "replayed" // the answer that was given before
	onceReused   = "reused"   // the key of another request
	onceEvicted  = "evicted"  // an answer was forgotten too early, as there were too many
)

// answers are what requests of one key with an Idempotency-Key were answered. When they are
// too many, the oldest are forgotten before their time.
type answers struct {
	mu sync.Mutex
	// Guarded by mu.
	byID  map[string]*kept
	ended list.List // of *kept, in the order of their ends
	bytes int
}

// kept is a request with an Idempotency-Key.
type kept struct {
	id   string
	sum  [sha256.Size]byte // of the request
	done chan struct{}     // closed when answer is set

	answer answer    // set before done is closed
	until  time.Time // Guarded by answers.mu
}

func (k *kept) size() int { return len(k.id) + len(k.answer.body) + entryBytes }

// once does what is asked, unless the request has an Idempotency-Key and was answered before.
func (c *call) once() answer {
	values := c.r.Header.Values("Idempotency-Key")
	if c.r.Method == http.MethodGet || len(values) == 0 {
		return c.do()
	}
	id := values[0]
	if len(values) > 1 || len(id) == 0 || len(id) > maxIDBytes || strings.ContainsFunc(id, func(r rune) bool { return r < '!' || r > '~' }) {
		return wrong("Idempotency-Key", "want one text of 1 to %d characters without spaces", maxIDBytes).answer()
	}
	sum := sha256.Sum256(append([]byte(c.route.name+"\n"), c.body...))
	k, first := c.key.answers.begin(id, sum, c.metrics)
	switch {
	case first:
		c.metrics.once.WithLabelValues(onceNew).Inc()
		return c.first(k)
	case k.sum != sum:
		c.metrics.once.WithLabelValues(onceReused).Inc()
		return newProblem(otherBody, "it was sent with another body, or to another path, within the last %v", keepTime).answer()
	}
	select {
	case <-k.done:
	case <-c.ctx.Done(): // who asks has gone
		return unreached(reachedNone, "the first request with this Idempotency-Key is still under way").answer()
	}
	c.metrics.once.WithLabelValues(onceReplayed).Inc()
	return k.replay()
}

// first does a request whose answer others may wait for: it ends with the API, not with the
// connection that it came by.
func (c *call) first(k *kept) answer {
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.ctx))
	defer cancel()
	defer context.AfterFunc(c.API.ctx, cancel)()
	c.ctx = ctx
	out := c.do()
	c.key.answers.end(k, out, c.metrics)
	return out
}

func (k *kept) replay() answer {
	out := k.answer
	if out.header = out.header.Clone(); out.header == nil {
		out.header = http.Header{}
	}
	out.header.Set("Idempotency-Replayed", "true")
	return out
}

// begin returns the request with an id, and whether it is the first.
func (a *answers) begin(id string, sum [sha256.Size]byte, m *metrics) (k *kept, first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(m)
	if k := a.byID[id]; k != nil {
		return k, false
	}
	k = &kept{id: id, sum: sum, done: make(chan struct{})}
	a.byID[id] = k
	return k, true
}

// end keeps an answer, if anything has been done.
func (a *answers) end(k *kept, out answer, m *metrics) {
	k.answer = out
	if len(out.body) > maxAnswerBytes {
		k.answer = newProblem(notKept, "its answer was too large to be kept for a second time").answer()
	}
	close(k.done)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !out.done {
		delete(a.byID, k.id)
		return
	}
	k.until = time.Now().Add(keepTime)
	a.ended.PushBack(k)
	a.bytes += k.size()
	a.forget(m)
}

// forget needs mu. It forgets what is too old, or too much.
func (a *answers) forget(m *metrics) {
	now := time.Now()
	for e := a.ended.Front(); e != nil; e = a.ended.Front() {
		k := e.Value.(*kept)
		if now.Before(k.until) {
			if a.ended.Len() <= maxKept && a.bytes <= keptBytes {
				return
			}
			m.once.WithLabelValues(onceEvicted).Inc()
		}
		a.ended.Remove(e)
		delete(a.byID, k.id)
		a.bytes -= k.size()
	}
}

// sizes says how many answers are kept, and what they take.
func (a *answers) sizes() (n, bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended.Len(), a.bytes
}
