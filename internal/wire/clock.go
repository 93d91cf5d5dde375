package wire

import (
	"sync"
	"time"
)

// clock watches heartbeats and acks of all sessions, so that none needs a timer. It runs
// as long as there are sessions.
type clock struct {
	mu sync.Mutex
	// Guarded by mu.
	sessions []*session
	period   time.Duration // between two looks
	running  *running
}

// running is a goroutine of the clock.
type running struct {
	stop  chan struct{}
	hurry chan struct{} // the period has become shorter
	done  chan struct{}
}

var sharedClock clock

// The clock looks often enough to be late by a sixteenth of what it waits for, within
// these limits.
const (
	shortestPeriod = 5 * time.Millisecond
	longestPeriod  = 500 * time.Millisecond
)

func (k *clock) add(s *session) {
	wanted := min(s.patience, s.client.cfg.AckTimeout) / 16
	wanted = min(max(wanted, shortestPeriod), longestPeriod)
	k.mu.Lock()
	defer k.mu.Unlock()
	s.slot = len(k.sessions)
	k.sessions = append(k.sessions, s)
	switch {
	case k.running == nil:
		k.period = wanted
		k.running = &running{stop: make(chan struct{}), hurry: make(chan struct{}, 1), done: make(chan struct{})}
		go k.run(k.running)
	case wanted < k.period:
		k.period = wanted
		select {
		case k.running.hurry <- struct{}{}:
		default:
		}
	}
}

// remove forgets a session. The last one waits for the clock's goroutine.
func (k *clock) remove(s *session) {
	k.mu.Lock()
	if s.slot < 0 {
		k.mu.Unlock()
		return
	}
	last := len(k.sessions) - 1
	k.sessions[s.slot] = k.sessions[last]
	k.sessions[s.slot].slot = s.slot
	k.sessions[last] = nil
	k.sessions = k.sessions[:last]
	s.slot = -1
	var ended *running
	if last == 0 {
		ended, k.running = k.running, nil
	}
	k.mu.Unlock()
	if ended != nil {
		close(ended.stop)
		<-ended.done
	}
}

func (k *clock) run(r *running) {
	defer close(r.done)
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-r.hurry:
		case <-t.C:
			k.look(time.Now().UnixNano())
		}
		k.mu.Lock()
		t.Reset(k.period)
		k.mu.Unlock()
	}
}

// restAfter is the silence after which a session is given a new goroutine.
const restAfter = int64(time.Second)

// look ends the sessions whose server is silent, and wakes those that have something to
// do: an ack is overdue, or nothing has come for a while.
func (k *clock) look(now int64) {
	var silent, late []*session
	k.mu.Lock()
	for _, s := range k.sessions {
		if s.pingDue.Load() < now && s.client.rate.Load() < 0 {
			silent = append(silent, s)
		}
		due := s.acks.due.Load()
		if (due != 0 && due < now) || s.rests(now) {
			late = append(late, s)
		}
	}
	k.mu.Unlock()
	for _, s := range silent {
		s.fail(ErrPingTimeout)
	}
	for _, s := range late {
		s.wake()
	}
}

// rests says, once after each activity, that the session has been silent for a while. The
// clock's mu is held.
func (s *session) rests(now int64) bool {
	switch {
	case s.active.Load():
		s.active.Store(false)
		s.quiet = now
	case s.quiet != 0 && now-s.quiet > restAfter:
		s.quiet = 0
		s.rested.Store(true)
		return true
	}
	return false
}
