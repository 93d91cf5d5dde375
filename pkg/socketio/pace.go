package socketio

import "time"

// leastPause is how long a client that sends too fast is not read: waking up for every
// single event of it would cost more than the events.
const leastPause = 50 * time.Millisecond

// pace waits until the client may have sent what it did, or has gone. It is called by the
// session's reader: TCP pushes back, and nobody else notices.
func (c *conn) pace() {
	if c.server.events.PerSecond == 0 {
		return
	}
	wait := c.server.events.Take(&c.paid, c.server.now())
	if wait == 0 {
		return
	}
	counters, since := &c.server.counters, time.Now()
	counters.throttled.Add(1)
	c.server.cfg.Logger.Debug("client throttled", "address", c.session.Handshake().Address())
	for ; wait > 0; wait = c.server.events.Take(&c.paid, c.server.now()) {
		// No longer than it takes until nothing more is gained.
		pause := max(wait, min(leastPause, c.server.events.Window()))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-c.session.Done():
			timer.Stop()
			counters.throttledFor.Add(int64(time.Since(since)))
			return
		}
	}
	counters.throttledFor.Add(int64(time.Since(since)))
}

// now is the time of the buckets.
func (s *Server) now() int64 { return int64(time.Since(s.epoch)) }
