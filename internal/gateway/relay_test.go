package gateway

import (
	"fmt"
	"strings"
	"testing"
)

func TestPublishReachesEverybodyElseInTheRoom(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	publisher, member, stranger := w.join("tea"), w.join("tea"), w.join("coffee")

	publisher.send(`421["publish","tea","poured",1]`)
	publisher.expect(`431[{"ok":true}]`) // the ack, and not its own event
	member.expect(`42["poured",1]`)

	// A client that is no member may publish; members get it, once.
	stranger.send(`422["publish","tea","asked"]`)
	stranger.expect(`432[{"ok":true}]`)
	member.expect(`42["asked"]`)
	publisher.expect(`42["asked"]`)
	stranger.send(`42["publish","coffee","x"]`)
	stranger.send(`423["publish","tea","done"]`)
	stranger.expect(`433[{"ok":true}]`) // neither its own event, nor one of another room
	member.expect(`42["done"]`)
}

func TestPublishedArgumentsArriveAsTheyLeft(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	from, to := w.join("r"), w.join("r")
	for _, args := range []string{
		``,
		`,1e2,1.0,-0,12345678901234567890`,
		`,{"b":1,"a":2,"b":3}`,
		`,"\u00e9é\/","\ud83d\ude00"`,
		`,[ 1 , { "x" : null } ] ,true`,
		`,"` + strings.Repeat("x", 100_000) + `"`,
	} {
		from.send(`42["publish","r","ev"` + args + `]`)
		got, err := to.next()
		if err != nil || got != `42["ev"`+args+`]` {
			t.Errorf("sent %.200s, got %.200s, %v", args, got, err)
		}
	}
}

func TestPublishedAttachmentsArriveAsTheyLeft(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	from, to := w.join("r"), w.join("r")
	first, second := []byte{0, 1, 2, 0xff}, []byte("4[]")
	from.send(`452-7["publish","r","ev",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]`, first, second)
	to.expect(`452-["ev",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]`)
	to.expect(string(first))
	to.expect(string(second))
	from.expect(`437[{"ok":true}]`)
}

func TestLeavingStopsIt(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	from, to := w.join("r"), w.join("r")
	to.send(`421["leave","r"]`)
	to.expect(`431[{"ok":true}]`)
	from.send(`421["publish","r","ev"]`)
	from.expect(`431[{"ok":true}]`)
	from.send(`422["publish","` + to.id + `","direct"]`) // its own room stays
	to.expect(`42["direct"]`)
}

func TestRelayWorksWithoutAcks(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	a, b := w.connect(), w.join("r")
	a.send(`42["join","r"]`)
	a.send(`42["publish","r","hello"]`)
	b.expect(`42["hello"]`)
	b.send(`42["publish","r","back"]`)
	a.expect(`42["back"]`)
}

func TestDevelopersMayUseAnyNamespace(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	a, b, elsewhere := w.dial(), w.dial(), w.join("r")
	for _, c := range []*client{a, b} {
		c.send("40/chat,")
		c.expectPrefix(`40/chat,{"sid":"`)
		c.send(`42/chat,0["join","r"]`)
		c.expect(`43/chat,0[{"ok":true}]`)
	}
	a.send(`42/chat,1["publish","r","hi"]`)
	a.expect(`43/chat,1[{"ok":true}]`)
	b.expect(`42/chat,["hi"]`)
	elsewhere.send(`421["leave","r"]`)
	elsewhere.expect(`431[{"ok":true}]`) // and nothing of /chat before it
}

func TestNothingIsAllowedWithoutDev(t *testing.T) {
	w := start(t, Config{}, nil)
	c := w.connect()
	for i, args := range []string{`"join","r"`, `"leave","r"`, `"publish","r","ev",1`, `"join"`} {
		c.send(fmt.Sprintf(`42%d[%s]`, i, args))
		c.expect(fmt.Sprintf(`43%d[{"ok":false,"error":"forbidden"}]`, i))
	}
	c.send("40/chat,")
	c.expect(`44/chat,{"message":"Invalid namespace"}`)
}

func TestRelayRefusesWhatMakesNoSense(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	c := w.connect()
	long := `"` + strings.Repeat("r", 257) + `"`
	for i, tt := range []struct{ name, args string }{
		{"join without room", `"join"`},
		{"join of a number", `"join",1`},
		{"join of nothing", `"join",""`},
		{"join of null", `"join",null`},
		{"join of two", `"join","a","b"`},
		{"join of a list", `"join",["a"]`},
		{"join of a long name", `"join",` + long},
		{"leave without room", `"leave"`},
		{"leave of an object", `"leave",{}`},
		{"leave of oneself", `"leave","` + c.id + `"`},
		{"publish without anything", `"publish"`},
		{"publish without event", `"publish","r"`},
		{"publish to nowhere", `"publish","","ev"`},
		{"publish to a number", `"publish",7,"ev"`},
		{"publish of a numbered event", `"publish","r",7`},
		{"publish of an event without name", `"publish","r",""`},
		{"publish of a reserved event", `"publish","r","disconnect"`},
		{"publish of a long name", `"publish","r",` + long},
		{"publish to a long name", `"publish",` + long + `,"ev"`},
	} {
		c.send(fmt.Sprintf(`42%d[%s]`, i, tt.args))
		got, err := c.next()
		if want := fmt.Sprintf(`43%d[{"ok":false,"error":"invalid"}]`, i); err != nil || got != want {
			t.Fatalf("%s: got %q, %v, want %q", tt.name, got, err, want)
		}
	}
}

func TestRoomsOfOneSocketAreLimited(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	c := w.connect()
	const most = 128
	for i := range most + 1 {
		c.send(fmt.Sprintf(`42%d["join","room %d"]`, i, i))
		want := `{"ok":true}`
		if i == most {
			want = `{"ok":false,"error":"limit"}`
		}
		c.expect(fmt.Sprintf(`43%d[%s]`, i, want))
	}
	if n := w.relay.counts[relayJoin][relayLimit].Load(); n != 1 {
		t.Errorf("counted %d refusals by limit, want 1", n)
	}
}
