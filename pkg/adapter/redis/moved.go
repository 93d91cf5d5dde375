package redis

import (
	"context"
	"time"
)

// maxFlight bounds how long a publisher waits for what another has under way.
const maxFlight = time.Second

// A channel of a Redis Cluster may move to another server, and so from one publisher to
// another, while messages wait and while some are out. Their order stays: those that wait
// move with the channel; and the new publisher sends nothing until those that were out
// have been answered, and the ones that were refused been put before all others.

// land ends the flight of a batch, of which some messages belong elsewhere.
func (p *publisher) land(ctx context.Context, moved []publication) {
	known := len(moved) == 0 || p.moved(moved)
	p.mu.Lock()
	close(p.flight)
	p.flight = nil
	p.mu.Unlock()
	if !known {
		p.look(ctx)
	}
}

// putBack queues messages before everything else.
func (p *publisher) putBack(batch []publication) {
	if len(batch) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(batch[:len(batch):len(batch)], p.queue...)
	for _, m := range batch {
		p.bytes += m.bytes()
	}
	p.signal()
}

// strays removes and returns the queued messages whose channel belongs elsewhere, and what
// to wait for before they are sent; nil if nothing is out.
func (p *publisher) strays(belongs func(channel string) bool) (strays []publication, flight <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []publication
	for _, m := range p.queue {
		if !m.sharded || belongs(m.channel) {
			kept = append(kept, m)
			continue
		}
		strays = append(strays, m)
		p.bytes -= m.bytes()
	}
	p.queue = kept
	return strays, p.flight
}

// follow makes the next batch wait for a flight of another publisher.
func (p *publisher) follow(flight <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others = append(p.others, flight)
}

func (p *publisher) awaitOthers(ctx context.Context) {
	p.mu.Lock()
	others := p.others
	p.others = nil
	p.mu.Unlock()
	if len(others) == 0 {
		return
	}
	limit := time.NewTimer(maxFlight)
	defer limit.Stop()
	for _, flight := range others {
		select {
		case <-flight:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
