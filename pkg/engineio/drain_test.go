package engineio

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefuseTurnsNewSessionsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		p := w.openPolling()
		w.server.Refuse()
		a := w.get(pollingQuery)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" {
			t.Errorf("polling: %d %v", a.status, a.header)
		}
		_, resp := w.handshake(webSocketQuery, "", "")
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("WebSocket: %d %v", resp.StatusCode, resp.Header)
		}
		w.expectRejected(rejectDraining, 2)
		p.post("4a").expect(t, http.StatusOK, "ok") // the present ones go on
		c := p.probe()
		c.text("5")
		c.text("4b")
		for _, want := range []string{"a", "b"} {
			if got := p.peer.next(); got != want {
				t.Errorf("received %q, want %q", got, want)
			}
		}
	})
}

func TestDrainClosesEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 20, 20 * time.Second
		w := newPipeWorld(t, Config{})
		start := time.Now()
		var mu sync.Mutex
		var closed []time.Duration
		var clients sync.WaitGroup
		for range n {
			c := w.openWebSocket()
			clients.Go(func() {
				if got := <-c.peer.closed; got != ReasonShutdown {
					t.Errorf("ended with %q", got)
				}
				mu.Lock()
				closed = append(closed, time.Since(start))
				mu.Unlock()
			})
			clients.Go(func() {
				if f, err := c.read(); err != nil || f.opcode != 8 { // and what was queued before it
					t.Errorf("read %+v, %v", f, err)
				}
				_ = c.conn.Close()
			})
		}
		synctest.Wait() // the last handshake is over, for the server as well
		if err := w.server.Drain(t.Context(), window); err != nil {
			t.Errorf("Drain: %v", err)
		}
		clients.Wait()
		slices.Sort(closed)
		for i, d := range closed {
			share := window / n
			if from := time.Duration(i) * share; d < from || d > from+share {
				t.Errorf("closing %d was after %v, want between %v and %v", i, d, from, from+share)
			}
		}
		if n := w.server.count(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

func TestDrainEndsWithItsContext(t *testing.T) {
	for name, window := range map[string]time.Duration{"between closings": time.Hour, "waiting for a goodbye": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newPipeWorld(t, Config{})
				w.openPolling() // its client asks for nothing: peerLinger
				w.openPolling()
				ctx, cancel := context.WithTimeout(t.Context(), peerLinger/2)
				defer cancel()
				start := time.Now()
				if err := w.server.Drain(ctx, window); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Drain: %v", err)
				}
				at(t, start, peerLinger/2, "end of Drain")
			})
		})
	}
}

func TestVanishedPollingClientDoesNotHoldUpTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		w.openPolling() // and never asks again
		start := time.Now()
		if err := w.server.Drain(context.Background(), 0); err != nil {
			t.Error(err)
		}
		at(t, start, peerLinger, "end of the drain")
	})
}

func TestCloseOfAnEmptyServerIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		for range 2 { // and may be repeated
			if err := w.server.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	})
}

func TestReceiverThatClosesInOnSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan Reason, 2)
		w := newPipeWorld(t, Config{OnSession: func(s *Session) Receiver {
			s.Close(ReasonForcedClose)
			return closedOnly(closed)
		}})
		a := w.get(pollingQuery)
		o := parseOpen(t, a.body)
		if got := <-closed; got != ReasonForcedClose || len(closed) != 0 {
			t.Errorf("closed with %q and %d more", got, len(closed))
		}
		w.get(pollingQuery+"&sid="+o.SID).expect(t, http.StatusOK, "6\x1e1")
		c := w.dialWebSocket(webSocketQuery)
		parseOpen(t, c.readText())
		c.expectClose(noCode)
	})
}

type closedOnly chan Reason

func (closedOnly) Message([]byte, bool) {}
func (c closedOnly) Closed(r Reason)    { c <- r }
