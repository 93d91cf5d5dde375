package engineio

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pong that is handed on while its session ends must not undo the closing wait: that
// session would never leave the map.
func TestPongDuringCloseDoesNotKeepTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		p := w.openPolling()
		p.peer.beat.Store(beatPong)
		p.peer.Close(ReasonForcedClose)
		p.peer.receive(packet{kind: packetPong})
		time.Sleep(pollLinger + time.Nanosecond)
		synctest.Wait()
		if n := w.server.count(); n != 0 {
			t.Errorf("%d sessions after the closing wait", n)
		}
	})
}

func TestCloseFlushesWhatWaits(t *testing.T) {
	flushes := func(t *testing.T, w *world) {
		c := w.openWebSocket()
		big := repeat("x", 100_000)
		for range 5 {
			if err := c.peer.Send(NewText([]byte(big)), NewText([]byte("small"))); err != nil {
				t.Fatal(err)
			}
		}
		c.peer.Close(ReasonForcedClose)
		if err := c.peer.Send(NewText(nil)); !errors.Is(err, ErrClosed) {
			t.Errorf("Send after Close: %v", err)
		}
		for range 5 {
			c.expectText("4" + big)
			c.expectText("4small")
		}
		c.expectClose(noCode)
		c.peer.expectEnd(ReasonForcedClose)
	}
	t.Run("tcp", func(t *testing.T) { flushes(t, newTCPWorld(t, Config{})) })
	t.Run("pipe", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { flushes(t, newPipeWorld(t, Config{})) })
	})
}

// A worker may be writing the answer to a client's close frame at the moment that the
// reader closes the session: the answer must come out before the FIN.
func TestCloseFrameIsAlwaysAnswered(t *testing.T) {
	w := newTCPWorld(t, Config{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 50 {
				c := w.dialWebSocket(webSocketQuery)
				c.readText()
				c.write(clientFrame(0x88, "\x03\xe8"))
				if got := c.closeCode(); got != 1000 {
					t.Errorf("close frame answered with %d", got)
				}
				_ = c.conn.Close()
			}
		})
	}
	clients.Wait()
}

// A silent client has peerLinger to say goodbye, and then goes.
func TestCloseGivesUpOnASilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		c := w.openWebSocket()
		c.peer.Close(ReasonForcedClose)
		c.peer.expectEnd(ReasonForcedClose) // at once
		begin := time.Now()
		if got := c.closeCode(); got != noCode {
			t.Errorf("closed with %d", got)
		}
		if d := time.Since(begin); d != peerLinger {
			t.Errorf("connection ended after %v, want %v", d, peerLinger)
		}
		synctest.Wait()
		if n := w.server.count(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
		if len(c.peer.closed) != 0 {
			t.Error("Closed was called twice")
		}
	})
}

// Ending a TLS session must not wait for a client that reads nothing: the clock does it
// for all sessions.
func TestTLSGoodbyeDoesNotDelayTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		server, client := tlsConfigs(t)
		w := newWorld(t, Config{PingInterval: time.Second, PingTimeout: time.Second},
			tlsListener{l, server}, func() net.Conn { return tlsClient(l.dial(), client) })
		var clients [2]*socket
		for i := range clients {
			clients[i] = w.openWebSocket()
		}
		opened := time.Now()
		for _, c := range clients {
			c.expectText("2") // and never reads again
		}
		for _, c := range clients {
			c.peer.expectEnd(ReasonPingTimeout)
		}
		if d := time.Since(opened); d != 2*time.Second {
			t.Errorf("both sessions have ended after %v, want 2s", d)
		}
	})
}

func TestCloseWithExpiredContextDiscardsAndWaits(t *testing.T) {
	w := newTCPWorld(t, Config{})
	c := w.openWebSocket()
	p := w.openPolling()
	pending := p.later()
	until(t, "the GET is pending", func() bool { p.peer.mu.Lock(); defer p.peer.mu.Unlock(); return p.peer.poll.waiting != nil })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.server.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	c.peer.expectEnd(ReasonShutdown)
	p.peer.expectEnd(ReasonShutdown)
	if a := receive(t, pending, "the pending GET"); a.status != 0 && a.body != "1" {
		t.Errorf("pending GET answered with %d %q", a.status, a.body)
	}
	c.closeCode() // fails if the connection stays
}

// A handshake that was let in before Close and is ready after it finds the server ended.
func TestHandshakeThatOutlivesCloseIsRefused(t *testing.T) {
	for name, query := range map[string]string{"polling": pollingQuery, "websocket": webSocketQuery} {
		t.Run(name, func(t *testing.T) {
			asked, let := make(chan struct{}), make(chan struct{})
			w := newTCPWorld(t, Config{AllowRequest: func(*http.Request) error { close(asked); <-let; return nil }})
			done := make(chan answer, 1)
			go func() {
				if strings.Contains(query, "websocket") {
					c, _ := w.handshake(query, "", "")
					done <- answer{status: c.closeCode()}
				} else {
					done <- w.get(query)
				}
			}()
			receive(t, asked, "the handshake")
			w.shut()
			close(let)
			if a := receive(t, done, "the answer"); a.status != http.StatusServiceUnavailable && a.status != noClose {
				t.Errorf("answer is %+v", a)
			}
			if n := w.server.count(); n != 0 {
				t.Errorf("%d sessions after Close", n)
			}
		})
	}
}

// Between the end of new sessions and the end of parking there is a moment in which a
// connection without a session must not park: nobody would close it.
func TestConnectionWithoutSessionDoesNotPark(t *testing.T) {
	w := newTCPWorld(t, Config{})
	w.server.mu.Lock()
	w.server.ended = true
	w.server.mu.Unlock()
	c := w.dialWebSocket(webSocketQuery)
	c.write(clientFrame(0x81, "4a"))
	c.expectClose(noClose)
	if n := w.server.Stats().Parked; n != 0 {
		t.Errorf("%d connections are parked", n)
	}
}

func TestCloseAndDrainMayWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		w.openPolling()
		var waiting sync.WaitGroup
		for range 3 {
			waiting.Go(func() {
				if err := w.server.Drain(t.Context(), 0); err != nil {
					t.Errorf("Drain: %v", err)
				}
			})
		}
		waiting.Wait()
	})
}
