package engineio

import (
	"bytes"
	"errors"
	"net"
	"os"
	"time"
)

// wire is the connection as the library sees it.
type wire struct{ *conn }

// Read implements io.Reader. A deadline that passes in the middle of a message is no
// reason to fail: heartbeats find out whether the peer is alive.
func (w *wire) Read(p []byte) (int, error) {
	c := w.conn
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil // an empty slice would keep what has been read as long as the connection
		}
		return n, nil
	}
	if c.failed != nil {
		return 0, c.failed
	}
	for {
		n, err := c.tcp.Read(p)
		if n == 0 && err != nil && !c.waiting && c.session.Load() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			if c.tcp.SetReadDeadline(time.Time{}) == nil {
				c.deadline = 0
				continue
			}
		}
		if err != nil && c.waiting && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.failed = err
		}
		if c.budget -= n; c.budget < 0 {
			return n, errBudget
		}
		return n, err
	}
}

// Write implements io.Writer for the control frames of the library, one in each call.
func (w *wire) Write(frame []byte) (int, error) {
	out := bytes.Clone(frame)
	if len(out) > 4 && out[0] == 0x88 {
		out = out[:4] // a close frame: the code is enough, the text would be about our library
		out[1] = 2
	}
	s := w.conn.session.Load()
	if s == nil {
		_ = w.tcp.SetWriteDeadline(time.Now().Add(peerLinger))
		_, err := w.tcp.Write(out)
		return len(frame), err
	}
	err := s.sendControl(newRaw(out))
	if errors.Is(err, ErrSlow) { // it pings and does not read the pongs
		s.server.stats.slow.Add(1)
		s.fail(ReasonSlow)
	}
	return len(frame), err
}

// Close implements io.Closer for the library, which calls it while our queue may still
// hold its close frame: the session closes the connection.
func (w *wire) Close() error { return nil }

// The rest of net.Conn, which the library does not use.
func (w *wire) LocalAddr() net.Addr                { return w.tcp.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr               { return w.tcp.RemoteAddr() }
func (w *wire) SetDeadline(t time.Time) error      { return w.tcp.SetDeadline(t) }
func (w *wire) SetReadDeadline(t time.Time) error  { return w.tcp.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(t time.Time) error { return w.tcp.SetWriteDeadline(t) }

// sendControl queues a control frame behind the data that waits.
func (s *Session) sendControl(m *Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return ErrClosed
	}
	if s.queueBytes+m.size() > s.server.cfg.MaxQueueBytes || len(s.queue) >= s.server.cfg.MaxQueueMessages {
		return ErrSlow
	}
	s.queue = append(s.queue, m)
	s.queueBytes += m.size()
	s.kick()
	return nil
}
