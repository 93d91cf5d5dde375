package engineio

import (
	"sync"
	"time"
)

// wait names one of the clock's lists. A session is in at most one.
type wait uint8

const (
	waitNone wait = iota
	waitPing      // until the next ping
	waitPong      // until the pong is overdue
	waitPeer      // until a closing peer has had its time
	waitPoll      // until a closing polling client has had time for its next GET
	waitKinds
)

// Times that a closing session's transport still has.
const (
	peerLinger = 5 * time.Second
	pollLinger = 30 * time.Second // the reference's; peerLinger while the server drains
)

// clock ends the waits of all sessions of a server. All waits of one kind have the
// same length, so a list in order of arrival is in order of time: adding, removing
// and finding the next are O(1), and no session has a timer.
type clock struct {
	length [waitKinds]time.Duration
	expire func(s *Session, w wait, late time.Duration)
	start  time.Time
	wake   chan struct{}

	mu sync.Mutex
	// Guarded by mu, as are the clock fields of the sessions.
	lists [waitKinds]waitList
	next  time.Duration // when run looks again; 0 while it has nothing to wait for
}

type waitList struct{ head, tail *Session }

// clockEntry is what a session has in the clock. Guarded by clock.mu.
type clockEntry struct {
	prev, next *Session
	due        time.Duration // since clock.start
	in         wait
}

func newClock(cfg *Config, expire func(*Session, wait, time.Duration)) *clock {
	c := &clock{expire: expire, start: time.Now(), wake: make(chan struct{}, 1)}
	c.length = [waitKinds]time.Duration{waitPing: cfg.PingInterval, waitPong: cfg.PingTimeout, waitPeer: peerLinger, waitPoll: pollLinger}
	return c
}

// set moves a session to the end of a list, out of the one it is in. Callers hold the
// session's mu, so that what its end sets stays.
func (c *clock) set(s *Session, w wait) { c.setSince(s, w, 0) }

// setSince is set for a wait that began some time ago. That is to be short against the
// list's length: what comes before it in the list may hold it up for as long.
func (c *clock) setSince(s *Session, w wait, ago time.Duration) {
	c.mu.Lock()
	c.remove(s)
	if w == waitNone {
		c.mu.Unlock()
		return
	}
	e, l := &s.clock, &c.lists[w]
	e.in, e.due, e.prev = w, time.Since(c.start)+c.length[w]-ago, l.tail
	if l.tail == nil {
		l.head = s
	} else {
		l.tail.clock.next = s
	}
	l.tail = s
	sooner := c.next == 0 || e.due < c.next
	if sooner {
		c.next = e.due
	}
	c.mu.Unlock()
	if sooner {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *clock) remove(s *Session) {
	e := &s.clock
	if e.in == waitNone {
		return
	}
	l := &c.lists[e.in]
	if e.prev == nil {
		l.head = e.next
	} else {
		e.prev.clock.next = e.next
	}
	if e.next == nil {
		l.tail = e.prev
	} else {
		e.next.clock.prev = e.prev
	}
	*e = clockEntry{}
}

// overdue reports whether the wait for a session's pong is over, though run may not
// have come to it yet.
func (c *clock) overdue(s *Session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.clock.in == waitPong && s.clock.due <= time.Since(c.start)
}

// run expires waits until stop is closed.
func (c *clock) run(stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var due []expired
	for {
		var rest time.Duration
		due, rest = c.collect(due[:0])
		for i, e := range due {
			c.expire(e.s, e.in, e.late)
			due[i] = expired{}
		}
		if len(due) > 0 {
			continue // expiring took time
		}
		timer.Reset(rest)
		select {
		case <-timer.C:
		case <-c.wake:
		case <-stop:
			return
		}
	}
}

type expired struct {
	s    *Session
	in   wait
	late time.Duration
}

// collect takes what is due off the lists and returns the time until the next.
func (c *clock) collect(due []expired) ([]expired, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Since(c.start)
	c.next = 0
	for w := range c.lists {
		l := &c.lists[w]
		for l.head != nil && l.head.clock.due <= now {
			due = append(due, expired{l.head, wait(w), now - l.head.clock.due})
			c.remove(l.head)
		}
		if l.head != nil && (c.next == 0 || l.head.clock.due < c.next) {
			c.next = l.head.clock.due
		}
	}
	if c.next == 0 {
		return due, time.Hour
	}
	return due, c.next - now
}
