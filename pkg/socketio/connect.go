package socketio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// connect handles a CONNECT packet (protocol.md 2.2). Where nothing can block,
// the socket is connected before it returns; otherwise a goroutine of the
// connection's goes on.
func (c *conn) connect(p packet) {
	if !c.reserve(p.namespace) {
		return
	}
	auth := bytes.Clone(p.data)
	n := c.server.enterOpen(p.namespace)
	if n == nil || !n.isOpen() || len(n.middlewares()) > 0 || c.server.privateRooms || n.recovery != nil {
		go c.negotiate(n, p.namespace, auth)
		return
	}
	s := newSocket(n, c, auth)
	s.forgetAuth()
	c.admit(s)
}

// reserve notes that a namespace is being joined, if it may be. It waits for
// space in the inbox, where the new socket will need it.
func (c *conn) reserve(namespace string) bool {
	c.mu.Lock()
	if !c.awaitSpace() {
		c.mu.Unlock()
		return false
	}
	known, count := c.find(namespace) != nil, 0
	for s := c.sockets; s != nil; s = s.next {
		count++
	}
	for j := c.joining; j != nil; j = j.next {
		known = known || j.namespace == namespace
		count++
	}
	full := count >= c.server.cfg.MaxNamespaces
	if !known && !full {
		c.joining = &joining{c.joining, namespace}
	}
	c.mu.Unlock()
	switch {
	case known:
		c.refuse(ReasonForcedServer, errJoinedAlready)
	case full:
		c.server.counters.rejected.Add(1)
		c.server.counters.namespacesRefused.Add(1)
		c.sendConnectError(namespace, errNamespacesFull)
	}
	return !known && !full
}

// joining is a namespace that a connection is about to join.
type joining struct {
	next      *joining
	namespace string
}

// unreserve needs mu.
func (c *conn) unreserve(namespace string) {
	at := &c.joining
	for *at != nil && (*at).namespace != namespace {
		at = &(*at).next
	}
	if *at != nil {
		*at = (*at).next
	}
}

// negotiate finds the namespace, if n is nil, and asks its middlewares. The server
// waits for it: a connection is not finished while it joins.
func (c *conn) negotiate(n *Namespace, namespace string, auth json.RawMessage) {
	defer c.checkFinished()
	n, err := c.findNamespace(n, namespace, auth)
	if err != nil {
		c.reject(nil, namespace, err)
		return
	}
	if n.recovery != nil && c.comeBack(n, auth) {
		return
	}
	s := newSocket(n, c, auth)
	ctx, cancel := c.patience(n)
	defer cancel()
	switch err := c.prepare(ctx, s); {
	case err != nil && n.recovery != nil && n.recovery.putsOff(err):
		c.putOff(n, s)
	case err != nil:
		c.reject(s, namespace, err)
	case n.recovery != nil:
		c.begin(ctx, s)
	default:
		c.admit(s)
	}
}

var (
	errInvalidNamespace = &ConnectError{Message: "Invalid namespace"}
	errNamespacesFull   = &ConnectError{Message: "Too many namespaces", Data: map[string]string{"code": "limit"}}
	errUnavailable      = &ConnectError{Message: "Namespace unavailable"}
	errInternal         = &ConnectError{Message: "Internal server error"}
	errRefusedOften     = errors.New("refused too often")
)

// findNamespace returns n, or the one that the client asks for.
func (c *conn) findNamespace(n *Namespace, name string, auth json.RawMessage) (_ *Namespace, err error) {
	if n != nil {
		return n, nil
	}
	defer c.catch(name, &err)
	return c.server.enter(name, auth)
}

// patience bounds how long a socket may wait for the adapter. Where that is nothing to wait
// for, no timer is started: it would be much of what a connect leaves behind.
func (c *conn) patience(n *Namespace) (context.Context, context.CancelFunc) {
	if n.recovery == nil && n.isOpen() && !c.server.privateRooms {
		return c.server.opening, func() {}
	}
	return context.WithTimeout(c.server.opening, c.server.cfg.ConnectTimeout)
}

// catch has a panic of the program's end the connection; deferred.
func (c *conn) catch(namespace string, err *error) {
	if v := recover(); v != nil {
		c.panicked(namespace, "", "connect", v)
		*err = errInternal
	}
}

