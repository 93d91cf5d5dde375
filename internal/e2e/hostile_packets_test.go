package e2e

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Socket.IO packets (hostile inputs 2.5).
func packetRows() []hostileRow {
	return slices.Concat(
		one("S1 nothing after the open packet", func(a *attack) {
			a.counted(func() { openWS(a, a.server.public).expectClose(noCode, dropped) })
			openPoll(a, a.server.public).expectGoneWithin(3 * time.Second)
		}),
		one("S1 event before any namespace", func(a *attack) {
			ws := openWS(a, a.server.public)
			ws.send(`42["publish","bystander","x"]`)
			ws.expectClose(noCode, dropped)
			a.hears()
		}),
		one("S4 two connects in one request", func(a *attack) {
			before := a.server.gauges()["sockets"]
			poll := openPoll(a, a.server.public)
			_, _ = poll.post("40\x1e40")
			eventually(a.T, patience, "at most one socket", func() error {
				if now := a.server.gauges()["sockets"]; now > before+1 {
					return fmt.Errorf("%v sockets more", now-before)
				}
				return nil
			})
			_, _ = poll.post("1")
		}),
		each("S7 not an event", closesOnEither,
			`42[]`, `42{}`, `42"a"`, `42null`, `42[null]`, `42[true]`, `42[["a"]]`, `42{"0":"a","length":1}`, `42[{"toString":"foo"}]`),
		each("S8 reserved event", closesOnEither,
			`42["connect"]`, `42["connect_error"]`, `42["disconnect"]`, `42["disconnecting"]`, `42["newListener"]`, `42["removeListener"]`),
		each("S10 ordinary event", ignoredOnEither, `42["error"]`, `42["message"]`, `42["close"]`, `42["__proto__"]`, `42["constructor",1]`),
		one("S13 ack id with leading zeros", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.send(`42007["leave","nowhere"]`)
			ws.expectPrefix(`437[{"ok":true}]`)
		}),
		each("S13 ack id too large", neverWraps,
			"9007199254740993", "9223372036854775808", "18446744073709551617", "100000000000000000001", "1000000000000000000001",
			strings.Repeat("4", 400), strings.Repeat("2", 999_900)),
		each("S16 answer to no question", ignoredOnEither, `43999["x"]`, `43["x"]`, `430[]`),
		each("S16 answer that is not an array", closesOnEither, `43{}`, `431"x"`),
		each("S19 malformed disconnect", closesOnEither, `41{}`, `41/never-joined,`, `41[]`),
		each("S20 unknown type", closesOnEither, `47`, `4abc`, `49["a"]`, `44{}`, `44"x"`),
		each("S22 malformed connect", func(a *attack, input string) {
			ws := openWS(a, a.server.public)
			ws.send(input)
			ws.expectClose(noCode, dropped)
		}, `40[]`, `40null`, `40"t"`, `401x`),
		one("S22 connect with a number where an id would be", func(a *attack) {
			ws := openWS(a, a.server.public)
			ws.send("40123")
			ws.expectPrefix(`40{"sid":"`)
			ws.expectAlive()
		}),
		each("S23 second connect", closesOnEither, `40`, `40{}`),
		each("S25 namespace that was not joined", closesOnEither, `42/chat,["x"]`, `42/chat,1["x"]`, `43/chat,1[]`, `451-/chat,["x",{"_placeholder":true,"num":0}]`),
		one("S26 namespaces without end", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			for i := range 200 {
				ws.send(fmt.Sprintf("40/dyn-%d,", i))
			}
			ws.send(`427["leave","nowhere"]`)
			admitted := 0
			for p := range ws.untilEnd() {
				if strings.HasPrefix(p.data, "40/dyn-") {
					admitted++
				}
				if strings.HasPrefix(p.data, "437[") {
					break
				}
			}
			if admitted > 16 {
				a.Fatalf("%d namespaces on one connection", admitted)
			}
		}),
		each("S27 name without end", refusedOrIgnored,
			"40/"+strings.Repeat("n", 500_000)+",", `42["`+strings.Repeat("e", 500_000)+`"]`, `42["join","`+strings.Repeat("r", 500_000)+`"]`),
		each("S27 argument count without end", refusedOrIgnored, `42["a"`+strings.Repeat(",1", 400_000)+`]`),
	)
}

// neverWraps: an id beyond what any client counts to closes, or is dropped, but
// is not answered under another id.
func neverWraps(a *attack, id string) {
	ws := joinedWS(a, a.server.public)
	begin := time.Now()
	ws.send("42" + id + `["leave","nowhere"]`)
	ws.send(`427["leave","nowhere"]`)
	for p := range ws.untilEnd() {
		if strings.HasPrefix(p.data, "437[") {
			break
		}
		if strings.HasPrefix(p.data, "43") && !strings.HasPrefix(p.data, "43"+id+"[") {
			a.Fatalf("answered as %.60q", p.data)
		}
	}
	if took := time.Since(begin); took > longestStall {
		a.Fatalf("took %v", took)
	}
}

// refusedOrIgnored: what is over a limit closes its sender or has no effect.
func refusedOrIgnored(a *attack, input string) {
	ws := joinedWS(a, a.server.public)
	ws.send(input, `427["leave","nowhere"]`)
	for p := range ws.untilEnd() {
		if strings.HasPrefix(p.data, "437[") {
			return
		}
	}
}

