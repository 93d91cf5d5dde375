package engineio

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// upgrading is a session whose WebSocket has been probed: the next thing is "5".
func (p *poller) probe() *socket {
	p.t.Helper()
	c := p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID())
	c.peer = p.peer
	c.text("2probe")
	c.expectText("3probe")
	return c
}

func TestUpgradeMovesTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		pending := p.later()
		synctest.Wait()
		c := p.probe()
		(<-pending).expect(t, http.StatusOK, "6") // so that the client can pause polling
		if got := p.peer.Transport(); got != Polling {
			t.Errorf("transport is %v before the upgrade packet", got)
		}
		_ = p.peer.Send(NewText([]byte("waits")))
		c.text("5")
		c.expectText("4waits")
		if got := p.peer.Transport(); got != WebSocket {
			t.Errorf("transport is %v", got)
		}
		c.text("4up")
		if got := p.peer.next(); got != "up" {
			t.Errorf("received %q", got)
		}
		p.poll().expect(t, http.StatusBadRequest, errRequest)
		p.post("4late").expect(t, http.StatusBadRequest, errRequest)
		p.peer.expectOpen()
		if s := p.server.Stats(); s.Upgrades != 1 || s.UpgradesFailed != 0 || s.Sessions[WebSocket] != 1 {
			t.Errorf("stats are %+v", s)
		}
		c.expectText("2") // the heartbeat goes on
	})
}

// What both sides send while a session upgrades arrives once and in order.
func TestUpgradeLosesNothing(t *testing.T) {
	const n = 2000
	w := newTCPWorld(t, Config{})
	p := w.openPolling()
	more := make(chan struct{}, n) // spreads what the server sends over the upgrade
	var server sync.WaitGroup
	defer server.Wait()
	defer close(more)
	server.Go(func() {
		for i := range n {
			if i%50 == 0 {
				<-more
			}
			if err := p.peer.Send(NewText([]byte(strconv.Itoa(i)))); err != nil {
				t.Errorf("Send: %v", err)
				return
			}
		}
	})
	next := 0
	took := func(packet string) {
		if packet == "6" || packet == "2" {
			return
		}
		if want := "4" + strconv.Itoa(next); packet != want {
			t.Fatalf("got %q, want %q", packet, want)
		}
		next++
	}
	sent := 0
	post := func() {
		body := fmt.Sprintf("4%d\x1e4%d", sent, sent+1)
		sent += 2
		p.post(body).expect(t, http.StatusOK, "ok")
	}
	poll := func() {
		more <- struct{}{}
		for packet := range strings.SplitSeq(p.poll().body, "\x1e") {
			took(packet)
		}
	}
	for range 3 {
		post()
		poll()
	}
	more <- struct{}{}
	c := p.probe()
	for range 3 { // as a client that finishes what it has begun
		post()
		poll()
	}
	for range n / 50 {
		more <- struct{}{}
	}
	c.text("5")
	for ; sent < 100; sent++ {
		c.text("4" + strconv.Itoa(sent))
	}
	for next < n {
		took(c.readText())
	}
	for i := range 100 {
		if got := p.peer.next(); got != strconv.Itoa(i) {
			t.Fatalf("received %q, want %d", got, i)
		}
	}
}

