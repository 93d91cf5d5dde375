package redis

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// go-redis's own health check writes a PING and does not wait for the answer, and a
// connection can be silent without being broken. So a node publishes probes to a channel
// of its own, by the connection that publishes, and hears them on the one that is
// subscribed. One that comes back proves that this node has heard everything that Redis
// had until the probe was sent, since Redis keeps the order within a connection.

var (
	// errSilent: nothing arrives, not even the answer to a PING.
	errSilent = errors.New("the connection is silent")
	// errDeaf: the connection works, but what Redis accepts does not come by it. It
	// may lead to another Redis, as after a failover.
	errDeaf = errors.New("the connection does not hear what is published")
	// errNoGreeting: a new connection was accepted by something that does not answer.
	errNoGreeting = errors.New("no answer on a new connection")
)

// probeTicks is how often the state of a probe is looked at, per probe. Time is counted
// in ticks: a process that was stopped for a minute has missed one, not a minute, and
// what arrived meanwhile is read before the next.
const probeTicks = 4

type probeState uint8

const (
	probeIdle      probeState = iota
	probeQueued               // it is on its way
	probePublished            // Redis has accepted it
	probeChecking             // a PING is on its way behind it, on the other connection
	probeOvertaken            // the answer to that has come first
)

// probe is what a listener knows of its last probe.
type probe struct {
	// Owned by subscribeLoop.
	tick    int // ever
	heard   uint64
	silent  int // ticks without anything arriving
	overdue int // ticks since it was overtaken

	mu sync.Mutex
	// Guarded by mu.
	state probeState
	seq   uint64
	sent  time.Time
	heads heads  // what was read in front of a probe; taken by takeHeads
	read  uint64 // by which probe
	back  uint64 // the last probe that came back
}

// begin notes a probe that is about to be sent, unless one is under way.
func (p *probe) begin(seq uint64, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != probeIdle {
		return false
	}
	p.seq, p.state, p.sent = seq, probeQueued, now
	return true
}

// step moves a probe on, if it is still that one and in that state.
func (p *probe) step(seq uint64, from, to probeState) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seq != seq || p.state != from {
		return false
	}
	p.state = to
	return true
}

func (p *probe) current() (seq uint64, state probeState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq, p.state
}

// arrived ends a probe, and returns when it was sent.
func (p *probe) arrived(payload string) (sent time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == probeIdle || payload != strconv.FormatUint(p.seq, 10) {
		return time.Time{}, false
	}
	p.state, p.back = probeIdle, p.seq
	return p.sent, true
}

// readHeads notes what was read in front of a probe.
func (p *probe) readHeads(seq uint64, h heads) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heads, p.read = h, seq
}

// takeHeads returns what was read in front of a probe that has come back, once.
func (p *probe) takeHeads() (h heads) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read != p.back {
		return heads{}
	}
	h, p.heads = p.heads, heads{}
	return h
}

// tickLength is the time between looks.
func (c Config) tickLength() time.Duration {
	return max(min(c.ProbeInterval, c.ProbeTimeout)/probeTicks, time.Millisecond)
}

// look is called once a tick. An error says that the connection must be replaced.
func (l *listener) look(ctx context.Context) error {
	p := &l.probe
	tick := l.cfg.tickLength()
	if heard := l.heard.Load(); heard != p.heard {
		p.heard, p.silent = heard, 0
	} else if p.silent++; time.Duration(p.silent)*tick >= l.cfg.ProbeInterval+l.cfg.ProbeTimeout {
		return errSilent
	}
	due := p.tick%max(int(l.cfg.ProbeInterval/tick), 1) == 0
	p.tick++
	if due {
		if err := l.pubsub.Ping(ctx); err != nil {
			return err
		}
		l.sendProbe()
	}
	return l.follow(ctx, tick)
}

// sendProbe queues a probe behind the emits. When it can't be queued, the publisher knows
// that already.
func (l *listener) sendProbe() {
	p, now := &l.probe, time.Now()
	seq := l.count.probesSent.Add(1) // an echo of an earlier connection's must not be taken for one of this
	if !p.begin(seq, now) {
		return
	}
	payload := payloads.Get().(*[]byte)
	*payload = strconv.AppendUint((*payload)[:0], seq, 10)
	err := l.publisher.enqueue(publication{
		channel: l.probeChannel, payload: payload, queued: now, call: l.headsWith(seq),
		answered: func(err error) {
			if err != nil {
				p.step(seq, probeQueued, probeIdle)
				return
			}
			p.step(seq, probeQueued, probePublished)
		},
	})
	if err != nil {
		freePayload(payload)
		p.step(seq, probeQueued, probeIdle)
	}
}

// headsWith is a probe that reads the heads of the histories first; nil if there are none.
func (l *listener) headsWith(seq uint64) *scriptCall {
	node := l.histories.historyNode()
	if node == nil {
		return nil
	}
	tracks := l.histories.all()
	if len(tracks) == 0 {
		return nil
	}
	c := l.headsCall(node, tracks, l.probeChannel, strconv.FormatUint(seq, 10))
	c.took = func(answer any) {
		if found, err := l.readHeads(tracks, answer); err == nil {
			l.probe.readHeads(seq, found)
		}
	}
	return c
}

// follow looks after a probe that Redis has accepted. Once the answer to a PING that was
// sent after that has come, only another Redis can still bring the probe.
func (l *listener) follow(ctx context.Context, tick time.Duration) error {
	p := &l.probe
	seq, state := p.current()
	switch state {
	case probePublished:
		p.overdue = 0
		if p.step(seq, probePublished, probeChecking) {
			return l.pubsub.Ping(ctx, strconv.FormatUint(seq, 10))
		}
	case probeOvertaken:
		if p.overdue++; time.Duration(p.overdue)*tick >= l.cfg.ProbeTimeout {
			return errDeaf
		}
	}
	return nil
}

// pong is the answer to the PING behind a probe.
func (l *listener) pong(payload string) {
	if seq, _ := l.probe.current(); payload == strconv.FormatUint(seq, 10) {
		l.probe.step(seq, probeChecking, probeOvertaken)
	}
}

// echo handles what comes by the channel of the probes.
func (l *listener) echo(payload string) {
	sent, ok := l.probe.arrived(payload)
	if !ok {
		if l.taken(payload) {
			return
		}
		l.count.strayProbes.Add(1)
		return
	}
	l.count.probes.Add(1)
	l.count.probeTime.Store(int64(time.Since(sent)))
	l.hearing.prove(sent)
}
