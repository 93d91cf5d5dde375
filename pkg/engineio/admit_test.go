package engineio

import (
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// expectPutOff checks the answers to a handshake on both transports.
func (w *world) expectPutOff(status int, retryAfter func(seconds int) bool) {
	w.t.Helper()
	polling := w.get(pollingQuery)
	_, webSocket := w.handshake(webSocketQuery, "", "")
	for name, got := range map[string]answer{
		"polling":   polling,
		"WebSocket": {status: webSocket.StatusCode, header: webSocket.Header},
	} {
		seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
		if got.status != status || err != nil || !retryAfter(seconds) {
			w.t.Errorf("%s: %d, Retry-After %q", name, got.status, got.header.Get("Retry-After"))
		}
	}
}

func TestFullServerPutsOffUntilSomebodyLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{MaxSessions: 2, PingInterval: time.Hour})
		p, c := w.openPolling(), w.openWebSocket()
		w.expectPutOff(http.StatusServiceUnavailable, func(s int) bool { return s >= 1 && s <= 6 })
		w.expectRejected(rejectFull, 2)

		p.post("4a").expect(t, http.StatusOK, "ok") // who is in does not notice
		if got := p.peer.next(); got != "a" {
			t.Errorf("received %q", got)
		}
		up := p.probe() // an upgrade is no new session
		up.text("5")
		_ = c.peer.Send(NewText([]byte("b")))
		c.expectText("4b")

		c.peer.Close(ReasonForcedClose)
		c.peer.expectEnd(ReasonForcedClose)
		time.Sleep(time.Minute) // the transport's goodbye
		p2 := w.openPolling()
		w.expectPutOff(http.StatusServiceUnavailable, func(s int) bool { return s >= 1 && s <= 6 })
		p2.peer.fail(ReasonTransportError)
		w.openWebSocket()
	})
}

func TestFailedHandshakesLeaveNoPlaceTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{MaxSessions: 1})
		for range 5 {
			if a := w.get(webSocketQuery, "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Version: 7"); a.status == http.StatusSwitchingProtocols {
				t.Fatal("a broken handshake was accepted")
			}
			w.get(pollingQuery + "&sid=unknown")
		}
		w.openWebSocket()
		w.expectRejected(rejectFull, 0)
	})
}

func TestPlacesAreNeverMoreThanThereAre(t *testing.T) {
	const most, clients = 7, 60
	w := newTCPWorld(t, Config{MaxSessions: most})
	got := make(chan int, clients)
	for range clients {
		go func() { got <- w.get(pollingQuery).status }()
	}
	in := 0
	for range clients {
		switch status := receive(t, got, "an answer"); status {
		case http.StatusOK:
			in++
		case http.StatusServiceUnavailable:
		default:
			t.Errorf("answered with %d", status)
		}
	}
	if in != most {
		t.Errorf("%d got in, want %d", in, most)
	}
}

func TestAdmitIsAskedOncePerSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []netip.Addr
		var busy Busy
		w := newPipeWorld(t, Config{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
			Admit: func(client netip.Addr) Busy {
				asked = append(asked, client)
				return busy
			},
		})
		p := w.openPolling()
		p.post("4a").expect(t, http.StatusOK, "ok")
		up := p.probe()
		up.text("5")
		w.openWebSocket()
		if len(asked) != 2 || asked[0].IsValid() { // a pipe has no address
			t.Errorf("asked for %v", asked)
		}
		busy = Busy{Status: http.StatusTooManyRequests, RetryAfter: 1500 * time.Millisecond, Message: "later"}
		w.expectPutOff(http.StatusTooManyRequests, func(s int) bool { return s == 2 })
		w.get(pollingQuery).expect(t, http.StatusTooManyRequests, "later")
		busy.RetryAfter = 0
		w.expectPutOff(http.StatusTooManyRequests, func(s int) bool { return s == 1 })
	})
}

func TestAdmitSeesTheClientBehindTrustedProxies(t *testing.T) {
	asked := make(chan netip.Addr, 1)
	w := newTCPWorld(t, Config{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Admit:          func(client netip.Addr) Busy { asked <- client; return Busy{} },
	})
	w.get(pollingQuery, "X-Forwarded-For: 127.9.9.9, 2001:db8::7")
	if got := <-asked; got != netip.MustParseAddr("2001:db8::7") {
		t.Errorf("Admit was asked about %v", got)
	}
}