// prepare returns nil if the socket may be admitted, and otherwise why it may not.
func (c *conn) prepare(ctx context.Context, s *Socket) (err error) {
	n := s.ns
	defer c.catch(n.name, &err)
	if err := c.server.openLink(ctx, n); err != nil {
		c.server.cfg.Logger.Warn("adapter refused namespace", "namespace", n.name, "error", err)
		return errUnavailable
	}
	if c.server.privateRooms {
		if err := c.server.openLink(ctx, n.rooms.joinOwn(s)); err != nil {
			c.server.cfg.Logger.Warn("adapter refused a socket's own room", "namespace", n.name, "error", err)
			return errUnavailable
		}
	}
	for _, middleware := range n.middlewares() {
		if err := middleware(s); err != nil {
			return err
		}
	}
	s.forgetAuth()
	return nil
}

// forgetAuth is called before anybody else can see the socket.
func (s *Socket) forgetAuth() {
	if s.ns.server.cfg.ForgetAuth {
		s.handshake.auth = nil
	}
}

func (n *Namespace) middlewares() []func(*Socket) error {
	return hooked(n, func(h *hooks) []func(*Socket) error { return h.use })
}

// admit connects a socket. If the client has gone meanwhile, nobody is told.
func (c *conn) admit(s *Socket) {
	if !c.connected(s, `{"sid":"`+s.id+`"}`, nil) {
		s.abandon()
	}
}

// connected sends what the client has missed, and the CONNECT packet, and reports whether
// the client was there. The barrier keeps everything else that is sent to the socket behind.
func (c *conn) connected(s *Socket, greeting string, missed []*engineio.Message) bool {
	batch := packetMessages(kindConnect, s.ns.name, -1, []byte(greeting), nil)
	if len(missed) > 0 {
		batch = slices.Concat(missed, batch)
	}
	s.ns.inFlight.Lock()
	defer s.ns.inFlight.Unlock()
	if !c.adopt(s) {
		return false
	}
	s.ns.rooms.add(s)
	_ = c.session.Send(batch...) // a session that has ended says so by Closed
	s.state.CompareAndSwap(stateConnecting, stateConnected)
	c.server.counters.connected.Add(1)
	return true
}

// adopt makes s one of the connection's sockets, whose packets are taken from now on.
func (c *conn) adopt(s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unreserve(s.ns.name)
	if c.closing {
		return false
	}
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	s.next = c.sockets
	c.sockets = s
	c.enqueue(&job{kind: jobOpen, event: Event{socket: s}})
	return true
}

// reject tells the client why it may not join.
func (c *conn) reject(s *Socket, namespace string, err error) {
	if s != nil {
		s.abandon()
	}
	c.server.counters.rejected.Add(1)
	if errors.Is(err, errNamespacesFull) {
		c.server.counters.namespacesRefused.Add(1)
	}
	c.mu.Lock()
	c.unreserve(namespace)
	c.refusals++
	enough := int(c.refusals) >= c.server.cfg.MaxRefusals
	c.mu.Unlock()
	c.sendConnectError(namespace, err) // goes nowhere if the client has gone
	if enough {
		c.refuse(ReasonForcedServer, errRefusedOften)
	}
}

// abandon drops a socket that was never connected.
func (s *Socket) abandon() {
	s.state.Store(stateKicked)
	s.stopOverhearing()
	s.leaveAll()
	s.release(false)
	s.ns.server.leave(s.ns)
}

// sendConnectError sends {"message", "data"}, as the reference does.
func (c *conn) sendConnectError(namespace string, err error) {
	payload := struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{Message: err.Error()}
	if refused := (*ConnectError)(nil); errors.As(err, &refused) {
		payload.Data = refused.Data
	}
	data, jsonErr := json.Marshal(payload)
	if jsonErr != nil {
		c.server.cfg.Logger.Error("connect error has no JSON", "namespace", namespace, "error", jsonErr)
		data = []byte(`{"message":"Internal server error"}`)
	}
	_ = c.session.Send(packetMessages(kindConnectError, namespace, -1, data, nil)...)
}

// armConnectTimer closes the connection if it joins nothing in time.
func (c *conn) armConnectTimer(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(d, func() { c.refuse(ReasonForcedServer, errNothingJoined) })
}

var _ engineio.Receiver = (*conn)(nil)
