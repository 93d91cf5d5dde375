package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// layouts are the clusters that the tests below run on.
var layouts = map[string]string{"one Node.js, two Causeway": "ngg", "two Node.js, one Causeway": "nsg"}

func onEachLayout(t *testing.T, test func(w *mixed)) {
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			w := startMixed(t, layout)
			test(w)
			for _, p := range w.peers {
				if p.ours == nil {
					continue
				}
				for reason, n := range p.ours.adapter.Stats().Dropped {
					if n > 0 && reason != DropNoSocket && reason != DropUnknownChannel {
						t.Errorf("%s has dropped %d messages: %s", p.name, n, reason)
					}
				}
			}
			t.Logf("%d comparisons, %d markers", w.checked, w.markers)
		})
	}
}

// emitRow is one emit in both languages, the event that clients get, and which do.
type emitRow struct {
	name string
	js   string // after "io"
	ours func(io *socketio.Server, id func(string) string) error
	want string
	to   string // names of clients
}

const everybody = "0a 0b 1a 1b 2a 2b"

var emitRows = []emitRow{
	{"to everybody", `.emit("a", 1, {x: [true, null]})`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("a", 1, map[string]any{"x": []any{true, nil}})
	}, `["a",1,{"x":[true,null]}]`, everybody},
	{"to a room", `.to("red").emit("b")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("red").Emit("b")
	}, `["b"]`, "0a 1a 2a"},
	{"to several rooms", `.to("red").to("blue").to("all").emit("c")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("red", "blue", "all").Emit("c")
	}, `["c"]`, everybody},
	{"to a room with except", `.to("all").except("red").emit("d")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("all").Except("red").Emit("d")
	}, `["d"]`, "0b 1b 2b"},
	{"to everybody but some sockets", `.except(["ID(0a)", "ID(2b)"]).emit("e")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").Except(id("0a"), id("2b")).Emit("e")
	}, `["e"]`, "0b 1a 1b 2a"},
	{"to a socket of node 0", `.to("ID(0b)").emit("f")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").To(id("0b")).Emit("f")
	}, `["f"]`, "0b"},
	{"to a socket of node 1", `.to("ID(1b)").emit("f")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").To(id("1b")).Emit("f")
	}, `["f"]`, "1b"},
	{"to a socket of node 2", `.to("ID(2a)").emit("f")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").To(id("2a")).Emit("f")
	}, `["f"]`, "2a"},
	{"binary", `.emit("g", Buffer.from([0, 255]), {deep: [new Uint8Array([7])]}, Buffer.alloc(0))`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("g", []byte{0, 255}, map[string]any{"deep": []any{socketio.Binary{7}}}, []byte{})
	}, `["g",{"bytes":"00ff"},{"deep":[{"bytes":"07"}]},{"bytes":""}]`, everybody},
	{"dates", `.to("red").emit("h", new Date(1577836800123))`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("red").Emit("h", time.UnixMilli(1577836800123).UTC())
	}, `["h","2020-01-01T00:00:00.123Z"]`, "0a 1a 2a"},
	// From 2^64 on, notepack.io writes another number.
	{"big integers", `.emit("i", 9007199254740991, -9007199254740991, 4294967296, 2147483648, -2147483649, 1e-7, 0.1)`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("i", 9007199254740991, -9007199254740991, 4294967296, 2147483648, -2147483649, 1e-7, 0.1)
	}, `["i",9007199254740991,-9007199254740991,4294967296,2147483648,-2147483649,1e-7,0.1]`, everybody},
	{"unicode", `.emit("Grüße 🚀", "日本語\u2028\u0000\ud83d\ude00", {"ключ": "\"\\"})`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("Grüße 🚀", "日本語\u2028\u0000😀", map[string]string{"ключ": `"\`})
	}, `["Grüße 🚀","日本語\u2028\u0000😀",{"ключ":"\"\\"}]`, everybody},
	{"large", `.emit("j", "x".repeat(300000), Buffer.alloc(70000, 7))`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("j", strings.Repeat("x", 300000), []byte(strings.Repeat("\x07", 70000)))
	}, `["j","` + strings.Repeat("x", 300000) + `",{"bytes":"` + strings.Repeat("07", 70000) + `"}]`, everybody},
	{"volatile and uncompressed", `.volatile.compress(false).emit("k")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Volatile().Compress(false).Emit("k")
	}, `["k"]`, everybody},
	{"local", `.local.to("nobody").emit("l")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Local().To("nobody").Emit("l")
	}, `["l"]`, ""},
	{"in another namespace", `.of("/chat").emit("m")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/chat").Emit("m")
	}, `["m"]`, "chat chat2"},
	{"to a room of another namespace", `.of("/chat").to("red").emit("n")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/chat").To("red").Emit("n")
	}, `["n"]`, "chat2"},
}

