package engineio

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var beats = Config{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second}

// at checks the time since the bubble's test began.
func at(t *testing.T, start time.Time, want time.Duration, what string) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("%s at %v, want %v", what, got, want)
	}
}

func TestWebSocketHeartbeatIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPipeWorld(t, beats).openWebSocket()
		start := time.Now()
		c.expectText("2")
		at(t, start, 25*time.Second, "first ping")
		time.Sleep(19 * time.Second)
		c.text("3")
		c.expectText("2")
		at(t, start, 69*time.Second, "second ping: 25 s after the pong")
		if got := <-c.peer.closed; got != ReasonPingTimeout {
			t.Errorf("ended with %q", got)
		}
		at(t, start, 89*time.Second, "ping timeout")
		c.expectClose(noClose)
	})
}

func TestPollingHeartbeatIsExact(t *testing.T) {
	inBubble(t, beats, func(t *testing.T, p *poller) {
		start := time.Now()
		p.poll().expect(t, http.StatusOK, "2")
		at(t, start, 25*time.Second, "first ping")
		time.Sleep(19 * time.Second)
		p.post("3").expect(t, http.StatusOK, "ok")
		p.poll().expect(t, http.StatusOK, "2")
		at(t, start, 69*time.Second, "second ping")
		p.poll().expect(t, http.StatusOK, "1")
		at(t, start, 89*time.Second, "ping timeout")
		p.peer.expectEnd(ReasonPingTimeout)
		p.gone()
	})
}

func TestSilentPollingClientTimesOut(t *testing.T) {
	inBubble(t, beats, func(t *testing.T, p *poller) {
		start := time.Now()
		<-p.peer.closed
		at(t, start, 45*time.Second, "ping timeout without any GET")
		p.gone()
	})
}

func TestSurplusPongsChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPipeWorld(t, beats).openWebSocket()
		start := time.Now()
		time.Sleep(24 * time.Second)
		for range 1000 {
			c.text("3")
		}
		c.expectText("2")
		at(t, start, 25*time.Second, "ping") // not put off for ever
		c.text("3")
		c.text("3")
		c.expectText("2")
		at(t, start, 50*time.Second, "second ping")
	})
}

// Bytes that are no message, and WebSocket pongs, are no life.
func TestOnlyPongsKeepASessionAlive(t *testing.T) {
	for name, raw := range map[string]string{
		"WebSocket pongs":  clientFrame(0x8a, ""),
		"noop packets":     clientFrame(0x81, "6"),
		"messages":         clientFrame(0x81, "4a"),
		"unended fragment": clientFrame(0x00, "x"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newPipeWorld(t, beats).openWebSocket()
				start := time.Now()
				if name == "unended fragment" {
					c.write(clientFrame(0x01, "4"))
				}
				done := make(chan struct{})
				var running sync.WaitGroup
				running.Go(func() {
					for tick := time.NewTicker(time.Second); ; {
						select {
						case <-tick.C:
							c.write(raw)
						case <-done:
							tick.Stop()
							return
						}
					}
				})
				running.Go(func() { c.closeCode() }) // reads what comes
				if got := <-c.peer.closed; got != ReasonPingTimeout {
					t.Errorf("ended with %q", got)
				}
				// The first message after the ping puts the end off, as a pong may be stuck
				// behind an upload.
				if d := time.Since(start); d != 45*time.Second && (name != "messages" || d != 46*time.Second) {
					t.Errorf("ended after %v", d)
				}
				close(done)
				running.Wait()
			})
		})
	}
}

func TestUploadRefreshesThePongOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPipeWorld(t, beats).openWebSocket()
		start := time.Now()
		c.expectText("2")
		time.Sleep(15 * time.Second)
		c.text("4a") // at 40 s: until 60 s now
		time.Sleep(15 * time.Second)
		c.text("4b") // at 55 s: no more
		<-c.peer.closed
		at(t, start, 60*time.Second, "ping timeout")
	})
}

func TestClientPingIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPipeWorld(t, beats).openWebSocket()
		c.text("2")
		c.peer.expectEnd(ReasonTransportError)
		c.expectClose(noClose, noCode)
	})
}