// JSON and binary (hostile inputs 2.6).
func jsonRows() []hostileRow {
	const depth = 100_000
	verbatim := func(a *attack, args string) {
		ws := joinedWS(a, a.server.public)
		ws.send(`42["publish","bystander","news",` + args + `]`)
		a.hears(`42["news",` + args + `]`)
	}
	return slices.Concat(
		one("J1 nesting 100,000 deep", func(a *attack) {
			refusedOrIgnored(a, `42["a",`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+`]`)
			refusedOrIgnored(a, `42["a",`+strings.Repeat(`{"a":`, depth)+"1"+strings.Repeat("}", depth)+`]`)
			refusedOrIgnored(a, `42["a",`+strings.Repeat("[", depth))
		}),
		each("J4 verbatim", verbatim,
			`{"a":1,"a":2,"__proto__":{"x":1},"constructor":null}`,
			`12345678901234567890,1.0,1e400,-0,0.1e-7,100000000000000000000000000000000000001`,
			`"\u00e9\/\ud83d\ude00","é/😀","\u2028"`,
			`{"b":1,"a":[ ]}`, `"<&>"`),
		one("J4 100,000 keys", func(a *attack) {
			var object strings.Builder
			for i := range 60_000 {
				fmt.Fprintf(&object, `,"key%d":1`, i)
			}
			verbatim(a, "{"+object.String()[1:]+"}")
		}),
		each("J5 not JSON", closesOnEither,
			`42["a"`, `42["a",]`, `42["a"]x`, `42['a']`, `42["a",NaN]`, `42["a",01]`, `42["a","`+"\n"+`"]`, `42["a",undefined]`, `42["a\x"]`, `42["a"],["b"]`),
		each("J10 attachment count", closesOnEither,
			`4511-["a"]`, `45999999999-["a"]`, `451.5-["a"]`, `45Infinity-["a"]`, `45-1-["a"]`, `45`+strings.Repeat("9", 100_000)+`-["a"]`, `45["a"]`, `45woot`, `46woot`),
		one("J10 ten attachments are the maximum", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			var placeholders strings.Builder
			for i := range 10 {
				fmt.Fprintf(&placeholders, `,{"_placeholder":true,"num":%d}`, i)
			}
			ws.send(`4510-["publish","bystander","news"` + placeholders.String() + `]`)
			for i := range 10 {
				ws.write(frame(binaryFrame, fmt.Sprint(i)))
			}
			a.bystander.expect(`4510-["news"` + placeholders.String() + `]`)
			for i := range 10 {
				a.bystander.expect(fmt.Sprint(i))
			}
			a.hears()
		}),
		one("J13 text while attachments are missing", func(a *attack) {
			a.closes(`451-["publish","bystander","news",{"_placeholder":true,"num":0}]`, `42["b"]`)
			a.hears()
		}),
		one("J14 binary that was not announced", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.write(frame(binaryFrame, "abc"))
			ws.expectClose(noCode, dropped)
		}),
		each("J16 placeholder number", func(a *attack, num string) {
			a.closes(`451-["publish","bystander","news",{"_placeholder":true`+num+`}]`, "bAQID")
			a.hears()
		}, `,"num":-1`, `,"num":1`, `,"num":"0"`, `,"num":"splice"`, `,"num":null`, ``, `,"num":1e9`, `,"num":0.5`),
		one("J17 one attachment in two places", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.send(`451-["publish","bystander","news",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, "bAQID")
			ws.expectClose(noCode, dropped)
			a.hears()
		}),
		one("J19 a user's object that looks like a placeholder", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			ws.send(`42["publish","bystander","news",{"_placeholder":true,"num":0}]`, `427["leave","nowhere"]`)
			for p := range ws.untilEnd() {
				if strings.HasPrefix(p.data, "437") {
					break
				}
			}
			joinedWS(a, a.server.public).send(`42["publish","bystander","marker"]`)
			// Refused, or forwarded as the text that it is: no attachment is announced.
			if got := a.bystander.next().data; got != `42["marker"]` {
				if !strings.HasPrefix(got, `42["news",`) {
					a.Fatalf("heard %q", got)
				}
				a.bystander.expect(`42["marker"]`)
			}
		}),
		one("J20 attachments beyond the payload limit in total", func(a *attack) {
			ws := joinedWS(a, a.server.public)
			var placeholders strings.Builder
			for i := range 10 {
				fmt.Fprintf(&placeholders, `,{"_placeholder":true,"num":%d}`, i)
			}
			ws.send(`4510-["a"` + placeholders.String() + `]`)
			big := frame(binaryFrame, strings.Repeat("x", 900_000))
			for range 10 {
				ws.write(big)
			}
			ws.expectClose(noCode, dropped, 1009)
		}),
		one("J22 gone in the middle of a reconstruction", func(a *attack) {
			for range 50 {
				ws := joinedWS(a, a.server.public)
				ws.send(`452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
				ws.write(frame(binaryFrame, strings.Repeat("x", 100_000)))
				ws.reset()
			}
		}),
	)
}
