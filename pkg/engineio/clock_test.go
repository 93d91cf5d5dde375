package engineio

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// clockWorld is a running clock that records what expires, and when.
type clockWorld struct {
	*clock
	start time.Time
	mu    sync.Mutex
	log   []string // guarded by mu
	then  func(s *Session, w wait)
}

func inClock(t *testing.T, test func(c *clockWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &clockWorld{start: time.Now(), then: func(*Session, wait) {}}
		cfg := &Config{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second}
		c.clock = newClock(cfg, func(s *Session, w wait, _ time.Duration) {
			c.mu.Lock()
			c.log = append(c.log, fmt.Sprintf("%s %d %v", s.id, w, time.Since(c.start)))
			c.mu.Unlock()
			c.then(s, w)
		})
		stop := make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() { c.run(stop) })
		test(c)
		close(stop)
		running.Wait()
	})
}

func (c *clockWorld) expect(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.log, want) {
		t.Errorf("expired %q, want %q", c.log, want)
	}
}

func TestClockExpiresAtTheExactTimeInOrder(t *testing.T) {
	inClock(t, func(c *clockWorld) {
		c.set(&Session{id: "poll"}, waitPoll) // 30 s
		c.set(&Session{id: "ping"}, waitPing) // 25 s
		time.Sleep(time.Second)
		c.set(&Session{id: "pong"}, waitPong)  // 20 s
		c.set(&Session{id: "pong2"}, waitPong) // at the same moment
		c.set(&Session{id: "peer"}, waitPeer)  // 5 s
		time.Sleep(time.Hour)
		c.expect(t, "peer 3 6s", "pong 2 21s", "pong2 2 21s", "ping 1 25s", "poll 4 30s")
	})
}

func TestClockForgetsWhatIsRemoved(t *testing.T) {
	inClock(t, func(c *clockWorld) {
		first, middle, last, only := &Session{id: "first"}, &Session{id: "middle"}, &Session{id: "last"}, &Session{id: "only"}
		c.set(only, waitPong)
		for _, s := range []*Session{first, middle, last} {
			c.set(s, waitPing)
		}
		c.set(only, waitNone)
		c.set(only, waitNone) // a second time changes nothing
		c.set(middle, waitNone)
		time.Sleep(time.Minute)
		c.expect(t, "first 1 25s", "last 1 25s")
		for _, l := range c.lists {
			if l.head != nil || l.tail != nil {
				t.Errorf("a list still holds a session")
			}
		}
	})
}

func TestClockSetAgainBeginsAnew(t *testing.T) {
	inClock(t, func(c *clockWorld) {
		s, other := &Session{id: "s"}, &Session{id: "other"}
		c.set(s, waitPing)
		c.set(other, waitPing)
		time.Sleep(24 * time.Second)
		c.set(s, waitPing)
		time.Sleep(10 * time.Second)
		c.set(s, waitPeer)
		time.Sleep(time.Minute)
		c.expect(t, "other 1 25s", "s 3 39s")
	})
}

func TestClockTakesASoonerWaitThanItsNext(t *testing.T) {
	inClock(t, func(c *clockWorld) {
		c.set(&Session{id: "late"}, waitPoll)
		synctest.Wait() // run waits for 30 s now
		c.set(&Session{id: "soon"}, waitPeer)
		time.Sleep(5*time.Second + 1)
		c.expect(t, "soon 3 5s")
	})
}

func TestClockMayBeSetByWhatExpires(t *testing.T) {
	inClock(t, func(c *clockWorld) {
		c.then = func(s *Session, w wait) {
			if w == waitPing {
				c.set(s, waitPong)
			}
		}
		c.set(&Session{id: "s"}, waitPing)
		time.Sleep(2 * time.Hour) // and beyond the timer's longest wait
		c.set(&Session{id: "later"}, waitPing)
		time.Sleep(time.Minute)
		c.expect(t, "s 1 25s", "s 2 45s", "later 1 2h0m25s", "later 2 2h0m45s")
	})
}
