package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// HTTP handshakes (hostile inputs 2.1).
func handshakeRows() []hostileRow {
	const unknown, unknownSID, badMethod, badRequest, badProtocol = `{"code":0,"message":"Transport unknown"}`,
		`{"code":1,"message":"Session ID unknown"}`, `{"code":2,"message":"Bad handshake method"}`,
		`{"code":3,"message":"Bad request"}`, `{"code":5,"message":"Unsupported protocol version"}`
	refused := func(name, body string, requests ...string) []hostileRow {
		return each(name, func(a *attack, request string) {
			a.counted(func() { a.expectAnswer(request, 400, body) })
		}, requests...)
	}
	return slices.Concat(
		one("H1 the open packet", openPacketIsExact),
		refused("H3 protocol version", badProtocol,
			getRequest("/socket.io/?transport=polling"), getRequest("/socket.io/?EIO=3&transport=polling"), getRequest("/socket.io/?EIO=four&transport=polling")),
		refused("H4 transport", unknown,
			getRequest("/socket.io/?EIO=4&transport=constructor"), getRequest("/socket.io/?EIO=4&transport=__proto__"),
			getRequest("/socket.io/?EIO=4&transport=toString"), getRequest("/socket.io/?EIO=4"), getRequest("/socket.io/"),
			getRequest("/socket.io/?EIO=4&transport=webtransport")),
		refused("H5 session id", unknownSID,
			getRequest(pollingQuery+"&sid=nobody"), postRequest(pollingQuery+"&sid=nobody", "40"),
			getRequest(pollingQuery+"&sid="+strings.Repeat("A", 4000)), getRequest(pollingQuery+"&sid=..%2F%00%0d%0a"), getRequest(pollingQuery+"&sid=__proto__")),
		refused("H7 method", badMethod, postRequest(pollingQuery, "40"),
			"PUT "+pollingQuery+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "DELETE "+pollingQuery+" HTTP/1.1\r\nHost: x\r\n\r\n"),
		one("H7 OPTIONS", func(a *attack) { // a preflight where other origins are allowed
			got, err := exchange(a, a.server.public, "OPTIONS "+pollingQuery+" HTTP/1.1\r\nHost: x\r\n\r\n")
			if err != nil || (got.status != 204 && (got.status != 400 || got.body != badMethod)) {
				a.Errorf("answered %v %v", got, err)
			}
		}),
		refused("H8 WebSocket without an upgrade", badRequest, getRequest(webSocketQuery)),
		each("H9 WebSocket handshake", refusedBeforeUpgrade,
			"/socket.io/?EIO=4&transport=constructor", "/socket.io/?EIO=4&transport=__proto__", "/socket.io/?EIO=4",
			webSocketQuery+"&sid=nobody"),
		one("H9 WebSocket of another protocol version", func(a *attack) {
			// The reference answers 400 after the 101 as well.
			if got, err := exchange(a, a.server.public, upgradeRequest("/socket.io/?EIO=3&transport=websocket")); err == nil && got.status != 400 && got.status != 101 {
				a.Fatalf("answered %v", got)
			}
		}),
		one("H10 empty session id", func(a *attack) {
			got, err := exchange(a, a.server.public, getRequest(pollingQuery+"&sid="))
			if err != nil || (got.status != 400 && !strings.HasPrefix(got.body, `0{"sid":"`)) {
				a.Fatalf("answered %v %v", got, err)
			}
		}),
		each("H13 headers", survives,
			upgradeRequest(webSocketQuery, slices.Repeat([]string{"!!: x"}, 2000)...),
			getRequest(pollingQuery, "Cookie: "+strings.Repeat("a=; ", 5000)),
			getRequest(pollingQuery, slices.Repeat([]string{"Cookie: a="}, 5000)...),
			getRequest(pollingQuery+"&x="+strings.Repeat("x", 100_000)),
			getRequest(pollingQuery, "X: "+strings.Repeat("x", 4<<20)),
			getRequest(pollingQuery+strings.Repeat("&a=1", 20_000)),
			"GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "GET "+pollingQuery+" HTTP/1.1\r\nHost: x\r\nOrigin: \x01\x02\r\n\r\n"),
		one("H16 polling with the id of a WebSocket session", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			a.expectAnswer(getRequest(pollingQuery+"&sid="+ws.open.SID), 400, badRequest)
			a.expectAnswer(postRequest(pollingQuery+"&sid="+ws.open.SID, `42["publish","bystander","x"]`), 400, badRequest)
			ws.expectAlive()
			a.hears()
		}),
		each("H22 body framing", survives,
			postRequest(pollingQuery, "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", "Transfer-Encoding: chunked"),
			"POST "+pollingQuery+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\n4\n0\n\n",
			"POST "+pollingQuery+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;"+strings.Repeat("x", 1<<20)+"\r\n4\r\n0\r\n\r\n",
			"POST "+pollingQuery+" HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
			"POST "+pollingQuery+" HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
		each("H28 extension offer", func(a *attack, offer string) {
			got, err := exchange(a, a.server.public, upgradeRequest(webSocketQuery, "Sec-WebSocket-Extensions: "+offer))
			if err != nil || (got.status != 101 && got.status != 400) || got.header.Get("Sec-WebSocket-Extensions") != "" {
				a.Fatalf("answered %v %v %v", got, got.header, err)
			}
		}, "constructor", "permessage-deflate; server_max_window_bits=99", strings.Repeat("x;", 4096), ",,,;=\""),
		each("H29 subprotocol offer", survives, upgradeRequest(webSocketQuery, "Sec-WebSocket-Protocol: b"+strings.Repeat(" ", 6000)+"x")),
		each("H30 handshake without a proper key", refusesHeader,
			"Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 8"),
		one("H31 bytes behind the handshake", func(a *attack) {
			ws := handshakeWS(a, dialTCP(a, a.server.public), upgradeRequest(webSocketQuery)+"test")
			ws.expectClose(1002, dropped)
		}),
		one("H32 RST on an upgrade for a path nobody serves", func(a *attack) {
			for range 20 {
				conn := dialTCP(a, a.server.public)
				write(a, conn, upgradeRequest("/nobody/?EIO=4&transport=websocket"))
				_ = conn.SetLinger(0)
				_ = conn.Close()
			}
		}),
		one("H33 WebSocket handshake for polling", func(a *attack) {
			got, err := exchange(a, a.server.public, upgradeRequest(pollingQuery))
			if err == nil && got.status != 400 && got.status != 101 && !strings.HasPrefix(got.body, `0{"sid"`) {
				a.Fatalf("answered %v", got)
			}
		}),
		one("H34 JSONP callback", func(a *attack) {
			got, err := exchange(a, a.server.public, getRequest(pollingQuery+"&j=0;alert(1)//"))
			if err != nil || strings.Contains(got.body, "alert") {
				a.Fatalf("answered %v %v", got, err)
			}
		}),
	)
}

func openPacketIsExact(a *attack) {
	got, err := exchange(a, a.server.public, getRequest(pollingQuery))
	if err != nil || got.status != 200 || !strings.HasPrefix(got.body, "0") {
		a.Fatalf("answered %v %v", got, err)
	}
	if kind := got.header.Get("Content-Type"); kind != "text/plain; charset=UTF-8" {
		a.Errorf("Content-Type %q", kind)
	}
	if cache := got.header.Get("Cache-Control"); cache != "no-store" {
		a.Errorf("Cache-Control %q", cache)
	}
	var open map[string]any
	if err := json.Unmarshal([]byte(got.body[1:]), &open); err != nil {
		a.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(open))
	if want := []string{"maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"}; !slices.Equal(keys, want) {
		a.Errorf("keys %v, expected %v", keys, want)
	}
	if fmt.Sprint(open["upgrades"], open["pingInterval"], open["pingTimeout"], open["maxPayload"]) != "[websocket] 300 1000 1e+06" {
		a.Errorf("open packet %v", open)
	}
}

// expectAnswer sends a raw request and checks the answer's status and body.
func (a *attack) expectAnswer(request string, status int, body string) {
	a.Helper()
	got, err := exchange(a, a.server.public, request)
	if err != nil || got.status != status || got.body != body {
		a.Errorf("answered %v %v, expected %d %q", got, err, status, body)
	}
}

// survives: any answer of HTTP is right, and none as well; the checks that
// follow each row are the test.
func survives(a *attack, request string) {
	got, err := exchange(a, a.server.public, request)
	if err != nil && !errors.Is(err, errNoAnswer) {
		a.Fatal(err)
	}
	if err == nil && got.status >= 500 {
		a.Errorf("answered %v", got)
	}
	if strings.Contains(got.body, "smuggled") {
		a.Errorf("answered %v", got)
	}
}

func refusedBeforeUpgrade(a *attack, path string) {
	a.counted(func() {
		got, err := exchange(a, a.server.public, upgradeRequest(path))
		if err != nil || got.status != 400 {
			a.Errorf("answered %v %v, expected 400", got, err)
		}
	})
}

// refusesHeader sends a handshake whose header replaces the proper one.
func refusesHeader(a *attack, header string) {
	name, _, _ := strings.Cut(header, ":")
	lines := strings.Split(upgradeRequest(webSocketQuery), "\r\n")
	for i, line := range lines {
		if strings.HasPrefix(line, name+":") {
			lines[i] = header
		}
	}
	got, err := exchange(a, a.server.public, strings.Join(lines, "\r\n"))
	if err == nil && (got.status < 400 || got.status >= 500) {
		a.Errorf("answered %v, expected a refusal", got)
	}
}
