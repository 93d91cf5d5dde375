package engineio

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// However late it is: behind a balancer it may have been held up on another node.
func TestGetThatItsClosingPostHasOvertakenIsAnswered(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		began := time.Now()
		p.post("1").expect(t, http.StatusOK, "ok")
		p.peer.expectEnd(ReasonTransportClose)
		if d := time.Since(began); d != 0 {
			t.Errorf("the POST was answered after %v", d)
		}
		time.Sleep(lateTime)
		p.poll().expect(t, http.StatusOK, "6")
		p.expectRejected(rejectSession, 0)
		p.gone()
	})
}

// Both arrive at the same time, in any order.
func TestGetBesideItsClosingPostIsAnswered(t *testing.T) {
	w := newTCPWorld(t, Config{})
	for range 300 {
		p := w.openPolling()
		pending := p.later()
		p.post("1").expect(t, http.StatusOK, "ok")
		receive(t, pending, "the GET").expect(t, http.StatusOK, "6")
		p.peer.expectEnd(ReasonTransportClose)
		p.poll().expect(t, http.StatusBadRequest, errSession)
	}
}

// The client went before its WebSocket was there.
func TestWebSocketThatItsClosingPostHasOvertakenIsClosed(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		query := webSocketQuery + "&sid=" + p.peer.ID()
		p.post("1").expect(t, http.StatusOK, "ok")
		p.peer.expectEnd(ReasonTransportClose)
		time.Sleep(lateTime)
		p.dialWebSocket(query).expectClose(noClose)
		p.expectRejected(rejectSession, 0)
		if n := p.server.Stats().UpgradesFailed; n != 1 {
			t.Errorf("%d upgrades failed, want 1", n)
		}
		p.refused(query)
		p.poll().expect(t, http.StatusOK, "6") // is still under way
		p.gone()
	})
}

// The client closes between the look-up of the session and the answer.
func TestWebSocketBesideItsClosingPostIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *poller
		w := newPipeWorld(t, Config{Headers: func(_ http.Header, r *http.Request, _ bool) {
			if r.Header.Get("Upgrade") != "" {
				p.post("1").expect(t, http.StatusOK, "ok")
			}
		}})
		p = w.openPolling()
		query := webSocketQuery + "&sid=" + p.peer.ID()
		p.dialWebSocket(query).expectClose(noClose)
		p.peer.expectEnd(ReasonTransportClose)
		p.expectRejected(rejectMismatch, 0)
		if n := w.server.Stats().UpgradesFailed; n != 1 {
			t.Errorf("%d upgrades failed, want 1", n)
		}
		p.refused(query)
	})
}

// refused checks that the session of a WebSocket is unknown.
func (p *poller) refused(query string) {
	p.t.Helper()
	if _, resp := p.handshake(query, "", ""); resp.StatusCode != http.StatusBadRequest {
		p.t.Errorf("WebSocket answered with %d", resp.StatusCode)
	}
}

func TestOnlyWhatMayBeUnderWayIsAnsweredLate(t *testing.T) {
	for name, row := range map[string]struct {
		begin func(p *poller) // before the client closes
		check func(t *testing.T, p *poller)
	}{
		"a GET, as one was pending": {
			func(p *poller) { p.later(); synctest.Wait() },
			func(t *testing.T, p *poller) { p.poll().expect(t, http.StatusBadRequest, errSession) },
		},
		"a WebSocket, as one was probed": {
			func(p *poller) { p.probe() },
			func(_ *testing.T, p *poller) { p.refused(webSocketQuery + "&sid=" + p.peer.ID()) },
		},
		"a POST": {nil, func(t *testing.T, p *poller) { p.post("4a").expect(t, http.StatusBadRequest, errSession) }},
		"a GET of another protocol": {nil, func(t *testing.T, p *poller) {
			p.get("EIO=3&transport=polling&sid="+p.peer.ID()).expect(t, http.StatusBadRequest, errSession)
		}},
		"a GET as WebSocket": {nil, func(t *testing.T, p *poller) {
			p.get(webSocketQuery+"&sid="+p.peer.ID()).expect(t, http.StatusBadRequest, errSession)
		}},
		"anything too late": {nil, func(t *testing.T, p *poller) {
			time.Sleep(lateTime + time.Nanosecond)
			p.poll().expect(t, http.StatusBadRequest, errSession)
			p.refused(webSocketQuery + "&sid=" + p.peer.ID())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, p *poller) {
				if row.begin != nil {
					row.begin(p)
				}
				p.post("1").expect(t, http.StatusOK, "ok")
				p.peer.expectEnd(ReasonTransportClose)
				row.check(t, p)
				if n := len(p.peer.messages); n != 0 {
					t.Errorf("%d messages were delivered", n)
				}
			})
		})
	}
}

func TestDeparturesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d departures
		for i := range maxDepartures + 2 {
			d.add(strconv.Itoa(i), lateGet)
		}
		if len(d.order) != maxDepartures || len(d.expected) != maxDepartures {
			t.Errorf("%d sessions in order, %d expected; want %d", len(d.order), len(d.expected), maxDepartures)
		}
		if d.take("1", lateGet) || !d.take("2", lateGet) {
			t.Error("others than the oldest were forgotten")
		}
		time.Sleep(lateTime + time.Nanosecond)
		d.add("new", lateGet)
		if len(d.order) != 1 || len(d.expected) != 1 {
			t.Errorf("%d sessions in order, %d expected after their time", len(d.order), len(d.expected))
		}
		if !d.take("new", lateGet) || d.take("new", lateGet) || d.take("3", lateGet) {
			t.Error("not what is expected was taken")
		}
	})
}
