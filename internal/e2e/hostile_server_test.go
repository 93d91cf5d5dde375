package e2e

import (
	"slices"
	"strings"
)

// Rows that need handlers and middlewares, which only the test server has.
func serverRows() []hostileRow {
	return slices.Concat(
		one("S4 two connects while a middleware decides", func(a *attack) {
			before := a.server.gauges()["sockets"]
			ws := openWS(a, a.server.public)
			ws.send("40/slow-auth,", "40/slow-auth,")
			connected := 0
			for p := range ws.untilEnd() {
				if strings.HasPrefix(p.data, `40/slow-auth,{"sid":`) {
					connected++
					ws.send(`42/slow-auth,7["leave","nowhere"]`)
				}
				if strings.HasPrefix(p.data, "43/slow-auth,7") {
					break
				}
			}
			if now := a.server.gauges()["sockets"]; connected > 1 || now > before+1 {
				a.Errorf("%d answers, %v sockets more", connected, now-before)
			}
		}),
		one("S28 event while a middleware decides", func(a *attack) {
			ws := openWS(a, a.server.public)
			ws.send("40/slow-auth,", `42/slow-auth,["join","early"]`)
			ws.expectClose(noCode, dropped)
			if rooms := a.server.gauges()["rooms"]; rooms != 1 {
				a.Errorf("%v rooms, expected that of the bystander", rooms)
			}
		}),
		each("H25 address that a header claims", func(a *attack, header string) {
			ws := handshakeWS(a, dialTCP(a, a.server.public), upgradeRequest(webSocketQuery, header))
			ws.readOpen()
			ws.send("40")
			ws.expectPrefix(`40{"sid":"`)
			if got := ws.ask(`["handshake"]`); !strings.Contains(got, `"address":"127.0.0.1"`) {
				a.Errorf("the handshake says %s", got)
			}
		}, "X-Forwarded-For: 8.8.8.8", "X-Real-IP: 10.0.0.1", "Forwarded: for=8.8.8.8", "X-Forwarded-For: 127.0.0.1, 8.8.8.8"),
		each("J19 a client's placeholder beside the server's buffer", func(a *attack, arg string) {
			ws := joinedWS(a, a.server.public)
			ws.send(`42["with-buffer",`+arg+`]`, `427["leave","nowhere"]`)
			for p := range ws.untilEnd() {
				if strings.HasPrefix(p.data, "437[") {
					return
				}
				placeholders := strings.Count(p.data, `"_placeholder":true`)
				if strings.HasPrefix(p.data, "45") && (placeholders != 1 || !strings.HasPrefix(p.data, "451-")) {
					a.Errorf("the client's object stands for an attachment: %s", p.data)
				}
			}
		}, `{"_placeholder":true,"num":0}`, `{"num":0,"_placeholder":true}`, `[{"a":{"_placeholder":true,"num":0}}]`,
			`{"_placeholder" : true , "num":0}`, `{"\u005fplaceholder":true,"num":0}`),
	)
}
