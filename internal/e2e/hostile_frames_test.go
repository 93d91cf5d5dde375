package e2e

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// WebSocket frames (hostile inputs 2.3).
func frameRows() []hostileRow {
	long := "89fe007e00000000" + strings.Repeat("61", 126)
	return slices.Concat(
		each("W1 not masked", failsConnection, "81023430"),
		each("W2 reserved bits", failsConnection, "c1820000000034", "a182000000003430", "9182000000003430"),
		each("W4 unknown opcode", failsConnection, "838000000000", "878000000000", "8b8000000000", "8f8000000000"),
		each("W6 continuation of nothing", failsConnection, "808000000000", "008100000000"+"34"),
		each("W6 new message inside a message", failsConnection, "018100000000"+"34"+"818100000000"+"32"),
		each("W7 control frame", failsConnection, long, "098000000000", "08810000000003"),
		each("W10 length", failsConnection, "82ff8000000000000000"+"00000000", "82ffffffffffffffffff"+"00000000", "82ff7fffffffffffffff"+"00000000"),
		each("W16 close payload", failsConnection, "88810000000003", "8882000000000000", "88820000000003ed"),
		one("W17 close reason that is not UTF-8", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.write(unhex(a, "88830000000003e8ff"))
			ws.expectClose(1000, 1002, 1007, noCode, dropped)
		}),
		one("W11 announced length over the limit", func(a *attack) {
			a.counted(func() {
				ws := joinedWS(a, a.server.public)
				ws.write(unhex(a, "82ff00000000000f4241"+"00000000")) // 1,000,001 bytes, none of which is sent
				ws.expectClose(1009, dropped)
			})
		}),
		one("W12 message over the limit", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.send("42[" + strings.Repeat("x", maxPayload))
			ws.expectClose(1009, dropped)
		}),
		one("W13 fragments over the limit", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.write(frame(0x01, "42[\""))
			piece := frame(0x00, strings.Repeat("x", 100_000))
			for range 12 {
				ws.write(piece)
			}
			ws.expectClose(1009, dropped)
		}),
		one("W14 empty fragments without end", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.write(frame(0x01, "4"))
			many := strings.Repeat(frame(0x00, ""), 10_000)
			for range 30 {
				ws.write(many)
			}
			ws.expectClose(1002, 1008, 1009, noCode, dropped)
		}),
		each("W19 text that is not UTF-8", func(a *attack, input string) {
			a.counted(func() {
				ws := joinedWS(a, a.server.public)
				ws.send(`42["publish","bystander","news","` + input + `"]`)
				ws.expectClose(1007)
			})
			a.hears()
		}, "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\xbc"),
		one("W20 UTF-8 cut by a fragment", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.write(frame(0x01, `42["publish","bystander","news","`+"\xe6\xbc") + frame(0x80, "\xa2\"]"))
			a.hears(`42["news","漢"]`)
		}),
		one("W22 unsolicited pongs", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			// In parts, so that the answers to the server's pings are in time between them.
			many := strings.Repeat(frame(pongFrame, ""), 1_000)
			for range 30 {
				ws.write(many)
				ws.expectAlive()
			}
			ws.write(strings.Repeat(frame(pongFrame, "x"), 2))
			ws.expectAlive()
		}),
		one("W23 WebSocket pings are answered", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.write(strings.Repeat(frame(0x89, "payload"), 1000))
			ws.expectAlive()
		}),
		one("W25 half a message and then nothing", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.ignorePings()
			ws.write(frame(0x01, "4"))
			stop := time.NewTicker(50 * time.Millisecond)
			defer stop.Stop()
			for range 60 { // bytes and WebSocket pongs are no sign of life
				select {
				case <-ws.done:
				case <-stop.C:
					ws.write(frame(pongFrame, ""))
				}
			}
			ws.expectClose(noCode, dropped)
		}),
		one("W28 RST after the handshake", func(a *attack) {
			dialWS(a, a.server.public, webSocketQuery).reset()
			joinedWS(a, a.server.public).reset()
		}),
		one("W28 FIN after the handshake", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			_ = ws.conn.CloseWrite()
			ws.expectClose(noCode, dropped, 1000, 1002)
		}),
		one("W29 proper close", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.write(unhex(a, "88820000000003e8"))
			ws.expectClose(1000, noCode, dropped)
		}),
	)
}

// failsConnection: what is no WebSocket frame ends that connection.
func failsConnection(a *attack, frames string) {
	a.counted(func() {
		ws := joinedWS(a, a.server.public)
		ws.write(unhex(a, frames))
		ws.expectClose(1002, 1007, 1009, dropped)
	})
}

func unhex(a *attack, s string) string {
	a.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		a.Fatal(err)
	}
	return string(b)
}