func TestFailedUpgradeLeavesThePollingSession(t *testing.T) {
	for name, fail := range map[string]func(p *poller){
		"closed before the probe": func(p *poller) { _ = p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID()).conn.Close() },
		"closed after the probe":  func(p *poller) { _ = p.probe().conn.Close() },
		"silent":                  func(p *poller) { p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID()).expectClose(noClose) },
		"silent after the probe":  func(p *poller) { p.expectOnlyClose(p.probe()) },
		"message before the probe": func(p *poller) {
			c := p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID())
			c.text("4x")
			c.expectClose(noClose)
		},
		"message after the probe": func(p *poller) { c := p.probe(); c.text("4x"); p.expectOnlyClose(c) },
		"upgrade, no probe": func(p *poller) {
			c := p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID())
			c.text("5")
			c.expectClose(noClose)
		},
		"other probe": func(p *poller) {
			c := p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID())
			c.text("2")
			c.expectClose(noClose)
		},
		"binary":       func(p *poller) { c := p.probe(); c.write(clientFrame(0x82, "5")); p.expectOnlyClose(c) },
		"broken frame": func(p *poller) { c := p.probe(); c.write(clientFrame(0x83, "")); c.expectClose(1002) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, p *poller) {
				start := time.Now()
				fail(p)
				synctest.Wait()
				if strings.HasPrefix(name, "silent") {
					at(t, start, 10*time.Second, "upgrade timeout")
				}
				p.peer.expectOpen()
				_ = p.peer.Send(NewText([]byte("a")))
				p.poll().expect(t, http.StatusOK, "4a")
				p.post("4b").expect(t, http.StatusOK, "ok")
				if got := p.peer.next(); got != "b" || len(p.peer.messages) != 0 {
					t.Errorf("received %q and %d more", got, len(p.peer.messages))
				}
				if got := p.server.Stats().UpgradesFailed; got != 1 {
					t.Errorf("%d failed upgrades were counted", got)
				}
				c := p.probe() // and it may try again
				c.text("5")
				c.text("4c")
				if got := p.peer.next(); got != "c" {
					t.Errorf("received %q", got)
				}
			})
		})
	}
}

func (p *poller) expectOnlyClose(c *socket) {
	p.t.Helper()
	if f, err := c.read(); err == nil {
		p.t.Errorf("read %+v", f)
	}
}

func TestUpgradeWaitsForAPostInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		let := make(chan struct{})
		w.onMessage = func(_ *peer, data string) {
			if data == "first" {
				<-let
			}
		}
		p := w.openPolling()
		posted := make(chan answer, 1)
		go func() { posted <- p.post("4first\x1e4second") }()
		synctest.Wait()
		c := p.probe()
		c.text("5")
		go c.text("4third")
		synctest.Wait()
		if len(p.peer.messages) != 0 || p.peer.Transport() != Polling {
			t.Error("the WebSocket overtook the POST")
		}
		close(let)
		(<-posted).expect(t, http.StatusOK, "ok")
		for _, want := range []string{"first", "second", "third"} {
			if got := p.peer.next(); got != want {
				t.Errorf("received %q, want %q", got, want)
			}
		}
	})
}

// What becomes of the old transport's requests is not the WebSocket's business.
func TestAbortedRequestsDoNotEndAnUpgradedSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		post := p.slowPost(10, "4a")
		c := p.probe()
		c.text("5")
		synctest.Wait()
		_ = post.Close()
		synctest.Wait()
		p.peer.expectOpen()
		p.peer.pollFailed(newPoll()) // as of a GET that is cut off at the switch
		c.text("4b")
		if got := p.peer.next(); got != "b" || len(p.peer.messages) != 0 {
			t.Errorf("received %q and %d more", got, len(p.peer.messages))
		}
	})
}

func TestSecondWebSocketIsClosed(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		first := p.probe()
		p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID()).expectClose(noClose) // while it upgrades
		first.text("5")
		synctest.Wait()
		p.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID()).expectClose(noClose) // and after
		first.text("4a")
		if got := p.peer.next(); got != "a" {
			t.Errorf("received %q", got)
		}
	})
}

func TestWebSocketForASessionBornOnOneIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		c := w.openWebSocket()
		_, resp := w.handshake(webSocketQuery+"&sid="+c.peer.ID(), "", "")
		b, _ := io.ReadAll(resp.Body)
		answer{status: resp.StatusCode, body: string(b)}.expect(t, http.StatusBadRequest, "Bad request")
		c.text("4a")
		if got := c.peer.next(); got != "a" {
			t.Errorf("received %q", got)
		}
	})
}

func TestCloseDuringUpgradeClosesBoth(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		c := p.probe()
		p.peer.Close(ReasonForcedClose)
		p.expectOnlyClose(c)
		p.poll().expect(t, http.StatusOK, "6\x1e1")
		p.peer.expectEnd(ReasonForcedClose)
		p.gone()
	})
}