// Every kind of emit, from every server of the cluster, to clients of every server.
func TestMixedClusterEmits(t *testing.T) {
	onEachLayout(t, func(w *mixed) {
		for _, row := range emitRows {
			for _, p := range w.peers {
				if p.node != nil {
					p.node.do(nil, `io%s`, w.withIDs(row.js))
				} else if err := row.ours(p.ours.io, func(name string) string { return w.ids[name] }); err != nil {
					w.Error(err)
				}
				w.expect(row.name+" from "+p.name, w.mark(p.marker(w.T)), row.want, strings.Fields(row.to)...)
			}
		}
	})
}

// Everything that the official emitter can send.
func TestMixedClusterHearsTheEmitter(t *testing.T) {
	onEachLayout(t, func(w *mixed) {
		emitter := w.peers[0].node
		marker := func(namespace, marker string) {
			emitter.do(nil, `emitter.of(%q).emit("marker", %q)`, namespace, marker)
		}
		for _, row := range emitRows {
			if row.name == "local" {
				continue // it has no such flag
			}
			emitter.do(nil, `emitter%s`, w.withIDs(row.js))
			w.expect(row.name+" from the emitter", w.mark(marker), row.want, strings.Fields(row.to)...)
		}
		emitter.do(nil, `%s`, w.withIDs(`emitter.in("red").except("ID(0a)").socketsJoin(["green", "lime"])`))
		w.members("green", 2)
		emitter.do(nil, `%s`, w.withIDs(`emitter.except("ID(1a)").socketsLeave("green")`))
		w.members("green", 1)
		w.members("lime", 2)
		emitter.do(nil, `emitter.socketsLeave(["lime", "green"])`)
		w.members("lime", 0)
		emitter.do(nil, `emitter.serverSideEmit("hello", "from the emitter", 1)`)
		for _, p := range w.peers {
			w.heard(p, `["from the emitter",1]`)
		}
		emitter.do(nil, `emitter.in("blue").disconnectSockets()`)
		emitter.do(nil, `emitter.of("/chat").in("red").disconnectSockets(true)`)
		for _, name := range []string{"0b", "1b", "2b", "chat2"} {
			w.isGone(name)
		}
		w.expect("the others", w.mark(marker), "", "0a", "1a", "2a", "chat")
		w.members("all", 3)
	})
}

// members waits until every server sees n sockets in a room.
func (w *mixed) members(room string, n int) {
	w.Helper()
	for _, p := range w.peers {
		found := 0
		eventually(w.T, fmt.Sprintf("%s sees %d sockets in %s", p.name, n, room), func() bool {
			found = len(p.fetch(w.T, room))
			return found == n
		})
		w.checked++
	}
}

// isGone waits until a client has been disconnected by its server.
func (w *mixed) isGone(name string) {
	w.Helper()
	var reason string
	w.clients.do(&reason, `return gone(%q)`, name)
	w.checked++
	if reason != "io server disconnect" {
		w.Errorf("client %s was disconnected: %s", name, reason)
	}
}

