package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// past is a deadline that makes whoever reads or writes return at once.
var past = time.Unix(1, 0)

// link is a connection of a session: TCP, or TLS over it. It is read by one goroutine
// and written by one at a time. Only the reading goroutine of the client closes it.
type link struct {
	session *session
	conn    net.Conn        // the TLS connection, or tcp
	tcp     *net.TCPConn    // what is below
	raw     syscall.RawConn // of tcp; nil with TLS, which has to see all bytes
	attends bool            // read by the client's reading goroutine, which can be woken
}

// dial makes a connection and registers it with the session, which can interrupt it from
// then on.
func (s *session) dial(ctx context.Context, attends bool) (*link, error) {
	c := s.client
	d := net.Dialer{KeepAlive: -1, ControlContext: c.prepare}
	if c.cfg.LocalAddr.IsValid() {
		d.LocalAddr = &net.TCPAddr{IP: c.cfg.LocalAddr.AsSlice(), Zone: c.cfg.LocalAddr.Zone()}
	}
	conn, err := d.DialContext(ctx, "tcp", c.target.addr)
	if err != nil {
		return nil, err
	}
	l := &link{session: s, conn: conn, tcp: conn.(*net.TCPConn), attends: attends}
	if err := s.add(l); err != nil {
		conn.Close()
		return nil, err
	}
	if c.target.secure {
		return l, l.secure(ctx)
	}
	if direct {
		l.raw, err = l.tcp.SyscallConn()
	}
	return l, err
}

func (l *link) secure(ctx context.Context) error {
	c := l.session.client
	cfg := c.cfg.TLS.Clone()
	if cfg == nil {
		cfg = new(tls.Config)
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(c.target.addr)
	}
	cfg.NextProtos = []string{"http/1.1"}
	conn := tls.Client(l.tcp, cfg)
	l.conn = conn
	return conn.HandshakeContext(ctx)
}

// prepare sets what has to be set before a socket is connected.
func (c *Client) prepare(_ context.Context, _, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		if c.cfg.LocalAddr.IsValid() {
			latePort(fd)
		}
		if c.cfg.ReceiveBuffer > 0 {
			failed = receiveBuffer(fd, c.cfg.ReceiveBuffer)
		}
	})
	return errors.Join(err, failed)
}

// Read reads as fast as Throttle allows. The reading goroutine attends to what it was
// woken for; for others an interruption is the end.
func (l *link) Read(p []byte) (int, error) {
	for {
		if l.attends {
			var err error
			if p, err = l.session.permit(l, p); err != nil {
				return 0, err
			}
		}
		n, err := l.conn.Read(p)
		if n > 0 {
			l.session.received(n)
		}
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if !l.attends {
			return n, l.session.because(ErrTimeout)
		}
	}
}

// Write writes all of p, which Config.Timeout bounds.
func (l *link) Write(p []byte) (int, error) {
	if err := l.session.allow(l.conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	n, err := l.conn.Write(p)
	l.session.client.out.Add(int64(n))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = l.session.because(ErrTimeout)
	}
	return n, err
}

// close gives the connection back. A cut one ends without a word of TCP's either: what
// was not sent is dropped, and the peer gets a reset.
func (l *link) close(cut bool) {
	if cut {
		_ = l.tcp.SetLinger(0)
		l.tcp.Close()
		return
	}
	l.conn.Close()
}
