package wire

import "time"

// unlimited is the rate of a client that reads as fast as it can.
const unlimited = -1

// throttleStep is the time in which a throttled client reads once.
const throttleStep = 100 * time.Millisecond

// Throttle makes the client read at most so many bytes per second; 0: nothing at all; a
// negative number: as fast as it can. A throttled client finds pings late by its own
// doing, so it does not judge them. What the kernel buffers is not counted: see
// Config.ReceiveBuffer.
func (c *Client) Throttle(bytesPerSecond int) {
	c.rate.Store(int64(max(bytesPerSecond, unlimited)))
	if s := c.session.Load(); s != nil {
		s.heard()
		s.wake()
	}
}

// permit returns how much of p may be read now. It waits while nothing may, and attends
// to whatever the reading goroutine is woken for.
func (s *session) permit(l *link, p []byte) ([]byte, error) {
	c := s.client
	for {
		if s.woken.Load() {
			if err := s.attend(l); err != nil {
				return nil, err
			}
		}
		rate := c.rate.Load()
		if rate < 0 || s.leaving.Load() {
			return p, nil
		}
		if rate == 0 {
			<-c.kick // ends with wake, so with everything that ends a session
			continue
		}
		now := time.Now()
		if wait := c.readAfter.Sub(now); wait > 0 {
			c.nap(wait)
			continue
		}
		n := min(len(p), max(1, int(rate*int64(throttleStep)/int64(time.Second))))
		c.readAfter = now.Add(time.Duration(int64(n) * int64(time.Second) / rate))
		return p[:n], nil
	}
}

// nap waits for d, or until the goroutine is woken.
func (c *Client) nap(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.kick:
	}
}