// heard waits until a server has got an event of another, and takes it.
func (w *mixed) heard(p *peer, want string) {
	w.Helper()
	eventually(w.T, p.name+" hears "+want, func() bool { return p.takeHeard(want) })
	w.checked++
}

func (p *peer) takeHeard(want string) bool {
	if p.node != nil {
		var got bool
		p.node.do(&got, `const at = heard.findIndex((e) => JSON.stringify(e) === %q); if (at >= 0) heard.splice(at, 1); return at >= 0`, want)
		return got
	}
	p.ours.mu.Lock()
	defer p.ours.mu.Unlock()
	at := slices.Index(p.ours.heard, want)
	if at >= 0 {
		p.ours.heard = slices.Delete(p.ours.heard, at, at+1)
	}
	return at >= 0
}

// remote is a socket as both kinds of servers show it.
type remote struct {
	ID        string
	Rooms     []string
	Handshake map[string]any
	Data      map[string]any
}

// fetch asks a server for the sockets in a room of the main namespace, or all.
func (p *peer) fetch(t *testing.T, room string) (found []remote) {
	t.Helper()
	if p.node != nil {
		p.node.do(&found, `const all = await io%s.fetchSockets();
			return all.map((s) => ({id: s.id, rooms: [...s.rooms], handshake: JSON.parse(JSON.stringify(s.handshake)), data: s.data}))`, in(room))
	} else {
		e := p.ours.io.Of("/").Except("nothing")
		if room != "" {
			e = e.In(room)
		}
		sockets, err := e.FetchSockets(t.Context())
		if err != nil {
			t.Fatalf("fetch from %s: %v", p.name, err)
		}
		for _, s := range sockets {
			r := remote{ID: s.ID(), Rooms: s.Rooms()}
			if json.Unmarshal(s.Handshake(), &r.Handshake) != nil || json.Unmarshal(s.Data(), &r.Data) != nil {
				t.Errorf("%s: handshake %s, data %s", p.name, s.Handshake(), s.Data())
			}
			found = append(found, r)
		}
	}
	for _, r := range found {
		sort.Strings(r.Rooms)
	}
	sort.Slice(found, func(i, k int) bool { return found[i].ID < found[k].ID })
	return found
}

func in(room string) string {
	if room == "" {
		return ""
	}
	return fmt.Sprintf(".in(%q)", room)
}

// Every server sees all sockets, with the same rooms, handshake and data.
func TestMixedClusterFetchesSockets(t *testing.T) {
	onEachLayout(t, func(w *mixed) {
		want := w.peers[0].fetch(t, "")
		if len(want) != 6 {
			w.Fatalf("%s sees %d sockets", w.peers[0].name, len(want))
		}
		for _, p := range w.peers {
			got := p.fetch(t, "")
			for i := range min(len(got), len(want)) {
				w.sameSocket(p.name, got[i], want[i])
			}
			if len(got) != len(want) {
				w.Errorf("%s sees %d sockets", p.name, len(got))
			}
			if red := p.fetch(t, "red"); len(red) != 3 {
				w.Errorf("%s sees %d sockets in red", p.name, len(red))
			}
			if none := p.fetch(t, "nobody"); len(none) != 0 {
				w.Errorf("%s sees %d sockets in an empty room", p.name, len(none))
			}
		}
		for _, p := range w.peers {
			if p.node == nil {
				w.seesAllRooms(p)
				continue
			}
			var rooms []string
			p.node.do(&rooms, `return io.of("/").adapter.allRooms()`)
			w.allRooms(p.name, rooms)
		}
	})
}

// handshakeKeys are the entries that programs on official nodes know.
var handshakeKeys = []string{"address", "auth", "headers", "issued", "query", "secure", "time", "url", "xdomain"}

