package redis

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// emitRow is one emit in both languages, the event that clients get, and which do.
type emitRow struct {
	name string
	js   string // after "io"
	ours func(io *socketio.Server, id func(string) string) error
	want string
	to   string // names of clients
	// volatile: a client that could not be written to at that moment does not get it.
	volatile bool
}

const everybody = "0a 0b 1a 1b 2a 2b"

var emitRows = []emitRow{
	{"to everybody", `.emit("a", 1, {x: [true, null]})`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("a", 1, map[string]any{"x": []any{true, nil}})
	}, `["a",1,{"x":[true,null]}]`, everybody, false},
	{"to a room", `.to("red").emit("b")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("red").Emit("b")
	}, `["b"]`, "0a 1a 2a", false},
	{"to several rooms", `.to("red").to("blue").to("all").emit("c")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("red", "blue", "all").Emit("c")
	}, `["c"]`, everybody, false},
	{"to a room with except", `.to("all").except("red").emit("d")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("all").Except("red").Emit("d")
	}, `["d"]`, "0b 1b 2b", false},
	{"to everybody but some sockets", `.except(["ID(0a)", "ID(2b)"]).emit("e")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").Except(id("0a"), id("2b")).Emit("e")
	}, `["e"]`, "0b 1a 1b 2a", false},
	{"to a socket of node 0", `.to("ID(0b)").emit("f")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").To(id("0b")).Emit("f")
	}, `["f"]`, "0b", false},
	{"to a socket of node 1", `.to("ID(1b)").emit("f")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").To(id("1b")).Emit("f")
	}, `["f"]`, "1b", false},
	{"to a socket of node 2", `.to("ID(2a)").emit("f")`, func(io *socketio.Server, id func(string) string) error {
		return io.Of("/").To(id("2a")).Emit("f")
	}, `["f"]`, "2a", false},
	{"binary", `.emit("g", Buffer.from([0, 255]), {deep: [new Uint8Array([7])]}, Buffer.alloc(0))`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("g", []byte{0, 255}, map[string]any{"deep": []any{socketio.Binary{7}}}, []byte{})
	}, `["g",{"bytes":"00ff"},{"deep":[{"bytes":"07"}]},{"bytes":""}]`, everybody, false},
	{"dates", `.to("red").emit("h", new Date(1577836800123))`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").To("red").Emit("h", time.UnixMilli(1577836800123).UTC())
	}, `["h","2020-01-01T00:00:00.123Z"]`, "0a 1a 2a", false},
	// From 2^64 on, notepack.io writes another number.
	{"big integers", `.emit("i", 9007199254740991, -9007199254740991, 4294967296, 2147483648, -2147483649, 1e-7, 0.1)`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("i", 9007199254740991, -9007199254740991, 4294967296, 2147483648, -2147483649, 1e-7, 0.1)
	}, `["i",9007199254740991,-9007199254740991,4294967296,2147483648,-2147483649,1e-7,0.1]`, everybody, false},
	{"unicode", `.emit("Grüße 🚀", "日本語\u2028\u0000\ud83d\ude00", {"ключ": "\"\\"})`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("Grüße 🚀", "日本語\u2028\u0000😀", map[string]string{"ключ": `"\`})
	}, `["Grüße 🚀","日本語\u2028\u0000😀",{"ключ":"\"\\"}]`, everybody, false},
	{"large", `.emit("j", "x".repeat(300000), Buffer.alloc(70000, 7))`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Emit("j", strings.Repeat("x", 300000), []byte(strings.Repeat("\x07", 70000)))
	}, `["j","` + strings.Repeat("x", 300000) + `",{"bytes":"` + strings.Repeat("07", 70000) + `"}]`, everybody, false},
	{"volatile and uncompressed", `.volatile.compress(false).emit("k")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Volatile().Compress(false).Emit("k")
	}, `["k"]`, everybody, true},
	{"local", `.local.to("nobody").emit("l")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/").Local().To("nobody").Emit("l")
	}, `["l"]`, "", false},
	{"in another namespace", `.of("/chat").emit("m")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/chat").Emit("m")
	}, `["m"]`, "chat chat2", false},
	{"to a room of another namespace", `.of("/chat").to("red").emit("n")`, func(io *socketio.Server, _ func(string) string) error {
		return io.Of("/chat").To("red").Emit("n")
	}, `["n"]`, "chat2", false},
}

// Every kind of emit, from every server of the cluster, to clients of every server.
func TestMixedClusterEmits(t *testing.T) {
	onEachLayout(t, append(bothLayouts, layout{"exact private rooms", "nxg", ""},
		layout{"static", "ngg", Static}, layout{"dynamic-private", "ngg", DynamicPrivate}), (*mixed).emits)
}

func (w *mixed) emits() {
	for _, row := range emitRows {
		for _, p := range w.peers {
			w.check(row, p.name, p.marker(w.T), func() {
				if p.node != nil {
					p.node.do(nil, `io%s`, w.withIDs(row.js))
				} else if err := row.ours(p.ours.io, func(name string) string { return w.ids[name] }); err != nil {
					w.Error(err)
				}
			})
		}
	}
}

// check compares what clients get of a row that emit sends. What may be dropped is sent until
// each has got it, and then compared with what each got first.
func (w *mixed) check(row emitRow, from string, marker func(namespace, marker string, rooms ...string), emit func()) {
	w.Helper()
	to := strings.Fields(row.to)
	emit()
	got := w.mark(marker)
	for tries := 1; row.volatile && tries < 50 && missing(got, to); tries++ {
		emit()
		for name, events := range w.mark(marker) {
			got[name] = append(got[name], events...)
		}
	}
	if row.volatile {
		for name, events := range got {
			got[name] = events[:min(len(events), 1)]
		}
	}
	w.expect(row.name+" from "+from, got, row.want, to...)
}

// missing reports whether somebody in to has got nothing.
func missing(got map[string][]any, to []string) bool {
	return slices.ContainsFunc(to, func(name string) bool { return len(got[name]) == 0 })
}

// Everything that the official emitter can send.
func TestMixedClusterHearsTheEmitter(t *testing.T) {
	onEachLayout(t, layouts, func(w *mixed) {
		emitter := w.peers[0].node
		marker := func(namespace, marker string, _ ...string) {
			emitter.do(nil, `emitter.of(%q).emit("marker", %q)`, namespace, marker)
		}
		for _, row := range emitRows {
			if row.name == "local" {
				continue // it has no such flag
			}
			w.check(row, "the emitter", marker, func() { emitter.do(nil, `emitter%s`, w.withIDs(row.js)) })
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
