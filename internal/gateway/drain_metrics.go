package gateway

import (
	"sync"
	"time"
)

var (
	descDraining    = desc("draining", "1 while this node is stopping.")
	descDrainStart  = desc("drain_start_timestamp_seconds", "When this node began to stop; 0 before.")
	descDrainDelay  = desc("drain_delay_seconds", "How long a stopping node goes on, not ready, before it sends clients away.")
	descDrainWindow = desc("drain_window_seconds", "Time over which a stopping node sends clients away.")
	descDrainLimit  = desc("drain_limit_seconds", "How long stopping may take in all: the grace period of a deployment must be longer.")
	descDrainPace   = desc("drain_pace", "Sessions sent away per second; 0 before that begins.")
	descDrainJitter = desc("drain_jitter_seconds", "How far a session's turn may be from an even pace; 0 before that begins.")
)

// drainProgress is what a drain shows of itself.
type drainProgress struct {
	mu sync.Mutex
	// Guarded by mu.
	start         time.Time // zero before
	delay, window time.Duration
	sessions      int // that are there when the first is sent away
}

// begin says that the node is stopping.
func (p *drainProgress) begin(delay, window time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start, p.delay, p.window = time.Now(), delay, window
}

// sendAway says that so many sessions will be closed over the window.
func (p *drainProgress) sendAway(sessions int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions = sessions
}

func (p *drainProgress) collect(m sink) {
	p.mu.Lock()
	start, delay, window, sessions := p.start, p.delay, p.window, p.sessions
	p.mu.Unlock()
	m.gauge(descDraining, truth(!start.IsZero()))
	began := 0.
	if !start.IsZero() {
		began = float64(start.UnixMilli()) / 1000
	}
	m.value(descDrainStart, began)
	m.seconds(descDrainDelay, delay)
	m.seconds(descDrainWindow, window)
	m.seconds(descDrainLimit, delay+window+DrainSlack)
	pace, jitter := 0., 0.
	if sessions > 0 && window > 0 {
		pace = float64(sessions) / window.Seconds()
		jitter = 1 / pace // a session's turn is anywhere in its share of the window
	}
	m.value(descDrainPace, pace)
	m.value(descDrainJitter, jitter)
}