func (w *mixed) sameSocket(from string, got, want remote) {
	w.Helper()
	w.checked++
	var keys []string
	for key := range got.Handshake {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	auth, _ := got.Handshake["auth"].(map[string]any)
	name, _ := auth["name"].(string)
	query, _ := got.Handshake["query"].(map[string]any)
	switch {
	case got.ID != want.ID || w.ids[name] != got.ID:
		w.Errorf("%s: socket %s of client %q, want %s", from, got.ID, name, want.ID)
	case !slices.Equal(got.Rooms, want.Rooms) || !slices.Contains(got.Rooms, got.ID) || len(got.Rooms) != 3:
		w.Errorf("%s: rooms %q, want %q", from, got.Rooms, want.Rooms)
	case got.Data["name"] != name || got.Data["n"] != 1.0:
		w.Errorf("%s: data %v", from, got.Data)
	case !slices.Equal(keys, handshakeKeys):
		w.Errorf("%s: handshake has %q", from, keys)
	case query["EIO"] != "4" || got.Handshake["issued"].(float64) < 1e12 || got.Handshake["secure"] != false:
		w.Errorf("%s: handshake %v", from, got.Handshake)
	}
	a, _ := json.Marshal(got.Handshake)
	b, _ := json.Marshal(want.Handshake)
	if string(a) != string(b) {
		w.Errorf("%s: handshake\n %s, elsewhere\n %s", from, a, b)
	}
}

func (w *mixed) seesAllRooms(p *peer) {
	w.Helper()
	rooms, err := p.ours.adapter.AllRooms(w.Context(), "/")
	if err != nil {
		w.Error(err)
	}
	for _, s := range p.fetch(w.T, "") { // it asks the others only
		rooms = append(rooms, s.Rooms...)
	}
	slices.Sort(rooms)
	w.allRooms(p.name, slices.Compact(rooms))
	ids, err := p.ours.adapter.SocketIDs(w.Context(), "/", "red")
	if w.checked++; err != nil || len(ids) != 2 {
		w.Errorf("%s: socket ids %q, %v", p.name, ids, err)
	}
}

func (w *mixed) allRooms(from string, got []string) {
	w.Helper()
	want := []string{"all", "red", "blue"}
	for name, id := range w.ids {
		if !strings.HasPrefix(name, "chat") {
			want = append(want, id)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if w.checked++; !slices.Equal(got, want) {
		w.Errorf("%s: all rooms are %q, want %q", from, got, want)
	}
}

// Acks come from clients of every server, to every server.
func TestMixedClusterGathersAcks(t *testing.T) {
	onEachLayout(t, func(w *mixed) {
		for _, p := range w.peers {
			w.acks(p, "", everybody)
			w.acks(p, "red", "0a 1a 2a")
			w.acks(p, w.ids["2b"], "2b")
			w.acks(p, w.ids["0a"], "0a")
			w.acks(p, "nobody", "")
		}
		// Those that say nothing are no value, and no delay.
		for _, p := range w.peers {
			start, n := time.Now(), 0
			if p.node != nil {
				p.node.do(&n, `return (await io.timeout(20000).emitWithAck("ask for nothing")).length`)
			} else {
				replies, err := p.ours.io.Of("/").EmitWithAck(w.Context(), "ask for nothing")
				if n = len(replies); err != nil {
					w.Errorf("%s: %v", p.name, err)
				}
			}
			if w.checked++; n != 6 || time.Since(start) > 3*time.Second {
				w.Errorf("%s: %d empty acks after %v", p.name, n, time.Since(start))
			}
		}
		// The events of a server keep their order, those with acks among them.
		for _, p := range w.peers {
			if p.node != nil {
				p.node.do(nil, `for (let i = 0; i < 50; i++) i %% 2 ? io.emit("n", i) : io.timeout(5000).emit("n", i, () => {})`)
			} else {
				for i := range 50 {
					if i%2 == 1 {
						_ = p.ours.io.Of("/").Emit("n", i)
						continue
					}
					ended, cancel := context.WithTimeout(w.Context(), 0) // nobody answers
					_, _ = p.ours.io.Of("/").EmitWithAck(ended, "n", i)
					cancel()
				}
			}
			for name, got := range w.mark(p.marker(w.T)) {
				if strings.HasPrefix(name, "chat") {
					continue
				}
				text, _ := json.Marshal(got)
				var want []any
				for i := range 50 {
					want = append(want, []any{"n", i})
				}
				wanted, _ := json.Marshal(want)
				if w.checked++; !sameJSON(onlyN(text), string(wanted)) {
					w.Errorf("%s: client %s got %s", p.name, name, text)
				}
			}
		}
	})
}

// onlyN drops the events of other turns.
func onlyN(text []byte) string {
	var all [][]any
	_ = json.Unmarshal(text, &all)
	kept := slices.DeleteFunc(all, func(e []any) bool { return e[0] != "n" })
	out, _ := json.Marshal(kept)
	return string(out)
}

// acks asks the clients in a room and compares who has answered, and what.
func (w *mixed) acks(p *peer, room, want string) {
	w.Helper()
	type answer struct {
		Name string
		Args []any
	}
	var answers []answer
	if p.node != nil {
		p.node.do(&answers, `return io.timeout(5000)%s.emitWithAck("ask", Buffer.from([1, 2]), "ü")`, in(room))
	} else {
		e := p.ours.io.Of("/").Timeout(5 * time.Second)
		if room != "" {
			e = e.To(room)
		}
		replies, err := e.EmitWithAck(w.Context(), "ask", []byte{1, 2}, "ü")
		if err != nil {
			w.Errorf("%s: %v", p.name, err)
		}
		for _, r := range replies {
			var a struct {
				Name string
				Args []socketio.Raw
			}
			if err := r.Arg(0).Bind(&a); err != nil || len(a.Args) != 2 {
				w.Errorf("%s: reply %s: %v", p.name, r.From(0).JSON(), err)
				continue
			}
			var bytes []byte
			_ = a.Args[0].Bind(&bytes)
			text, _ := a.Args[1].String()
			answers = append(answers, answer{a.Name, []any{map[string]any{"bytes": fmt.Sprintf("%x", bytes)}, text}})
		}
	}
	var names []string
	for _, a := range answers {
		names = append(names, a.Name)
		args, _ := json.Marshal(a.Args)
		if w.checked++; !sameJSON(string(args), `[{"bytes":"0102"},"ü"]`) {
			w.Errorf("%s: client %s answered %s", p.name, a.Name, args)
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != want {
		w.Errorf("%s: acks of %q from %q, want %q", p.name, room, got, want)
	}
}

// What one server does to sockets happens to those of all.
func TestMixedClusterChangesSockets(t *testing.T) {
	onEachLayout(t, func(w *mixed) {
		for i, p := range w.peers {
			green, lime := fmt.Sprint("green", i), fmt.Sprint("lime", i)
			p.change(w, `.in("red").except("`+w.ids["0a"]+`").socketsJoin(["`+green+`", "`+lime+`"])`, func(ns *socketio.Namespace) error {
				return ns.In("red").Except(w.ids["0a"]).SocketsJoin(w.Context(), green, lime)
			})
			w.members(green, 2)
			for _, from := range w.peers { // the room is heard as well
				if from.node != nil {
					from.node.do(nil, `io.to(%q).emit("in", %q)`, green, green)
				} else if err := from.ours.io.Of("/").To(green).Emit("in", green); err != nil {
					w.Error(err)
				}
				w.expect("the new room from "+from.name, w.mark(from.marker(w.T)), `["in","`+green+`"]`, "1a", "2a")
			}
			p.change(w, `.in("`+w.ids["1a"]+`").socketsLeave("`+green+`")`, func(ns *socketio.Namespace) error {
				return ns.In(w.ids["1a"]).SocketsLeave(w.Context(), green)
			})
			w.members(green, 1)
			w.members(lime, 2)
		}
		for i, p := range w.peers {
			doomed := fmt.Sprint("doomed", i)
			for k, from := range w.peers {
				w.connect(fmt.Sprint("x", i, k), from.url(w), doomed)
			}
			p.change(w, `.in("`+doomed+`").disconnectSockets(`+fmt.Sprint(i == 1)+`)`, func(ns *socketio.Namespace) error {
				return ns.In(doomed).DisconnectSockets(w.Context(), i == 1)
			})
			for k := range w.peers {
				w.isGone(fmt.Sprint("x", i, k))
			}
			w.members(doomed, 0)
		}
		w.members("all", 6)
	})
}

func (p *peer) url(w *mixed) (url string) {
	if p.node == nil {
		return p.ours.url
	}
	p.node.do(&url, "return `http://127.0.0.1:${io.httpServer.address().port}`")
	return url
}

func (p *peer) change(w *mixed, js string, ours func(ns *socketio.Namespace) error) {
	w.Helper()
	if p.node != nil {
		p.node.do(nil, `io%s`, js)
	} else if err := ours(p.ours.io.Of("/")); err != nil {
		w.Errorf("%s: %v", p.name, err)
	}
}

// Programs talk to each other, and every other one answers.
func TestMixedClusterServerSideEmits(t *testing.T) {
	onEachLayout(t, func(w *mixed) {
		for _, p := range w.peers {
			p.change(w, `.serverSideEmit("hello", "plain", {n: 1})`, func(ns *socketio.Namespace) error {
				return ns.ServerSideEmit("hello", "plain", map[string]int{"n": 1})
			})
			w.othersHear(p, `["plain",{"n":1}]`)
			var names []string
			if p.node != nil {
				p.node.do(&names, `return (await io.serverSideEmitWithAck("hello", "ask", "ü")).map((a) => a.name + JSON.stringify(a.args))`)
			} else {
				replies, err := p.ours.io.Of("/").ServerSideEmitWithAck(w.Context(), "hello", "ask", "ü")
				if err != nil {
					w.Errorf("%s: %v", p.name, err)
				}
				for _, r := range replies {
					var a struct {
						Name string
						Args json.RawMessage
					}
					if err := r.Arg(0).Bind(&a); err != nil {
						w.Error(err)
					}
					names = append(names, a.Name+string(a.Args))
				}
			}
			var want []string
			for _, other := range w.peers {
				if other != p {
					want = append(want, other.name+`["ask","ü"]`)
				}
			}
			slices.Sort(names)
			slices.Sort(want)
			if w.checked++; !slices.Equal(names, want) {
				w.Errorf("%s was answered %q, want %q", p.name, names, want)
			}
			w.othersHear(p, `["ask","ü"]`)
			if p.ours != nil { // bytes, which the official adapter can read, but not write
				if err := p.ours.io.Of("/").ServerSideEmit("hello", []byte{1, 2}); err != nil {
					w.Error(err)
				}
				for _, other := range w.peers {
					if other.node != nil {
						w.heard(other, `[{"bytes":"0102"}]`)
					}
				}
			}
		}
	})
}

// othersHear waits until all but p have got an event, and checks that p has not.
func (w *mixed) othersHear(p *peer, want string) {
	w.Helper()
	for _, other := range w.peers {
		if other != p {
			w.heard(other, want)
		}
	}
	if w.checked++; p.takeHeard(want) {
		w.Errorf("%s heard itself: %s", p.name, want)
	}
}

// An event that no program listens for does not keep its sender waiting, if the others
// are ours.
func TestUnknownServerSideEventIsAnswered(t *testing.T) {
	w := startMixed(t, "ngg")
	var answers []any
	w.peers[0].node.do(&answers, `return io.serverSideEmitWithAck("nobody listens")`)
	if len(answers) != 2 {
		t.Errorf("answers: %v", answers)
	}
}
