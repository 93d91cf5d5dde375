package socketio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	if n == nil || !n.isOpen() || len(n.middlewares()) > 0 || c.server.privateRooms {
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
	s, err := c.ask(n, namespace, auth)
	if err == nil {
		c.admit(s)
	} else {
		c.reject(s, namespace, err)
	}
	c.checkFinished()
}

var (
	errInvalidNamespace = &ConnectError{Message: "Invalid namespace"}
	errNamespacesFull   = &ConnectError{Message: "Too many namespaces", Data: map[string]string{"code": "limit"}}
	errUnavailable      = &ConnectError{Message: "Namespace unavailable"}
	errInternal         = &ConnectError{Message: "Internal server error"}
	errRefusedOften     = errors.New("refused too often")
)

// ask returns a socket that may be admitted, or why it may not. The socket is nil
// if there is no namespace for it.
func (c *conn) ask(n *Namespace, namespace string, auth json.RawMessage) (s *Socket, err error) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(namespace, "", "connect", v)
			err = errInternal
		}
	}()
	if n == nil {
		if n, err = c.server.enter(namespace, auth); err != nil {
			return nil, err
		}
	}
	s = newSocket(n, c, auth)
	if err := s.subscribe(); err != nil {
		return s, err
	}
	for _, middleware := range n.middlewares() {
		if err := middleware(s); err != nil {
			return s, err
		}
	}
	s.forgetAuth()
	return s, nil
}

// subscribe waits until the adapter hears what other nodes send to the socket. Where that
// is nothing to wait for, no timer is started: it would be much of what a connect leaves
// behind.
func (s *Socket) subscribe() error {
	n, server := s.ns, s.ns.server
	if n.isOpen() && !server.privateRooms {
		return nil
	}
	ctx, cancel := context.WithTimeout(server.opening, server.cfg.ConnectTimeout)
	defer cancel()
	if err := server.openLink(ctx, n); err != nil {
		server.cfg.Logger.Warn("adapter refused namespace", "namespace", n.name, "error", err)
		return errUnavailable
	}
	if !server.privateRooms {
		return nil
	}
	if err := server.openLink(ctx, n.rooms.joinOwn(s)); err != nil {
		server.cfg.Logger.Warn("adapter refused a socket's own room", "namespace", n.name, "error", err)
		return errUnavailable
	}
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

// admit connects a socket. The barrier keeps everything that is sent to the
// socket behind its CONNECT packet. If the client has gone meanwhile, nobody is
// told.
func (c *conn) admit(s *Socket) {
	reply := packetMessages(kindConnect, s.ns.name, -1, []byte(`{"sid":"`+s.id+`"}`), nil)
	s.ns.inFlight.Lock()
	ok := c.adopt(s)
	if ok {
		s.ns.rooms.add(s)
		_ = c.session.Send(reply...) // a session that has ended says so by Closed
		s.state.CompareAndSwap(stateConnecting, stateConnected)
	}
	s.ns.inFlight.Unlock()
	if ok {
		c.server.counters.connected.Add(1)
		return
	}
	s.abandon()
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
