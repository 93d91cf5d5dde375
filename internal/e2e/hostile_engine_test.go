package e2e

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Engine.IO packets and the upgrade (hostile inputs 2.4).
func engineRows() []hostileRow {
	return slices.Concat(
		each("E1 not a packet", closesWebSocket, "", "abc", "7", "9", "\x00", "4", "2", "b!!!!", "bAQID"),
		each("E2 packets that mean nothing", func(a *attack, input string) {
			ws := joinedWS(a, a.server.public)
			ws.send(input)
			ws.expectAlive()
		}, "0{}", "5", "6", "3"),
		one("E7 base64 in a text frame", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.send(`451-["publish","bystander","news",{"_placeholder":true,"num":0}]`, "bAQID")
			a.hears(`451-["news",{"_placeholder":true,"num":0}]`, "\x01\x02\x03")
		}),
		one("E9 no pong", func(a *attack) {
			a.counted(func() {
				ws := joinedWS(a, a.server.public)
				ws.ignorePings()
				begin := time.Now()
				ws.expectClose(noCode, dropped)
				if took := time.Since(begin); took < 300*time.Millisecond || took > 3*time.Second {
					a.Errorf("closed after %v", took)
				}
			})
		}),
		one("E10 pongs before the pings", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for range 15 {
				<-tick.C
				ws.send("3")
			}
			ws.expectAlive()
		}),
		one("E13 message in the middle of an upgrade", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			ws := probe(a, poll)
			ws.send(`42["publish","bystander","too early"]`)
			ws.expectClose(noCode, dropped, 1002)
			poll.expectAlive()
			a.hears()
		}),
		each("E14 other packet instead of the probe", func(a *attack, input string) {
			poll := joinedPoll(a, a.server.public)
			ws := dialWS(a, a.server.public, webSocketQuery+"&sid="+poll.sid)
			ws.send(input)
			ws.expectClose(noCode, dropped, 1002)
			poll.expectAlive()
		}, "", "abc", "2", "2other", "40", "bAQID", "1"),
		one("E14 oversized probe", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			ws := dialWS(a, a.server.public, webSocketQuery+"&sid="+poll.sid)
			ws.send("2probe" + strings.Repeat("x", maxPayload+1))
			ws.expectClose(1009, noCode, dropped)
			poll.expectAlive()
		}),
		one("E15 second upgrade while one runs", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			first := probe(a, poll)
			a.refusesUpgrade(poll.sid)
			first.send("5")
			first.expectAlive()
		}),
		one("E16 upgrade of a session that is on WebSocket", func(a *attack) {
			born := joinedWS(a, a.server.public)
			a.refusesUpgrade(born.open.SID)
			born.expectAlive()

			poll := joinedPoll(a, a.server.public)
			upgraded := probe(a, poll)
			upgraded.send("5")
			upgraded.expectAlive()
			a.refusesUpgrade(poll.sid)
			upgraded.expectAlive()
		}),
		one("E17 polling after the upgrade", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			ws := probe(a, poll)
			ws.send("5")
			ws.expectAlive()
			a.expectAnswer(getRequest(poll.path()), 400, `{"code":3,"message":"Bad request"}`)
			a.expectAnswer(postRequest(poll.path(), `42["publish","bystander","x"]`), 400, `{"code":3,"message":"Bad request"}`)
			ws.expectAlive()
			a.hears()
		}),
		one("E18 upgrade that never ends", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			ws := dialWS(a, a.server.public, webSocketQuery+"&sid="+poll.sid)
			stop := poll.keepAlive()
			ws.expectClose(noCode, dropped)
			stop()
			poll.expectAlive()
		}),
		one("E19 messages while the session upgrades", messagesAcrossUpgrade),
		each("E22 upgrade of another protocol version", func(a *attack, query string) {
			poll := joinedPoll(a, a.server.public)
			conn := dialTCP(a, a.server.public)
			write(a, conn, upgradeRequest("/socket.io/?"+query+"transport=websocket&sid="+poll.sid))
			if got, err := readAnswer(conn); err == nil && got.status != 400 {
				a.Errorf("answered %v", got)
			}
			poll.expectAlive()
		}, "EIO=3&", ""),
		one("E23 session ends in the middle of an upgrade", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			ws := probe(a, poll)
			_, _ = poll.post("1")
			ws.expectClose(noCode, dropped)
			poll.expectGone()
		}),
	)
}

// closesWebSocket: a packet that no client may send ends its session.
func closesWebSocket(a *attack, input string) {
	a.counted(func() {
		ws := joinedWS(a, a.server.public)
		ws.send(input)
		ws.expectClose(noCode, dropped)
	})
}

// probe opens a WebSocket for a polling session and exchanges the probe.
func probe(a *attack, poll *pollClient) *wsClient {
	a.Helper()
	ws := dialWS(a, a.server.public, webSocketQuery+"&sid="+poll.sid)
	ws.send("2probe")
	ws.expect("3probe")
	return ws
}

// refusesUpgrade: the handshake fails, or the WebSocket is closed at once.
func (a *attack) refusesUpgrade(sid string) {
	a.Helper()
	conn := dialTCP(a, a.server.public)
	write(a, conn, upgradeRequest(webSocketQuery+"&sid="+sid)+frame(textFrame, "2probe"))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	var all strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		all.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if strings.Contains(all.String(), "3probe") || !strings.HasPrefix(all.String(), "HTTP/1.1 ") {
		a.Errorf("answered %.300q", all.String())
	}
}

// keepAlive answers the pings of a polling session until stop is called.
func (c *pollClient) keepAlive() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
			}
			if got, err := c.get(); err == nil && strings.Contains(got.body, "2") {
				_, _ = c.post("3")
			}
		}
	}()
	return func() { close(quit); <-done }
}

// messagesAcrossUpgrade publishes to a session at each step of its upgrade: each
// event arrives once and in order, on one transport or the other.
func messagesAcrossUpgrade(a *attack) {
	publisher := joinedWS(a, a.server.public)
	poll := joinedPoll(a, a.server.public)
	poll.expectPost(`421["join","upgrading"]`)
	poll.until("431")
	sent := 0
	publish := func() {
		for range 100 {
			publisher.send(fmt.Sprintf(`42["publish","upgrading","seq",%d]`, sent))
			sent++
		}
		publisher.expectAlive()
	}
	var heard []string
	collect := func(payload string) {
		for p := range strings.SplitSeq(payload, "\x1e") {
			if strings.HasPrefix(p, `42["seq"`) {
				heard = append(heard, p)
			}
		}
	}
	publish()
	ws := dialWS(a, a.server.public, webSocketQuery+"&sid="+poll.sid)
	publish()
	ws.send("2probe")
	publish()
	ws.expect("3probe")
	publish()
	// A client waits for its poll to end, however it ends, before it sends "5".
	got, err := poll.get()
	if err != nil || got.status != 200 {
		a.Fatalf("GET: %v %v", got, err)
	}
	collect(got.body)
	publish()
	ws.send("5")
	publish()
	for len(heard) < sent {
		collect(ws.next().data)
	}
	for i, p := range heard {
		if want := fmt.Sprintf(`42["seq",%d]`, i); p != want {
			a.Fatalf("heard %s, expected %s", p, want)
		}
	}
	ws.expectAlive()
}
