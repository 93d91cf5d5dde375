package wire

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Client is a Socket.IO client in one namespace. Its methods may be called from any
// goroutine, but for Close, which a Handler may not call. None but Close waits.
type Client struct {
	// Immutable.
	cfg    Config
	target target
	clock  *clock

	life   context.Context // ends with Close
	endAll context.CancelCauseFunc
	done   chan struct{} // closed when nothing of the client runs any more

	session atomic.Pointer[session] // the current one, from the beginning of its attempt; nil between attempts
	kick    chan struct{}           // wakes the reading goroutine from a pause of Throttle
	rate    atomic.Int64            // bytes per second; negative: no limit
	held    atomic.Int64            // no attempt before, in Unix nanoseconds
	in, out atomic.Int64            // bytes

	// Owned by the reading goroutine.
	readAfter time.Time // when Throttle allows the next read
	recovery  *recovery // nil: no server has given a pid
}

// closeWait bounds how long a client waits for the server's part of a farewell, and then
// for its own goroutines.
const closeWait = 2 * time.Second

// Dial connects a client. It returns when the server has answered the CONNECT packet and
// Handler.Connected has returned, or with an error, and then nothing is left behind:
// only an established client reconnects. ctx bounds Dial alone.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	t, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, target: t, clock: &sharedClock, done: make(chan struct{}), kick: make(chan struct{}, 1)}
	c.rate.Store(unlimited)
	c.life, c.endAll = context.WithCancelCause(context.Background())
	s, o, err := c.attempt(ctx, 0)
	if err != nil {
		c.endAll(ErrClosed)
		return nil, err
	}
	connected := make(chan struct{})
	go c.live(s, o, func() { close(connected) })
	<-connected
	return c, nil
}

// live is the reading goroutine, which begins with a new connection.
func (c *Client) live(s *session, o Opened, connected func()) {
	c.cfg.Handler.Connected(c, o)
	if connected != nil {
		connected()
	}
	s.handOverEarly()
	c.follow(s)
}

// follow reads a session to its end, and connects the next.
func (c *Client) follow(s *session) {
	err := s.read()
	if errors.Is(err, errRested) {
		go c.follow(s)
		return
	}
	s.end()
	c.session.Store(nil)
	c.cfg.Handler.Disconnected(c, err)
	s.acks.fail()
	s, o := c.reconnect(err)
	if s == nil {
		c.endAll(ErrClosed)
		close(c.done)
		return
	}
	// Connecting has made the stack grow, and most clients are then idle for long: the
	// session is read by a new goroutine, with a small one.
	go c.live(s, o, nil)
}

// attempt opens a session and enters the namespace.
func (c *Client) attempt(ctx context.Context, number int) (*session, Opened, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, ErrTimeout)
	defer cancel()
	s := newSession(c)
	c.session.Store(s)
	stop := context.AfterFunc(ctx, func() { s.fail(context.Cause(ctx)) })
	err := s.open(ctx)
	if err == nil {
		s.ready.Store(true) // before the check: a Close that it misses finds a session to leave
		if ctx.Err() == nil {
			stop()
			s.begin()
			return s, Opened{SID: s.sid, Recovered: s.recovered, Took: time.Since(s.begun), Attempt: number}, nil
		}
		err = ctx.Err()
	}
	stop()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	err = s.because(err)
	s.fail(err)
	s.end()
	c.session.Store(nil)
	return nil, Opened{}, err
}

// reconnect returns the next session, or nil if the client has come to its end.
func (c *Client) reconnect(lost error) (*session, Opened) {
	if c.cfg.Reconnect == nil || errors.Is(lost, ErrServerDisconnect) {
		return nil, Opened{}
	}
	for n := 1; c.pause(c.cfg.Reconnect.delay(n - 1)); n++ {
		if time.Now().UnixNano() < c.held.Load() {
			continue // without a network, an attempt fails at once
		}
		s, o, err := c.attempt(c.life, n)
		if err == nil {
			return s, o
		}
		if c.life.Err() != nil {
			break
		}
		c.cfg.Handler.Failed(c, err)
		if refused := (*ConnectError)(nil); errors.As(err, &refused) {
			break // like the official client
		}
	}
	return nil, Opened{}
}

// pause waits for d, and says whether the client goes on.
func (c *Client) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return c.life.Err() == nil
	case <-c.life.Done():
		return false
	}
}

// Close disconnects and ends the client: Disconnected is called with ErrClosed, if the
// client was connected, and nothing more after Close has returned. It waits for the
// server's part of the farewell, but not long. It returns an error if a method of the
// Handler does not return. A second Close waits like the first.
func (c *Client) Close() error {
	c.endAll(ErrClosed)
	if s := c.session.Load(); s != nil {
		s.leave()
	}
	if c.ended(closeWait) {
		return nil
	}
	if s := c.session.Load(); s != nil {
		s.fail(ErrClosed)
	}
	if c.ended(closeWait) {
		return nil
	}
	return errors.New("wire: close: the handler does not return")
}

func (c *Client) ended(within time.Duration) bool {
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-c.done:
		return true
	case <-t.C:
		return false
	}
}

// Done is closed when the client has ended: by Close, or because its session has and it
// does not reconnect.
func (c *Client) Done() <-chan struct{} { return c.done }

// Stats returns the bytes that were read from and written to connections, with all
// framing but TLS's.
func (c *Client) Stats() (in, out int64) { return c.in.Load(), c.out.Load() }

// Transport returns what the current session uses, WebSocket or Polling, and "" if there
// is none.
func (c *Client) Transport() Transport {
	s := c.session.Load()
	if s == nil || !s.ready.Load() {
		return ""
	}
	return s.transport()
}

// Cut makes the connections vanish with a TCP reset, as a network would do it: the server
// gets no farewell. Disconnected follows with ErrCut. Without a connection it does nothing.
func (c *Client) Cut() {
	if s := c.session.Load(); s != nil {
		s.fail(ErrCut)
	}
}

// Hold is a network that is away for so long: until then, attempts to reconnect fail at
// once, without a call to Failed, and the delays between them grow as they would.
func (c *Client) Hold(d time.Duration) { c.held.Store(time.Now().Add(d).UnixNano()) }
