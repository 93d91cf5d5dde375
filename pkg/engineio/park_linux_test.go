package engineio

import (
	"net"
	"runtime"
	"testing"
)

// parkedAre waits until exactly n connections have no reader.
func (w *world) parkedAre(n int) {
	w.t.Helper()
	until(w.t, "the silent connections are parked", func() bool { return w.server.Stats().Parked == n })
}

func TestSilentConnectionParksAndWakes(t *testing.T) {
	t.Parallel()
	w := newTCPWorld(t, Config{})
	c := w.openWebSocket()
	for range 2 { // the second time by another way (EPOLL_CTL_MOD)
		w.parkedAre(1)
		c.text("4up")
		if got := c.peer.next(); got != "up" {
			t.Errorf("received %q", got)
		}
	}
	w.parkedAre(1)
	for range 100 { // busy: keeps its reader, until it has been silent for a while
		c.text("4busy")
		c.peer.next()
	}
	w.parkedAre(1)
	_ = c.peer.Send(NewText([]byte("down"))) // needs no reader
	c.expectText("4down")
	if n := w.server.Stats().Parked; n != 1 {
		t.Errorf("%d parked connections after a Send", n)
	}
}

func TestParkedConnectionCloses(t *testing.T) {
	for name, row := range map[string]struct {
		close  func(c *socket)
		reason Reason
	}{
		"by the server":       {func(c *socket) { c.peer.Close(ReasonForcedClose) }, ReasonForcedClose},
		"by the server, hard": {func(c *socket) { c.peer.fail(ReasonPingTimeout) }, ReasonPingTimeout},
		"by a close frame":    {func(c *socket) { c.write(clientFrame(0x88, "\x03\xe8")) }, ReasonTransportClose},
		"by FIN":              {func(c *socket) { _ = c.conn.Close() }, ReasonTransportClose},
		"by RST":              {func(c *socket) { _ = c.conn.(*net.TCPConn).SetLinger(0); _ = c.conn.Close() }, ReasonTransportError},
		"by half a close":     {func(c *socket) { _ = c.conn.(*net.TCPConn).CloseWrite() }, ReasonTransportClose},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTCPWorld(t, Config{})
			c := w.openWebSocket()
			w.parkedAre(1)
			row.close(c)
			c.peer.expectEnd(row.reason)
			_ = c.conn.Close()
			until(t, "the session has gone", func() bool { return w.server.count() == 0 })
			w.parkedAre(0)
			until(t, "its place is free", func() bool {
				p := w.server.parking
				p.mu.Lock()
				defer p.mu.Unlock()
				return len(p.free) == len(p.slots)-1
			})
		})
	}
}

func TestParkedConnectionsHaveNoGoroutines(t *testing.T) {
	const n = 1000
	w := newTCPWorld(t, Config{})
	before := runtime.NumGoroutine()
	clients := make([]*socket, n)
	for i := range clients {
		clients[i] = w.openWebSocket()
	}
	w.parkedAre(n)
	until(t, "their goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+5 })
	for i, c := range clients {
		c.text("4" + string(rune('a'+i%26)))
	}
	for i, c := range clients { // each woke its own
		if got := c.peer.next(); got != string(rune('a'+i%26)) {
			t.Fatalf("connection %d received %q", i, got)
		}
	}
}

// Places of connections that have gone are given away again, and events that were meant
// for their earlier holders wake nobody.
func TestParkingPlacesAreReused(t *testing.T) {
	t.Parallel()
	w := newTCPWorld(t, Config{})
	var first [10]*socket
	for i := range first {
		first[i] = w.openWebSocket()
	}
	w.parkedAre(len(first))
	type place struct{ index, gen int32 }
	var held []place
	for _, c := range first {
		s := c.peer.conn.parkSlot
		held = append(held, place{s.index, s.gen})
		c.peer.fail(ReasonForcedClose)
	}
	w.parkedAre(0)
	for range first {
		w.openWebSocket()
	}
	w.parkedAre(len(first))
	p := w.server.parking
	if n := len(p.slots); n != len(first)+1 {
		t.Errorf("%d slots for %d connections", n-1, len(first))
	}
	for _, h := range held {
		if c := p.take(h.index, h.gen); c != nil {
			t.Errorf("a stale event of place %d wakes its new holder", h.index)
		}
	}
}

func TestNobodyParksAfterStop(t *testing.T) {
	t.Parallel()
	w := newTCPWorld(t, Config{})
	c := w.openWebSocket()
	w.parkedAre(1)
	conn := c.peer.conn
	w.shut()
	if conn.park() || conn.server.parking.state != parkStopped {
		t.Error("a connection parked with a server that has ended")
	}
}

// settle waits until n connections are idle.
func settle(w *world, n int) { w.parkedAre(n) }
