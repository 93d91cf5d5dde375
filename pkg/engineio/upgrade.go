package engineio

import (
	"net/http"
	"time"
)

// noopInterval is how often a pending GET is sent home while its session upgrades, so
// that the client can pause polling.
const noopInterval = 100 * time.Millisecond

var probeAnswer = newPacket(packetPong, "probe")

// serveUpgrade takes a WebSocket for a session that polls. Whatever goes wrong with
// it, the polling session lives on.
func (s *Session) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	born := s.websocket && !s.upgraded
	s.mu.Unlock()
	if born {
		s.server.reject(w, r, rejectMismatch)
		return
	}
	s.server.addHeaders(w, r, false)
	c, err := s.server.accept(w, r)
	if err != nil {
		s.server.stats.rejected(rejectBadRequest)
		return
	}
	s.mu.Lock()
	free := s.state == stateOpen && !s.websocket && s.probe == nil
	if free {
		s.probe = c
	}
	s.mu.Unlock()
	if !free { // one upgrade is enough; the reference accepts and closes, too
		if s.server.departures.take(s.id, lateUpgrade) { // its client has closed it since it was looked up
			s.server.stats.upgradesFailed.Add(1)
		} else {
			s.server.stats.rejected(rejectMismatch)
		}
		_ = c.tcp.Close()
		c.cleanUp()
		return
	}
	s.server.start(c, func() { s.upgrade(c) })
}

// upgrade plays the probe ("Upgrade") and then goes on as the connection's reader.
func (s *Session) upgrade(c *conn) {
	if !s.probed(c) {
		s.server.stats.upgradesFailed.Add(1)
		s.mu.Lock()
		if s.probe == c {
			s.probe = nil
		}
		s.mu.Unlock()
		_ = c.tcp.Close()
		c.cleanUp()
		return
	}
	c.read(false)
}

// probed reports whether the session has moved to c.
func (s *Session) probed(c *conn) bool {
	deadline := time.Now().Add(s.server.cfg.UpgradeTimeout)
	if c.tcp.SetDeadline(deadline) != nil {
		return false
	}
	buf := getBuffer()
	defer putBuffer(buf)
	p, err := c.readPacket(buf)
	if err != nil || p.kind != packetPing || string(p.data) != "probe" {
		return false
	}
	if _, err = c.tcp.Write(probeAnswer.wire()); err != nil {
		return false
	}
	s.sendNoop() // before the client can have sent its upgrade packet, not whenever a goroutine starts
	stop := make(chan struct{})
	defer close(stop)
	s.server.goroutines.Go(func() { s.sendNoops(stop) })

	if p, err = c.readPacket(buf); err != nil || p.binary || p.kind != packetUpgrade {
		return false
	}
	if c.tcp.SetDeadline(time.Time{}) != nil {
		return false
	}
	return s.switchTo(c)
}

// sendNoops answers each pending GET until the upgrade has ended.
func (s *Session) sendNoops(stop <-chan struct{}) {
	tick := time.NewTicker(noopInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sendNoop()
		case <-stop:
			return
		}
	}
}

func (s *Session) sendNoop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil && s.poll.waiting != nil && len(s.queue) == 0 {
		_ = s.enqueue([]*Message{noopPacket}) // an ended session needs none
	}
}

// switchTo makes c the transport. What waits goes out on it, after all that went out by
// polling; what a POST is handing on comes before all that comes from it.
func (s *Session) switchTo(c *conn) bool {
	s.mu.Lock()
	p := s.poll
	s.mu.Unlock()
	if p == nil {
		return false
	}
	select {
	case p.turn <- struct{}{}:
	case <-s.Done():
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { <-p.turn }()
	if s.state != stateOpen || s.probe != c {
		return false
	}
	if p.waiting != nil {
		select {
		case p.waiting <- struct{}{}: // it is refused, as one that comes later is
		default:
		}
	}
	c.session.Store(s)
	s.websocket, s.upgraded, s.conn, s.probe, s.poll = true, true, c, nil, nil
	s.server.stats.upgrades.Add(1)
	if len(s.queue) > 0 {
		s.kick()
	}
	return true
}
