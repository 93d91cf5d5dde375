package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// expectClosed waits until the server has counted n sessions that ended for a reason.
func (s *server) expectClosed(t *testing.T, reason string, n float64) {
	t.Helper()
	eventually(t, patience, fmt.Sprintf("%v sessions to end by %s", n, reason), func() error {
		m := s.metrics()
		if got := m.sum("gateway_connections_closed_total", `reason="`+reason+`"`); got != n {
			return fmt.Errorf("%v have; all: %v", got, m.labelled("gateway_connections_closed_total"))
		}
		return nil
	})
}

// A connection whose other end has vanished without a word is ended by its
// heartbeat, is counted so, and leaves its room.
func TestHalfOpenConnectionEndsByPingTimeout(t *testing.T) {
	s := startGateway(t, quick...)
	baseline := s.gauges()
	proxy := startProxy(t, s.public)
	ws := joinedWS(t, proxy.address)
	ws.join("half-open")
	poll := joinedPoll(t, proxy.address)
	poll.expectAlive()
	proxy.expectConnections(t, 1) // those of single requests have ended
	proxy.freeze()
	s.expectClosed(t, "ping timeout", 2)
	s.expectGauges(t, baseline, patience)
}

// A client process that the machine has stopped is the same to the server. When
// it goes on it notices, and comes back.
func TestStoppedClientEndsByPingTimeoutAndComesBack(t *testing.T) {
	needNode(t)
	for _, kind := range kinds {
		t.Run(fmt.Sprintf("client %s.x %s", kind["client"], kind["transport"]), func(t *testing.T) {
			t.Parallel()
			s := startGateway(t, "--ping-interval", "300ms", "--ping-timeout", "700ms")
			script := startScript(t, "connectedUntilStopped", s.url(), kind)
			before := script.expect("connected").ID
			script.signal(syscall.SIGSTOP)
			s.expectClosed(t, "ping timeout", 1)
			script.signal(syscall.SIGCONT)
			if after := script.expect("reconnected").ID; after == before {
				t.Errorf("the same socket id after a new connection: %s", after)
			}
			script.expect("passed")
		})
	}
}

// kill -9 of a client: its connection and its membership end, and others go on.
func TestKilledClientIsForgotten(t *testing.T) {
	needNode(t)
	s := startGateway(t, quick...)
	other := joinedWS(t, s.public)
	other.join("killed")
	baseline := s.gauges()
	for _, kind := range kinds {
		t.Run(fmt.Sprintf("client %s.x %s", kind["client"], kind["transport"]), func(t *testing.T) {
			all := options{"room": "killed", "client": kind["client"], "transport": kind["transport"]}
			script := startScript(t, "connectedUntilStopped", s.url(), all)
			script.expect("connected")
			script.signal(syscall.SIGKILL)
			s.expectGauges(t, baseline, patience)
			other.expectAlive()
		})
	}
}

// A handler's panic ends the connection that it served, is counted and logged,
// and nothing else.
func TestHandlerPanicEndsOnlyItsConnection(t *testing.T) {
	s := startServer(t)
	bad, other := joinedWS(t, s.public), joinedWS(t, s.public)
	bad.send(`42["panic"]`)
	bad.expectClose(noCode, dropped)
	poll := joinedPoll(t, s.public)
	_, _ = poll.post(`42["panic"]`)
	poll.expectGone()
	other.expectAlive()
	if got := s.metrics().sum("gateway_handler_panics_total"); got != 2 {
		t.Errorf("%v panics counted, expected 2", got)
	}
}

// An RST at any step of an upgrade ends only the WebSocket: the polling session
// lives, and can upgrade later.
func TestResetDuringUpgradeKeepsThePollingSession(t *testing.T) {
	s := startGateway(t)
	baseline := s.gauges()
	request := func(sid string) string { return upgradeRequest(webSocketQuery + "&sid=" + sid) }
	steps := map[string]struct {
		sends   func(sid string) string
		answers int // bytes to wait for before the reset
	}{
		"before the request":        {func(string) string { return "" }, 0},
		"in the request":            {func(sid string) string { return request(sid)[:60] }, 0},
		"before the answer":         {request, 0},
		"after the answer":          {request, 1},
		"in the probe":              {func(sid string) string { return request(sid) + frame(textFrame, "2probe")[:4] }, 1},
		"before the probe's answer": {func(sid string) string { return request(sid) + frame(textFrame, "2probe") }, 0},
		"after the probe's answer":  {func(sid string) string { return request(sid) + frame(textFrame, "2probe") }, 200},
		"in the upgrade packet":     {func(sid string) string { return request(sid) + frame(textFrame, "2probe") + frame(textFrame, "5")[:3] }, 200},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			a := &attack{T: t, server: s}
			poll := joinedPoll(t, s.public)
			conn := dialTCP(t, s.public)
			write(t, conn, step.sends(poll.sid))
			readAtLeast(t, conn, min(step.answers, upgradeAnswerBytes))
			_ = conn.SetLinger(0)
			_ = conn.Close()
			poll.expectAlive()
			ws := probeEventually(a, poll)
			ws.send("5")
			ws.expectAlive()
		})
	}
	s.expectGauges(t, baseline, patience)
}

// upgradeAnswerBytes is the length of a 101 and of the answer to a probe behind
// it, at the least.
const upgradeAnswerBytes = 130

func readAtLeast(t *testing.T, conn interface {
	Read([]byte) (int, error)
	SetReadDeadline(time.Time) error
}, n int) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 4096)
	for got := 0; got < n; {
		k, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("read %d of %d bytes: %v", got, n, err)
		}
		got += k
	}
}

// probeEventually upgrades once the server has noticed the end of the upgrade
// before, which refuses others while it lasts.
func probeEventually(a *attack, poll *pollClient) *wsClient {
	a.Helper()
	var ws *wsClient
	eventually(a.T, patience, "the next upgrade to be accepted", func() error {
		ws = dialWS(a, a.server.public, webSocketQuery+"&sid="+poll.sid)
		ws.send("2probe")
		select {
		case p, open := <-ws.packets:
			if open && p.data == "3probe" {
				return nil
			}
			return fmt.Errorf("answered %q, closed with %d", p.data, ws.code)
		case <-time.After(patience):
			return fmt.Errorf("no answer")
		}
	})
	return ws
}
