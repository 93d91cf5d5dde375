package redis

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// The bytes are notepack.io's and JSON.stringify's, for what the official adapter sends.
func TestRequestsAreWrittenAsTheOfficialAdapterDoes(t *testing.T) {
	target := socketio.Target{Namespace: "/", Rooms: []string{"r1"}, Except: []string{"x"}}
	change := func(c socketio.Change) func([]byte) ([]byte, error) {
		return func(dst []byte) ([]byte, error) {
			r, err := newChangeRequest("AAAAAA", &c)
			if err != nil {
				return dst, err
			}
			return appendJSON(dst, r)
		}
	}
	asJSON := func(v any) func([]byte) ([]byte, error) {
		return func(dst []byte) ([]byte, error) { return appendJSON(dst, v) }
	}
	three := 3
	for _, row := range []struct {
		name  string
		write func([]byte) ([]byte, error)
		want  string
	}{
		{"all rooms", asJSON(jsonRequest{UID: "AAAAAA", ID: "BBBBBB", Type: askRooms}), `{"uid":"AAAAAA","requestId":"BBBBBB","type":1}`},
		{"fetch", asJSON(jsonRequest{UID: "AAAAAA", ID: "BBBBBB", Type: askSockets, Opts: newJSONTarget(target)}), `{"uid":"AAAAAA","requestId":"BBBBBB","type":5,"opts":{"rooms":["r1"],"except":["x"]}}`},
		{"fetch all", asJSON(jsonRequest{UID: "AAAAAA", ID: "BBBBBB", Type: askSockets, Opts: newJSONTarget(socketio.Target{})}), `{"uid":"AAAAAA","requestId":"BBBBBB","type":5,"opts":{"rooms":[],"except":[]}}`},
		{"join", change(socketio.Change{Target: target, Kind: socketio.ChangeJoin, ChangeRooms: []string{"<a&b>"}}), `{"uid":"AAAAAA","type":2,"opts":{"rooms":["r1"],"except":["x"]},"rooms":["<a&b>"]}`},
		{"leave", change(socketio.Change{Target: target, Kind: socketio.ChangeLeave}), `{"uid":"AAAAAA","type":3,"opts":{"rooms":["r1"],"except":["x"]},"rooms":[]}`},
		{"disconnect", change(socketio.Change{Target: target, Kind: socketio.ChangeDisconnect}), `{"uid":"AAAAAA","type":4,"opts":{"rooms":["r1"],"except":["x"]},"close":false}`},
		{"close", change(socketio.Change{Target: target, Kind: socketio.ChangeDisconnect, Close: true}), `{"uid":"AAAAAA","type":4,"opts":{"rooms":["r1"],"except":["x"]},"close":true}`},
		{"server-side emit", func(dst []byte) ([]byte, error) {
			return appendServerEvent(dst, "AAAAAA", "", &socketio.ServerEvent{Data: []byte(`["hi", "<ü>"]`)})
		}, `{"uid":"AAAAAA","type":6,"data":["hi","<ü>"]}`},
		{"server-side emit with ack", func(dst []byte) ([]byte, error) {
			return appendServerEvent(dst, "AAAAAA", "BBBBBB", &socketio.ServerEvent{Data: []byte(`["hi"]`)})
		}, `{"uid":"AAAAAA","requestId":"BBBBBB","type":6,"data":["hi"]}`},
		{"broadcast with ack", func(dst []byte) ([]byte, error) {
			b := &socketio.Broadcast{Namespace: "/", Data: []byte(`["q"]`)}
			return appendAckedBroadcast(dst, "AAAAAA", "BBBBBB", b, time.Second)
		}, "85a3756964a6414141414141a9726571756573744964a6424242424242a47479706507a67061636b657483a47479706502a46461746191a171a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a5666c61677381a774696d656f7574cd03e8"},
		{"client count", asJSON(jsonResponse{Type: clientCount, ID: "BBBBBB", ClientCount: &three}), `{"type":8,"requestId":"BBBBBB","clientCount":3}`},
		{"no clients", asJSON(jsonResponse{Type: clientCount, ID: "BBBBBB", ClientCount: new(int)}), `{"type":8,"requestId":"BBBBBB","clientCount":0}`},
		{"ack", func(dst []byte) ([]byte, error) {
			return appendAck(dst, clientAck, "BBBBBB", "packet", socketio.Ack{Data: []byte(`["ok"]`)})
		}, "83a47479706509a9726571756573744964a6424242424242a67061636b6574a26f6b"},
		{"ack of nothing", func(dst []byte) ([]byte, error) {
			return appendAck(dst, clientAck, "BBBBBB", "packet", socketio.Ack{Data: []byte(`[]`)})
		}, "82a47479706509a9726571756573744964a6424242424242"},
		{"server-side reply", func(dst []byte) ([]byte, error) {
			return appendServerReply(dst, "BBBBBB", "", socketio.Ack{Data: []byte(`[{"a":1}]`)})
		}, `{"type":6,"requestId":"BBBBBB","data":{"a":1}}`},
		{"server-side reply of nothing", func(dst []byte) ([]byte, error) {
			return appendServerReply(dst, "BBBBBB", "", socketio.Ack{Data: []byte(`[]`)})
		}, `{"type":6,"requestId":"BBBBBB"}`},
		{"no sockets", asJSON(jsonResponse{ID: "BBBBBB", Sockets: describe(nil)}), `{"requestId":"BBBBBB","sockets":[]}`},
		{"socket", asJSON(jsonResponse{ID: "BBBBBB", Sockets: describe([]socketio.SocketInfo{{ID: "a", Rooms: []string{"a"}, Data: json.RawMessage("null")}})}), `{"requestId":"BBBBBB","sockets":[{"id":"a","handshake":{},"rooms":["a"],"data":{}}]}`},
		{"no rooms", asJSON(jsonResponse{ID: "BBBBBB", Rooms: []string{}}), `{"requestId":"BBBBBB","rooms":[]}`},
		{"confirmation", asJSON(jsonResponse{ID: "BBBBBB"}), `{"requestId":"BBBBBB"}`},
	} {
		got, err := row.write([]byte("before"))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		text := string(got[len("before"):])
		if text[0] != '{' {
			text = hex.EncodeToString([]byte(text))
		}
		if text != row.want {
			t.Errorf("%s\n got %s\nwant %s", row.name, text, row.want)
		}
	}
}

// What has several arguments, or bytes, comes out as it went in: acks between two of our
// nodes lose nothing.
func TestAcksBetweenOurNodesAreWhole(t *testing.T) {
	const placeholder = `{"_placeholder":true,"num":`
	for _, ack := range []socketio.Ack{
		{Data: []byte(`[]`)},
		{Data: []byte(`[null]`)},
		{Data: []byte(`["a",{"b":[1,2.5]},null]`)},
		{Data: []byte(`[` + placeholder + `0},["x",` + placeholder + `1}]]`), Attachments: [][]byte{{1}, {}}},
		{Data: []byte(`["x",` + placeholder + `0}]`), Attachments: [][]byte{{2, 3}}},
	} {
		for _, write := range []func() ([]byte, error){
			func() ([]byte, error) { return appendAck(nil, clientAck, "B", "packet", ack) },
			func() ([]byte, error) {
				text, err := appendServerReply(nil, "B", "A", ack)
				return text, err
			},
		} {
			text, err := write()
			if err != nil {
				t.Fatal(err)
			}
			f, err := decodeFields(string(text), "packet", "data", "more")
			if err != nil {
				t.Fatal(err)
			}
			key := "packet"
			if _, ok := f["data"]; ok {
				key = "data"
			}
			got, err := f.ack(key, 1000)
			if err != nil || string(got.Data) != string(ack.Data) || !reflect.DeepEqual(got.Attachments, ack.Attachments) {
				t.Errorf("%s became %s, %v: %v", ack.Data, got.Data, got.Attachments, err)
			}
		}
	}
}

// exampleRequests are requests of every type in every known form.
var exampleRequests = map[string]string{
	"sockets":             `{"uid":"u","requestId":"r","type":0,"rooms":["a"]}`,
	"sockets of old node": `{"requestId":"r","type":0,"rooms":[]}`,
	"rooms":               `{"uid":"u","requestId":"r","type":1}`,
	"join":                `{"uid":"u","type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["c"]}`,
	"join of one":         `{"type":2,"sid":"tag1abcdefghijklmnop","room":"c","requestId":"r"}`,
	"leave":               `{"type":3,"opts":{"rooms":["a"],"except":[]},"rooms":["c"]}`,
	"disconnect":          `{"type":4,"opts":{"rooms":["a"],"except":[]},"close":true}`,
	"disconnect of one":   `{"type":4,"sid":"tag1abcdefghijklmnop","close":false,"requestId":"r"}`,
	"fetch":               `{"uid":"u","requestId":"r","type":5,"opts":{"rooms":["a"],"except":["b"]}}`,
	"server-side":         `{"uid":"emitter","type":6,"data":["hello",{"a":[1]}]}`,
	"server-side asked":   `{"uid":"u","requestId":"r","type":6,"data":["hello"]}`,
	"acked":               unhex("85a3756964a6414141414141a9726571756573744964a6424242424242a47479706507a67061636b657483a47479706502a46461746191a171a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a5666c61677381a774696d656f7574cd03e8"),
}

func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// loneAnswerer answers without Redis: what it sends waits in the queue.
func loneAnswerer(t testing.TB) (*answerer, *testNode) {
	t.Helper()
	a, err := New(Config{URL: "redis://127.0.0.1:1", MaxMessageBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	n := newTestNode("tag1")
	n.sockets["/ tag1abcdefghijklmnop"] = true
	n.infos = []socketio.SocketInfo{{ID: "tag1abcdefghijklmnop", Rooms: []string{"tag1abcdefghijklmnop", "a"}}}
	a.answerer = newAnswerer(t.Context(), a, n)
	return a.answerer, n
}

// work carries out what waits for the workers.
func (a *answerer) work() {
	for _, w := range []*worker{a.questions, a.events} {
		for len(w.queue) > 0 {
			(<-w.queue).run()
		}
	}
}

// A request that ends too early is never carried out, wherever that is.
func TestTruncatedRequestDoesNothing(t *testing.T) {
	a, n := loneAnswerer(t)
	cuts := uint64(0)
	for name, whole := range exampleRequests {
		for cut := range len(whole) {
			a.request("/", &goredis.Message{Channel: "c", Payload: whole[:cut]})
			a.work()
			cuts++
		}
		if s := a.Stats(); s.Requests != 0 || s.QueuedMessages != 0 || n.touched() {
			t.Fatalf("%s: a part of it was carried out: %+v", name, s)
		}
	}
	if got := a.Stats().Dropped[DropMalformed]; got != cuts {
		t.Errorf("%d of %d counted: %v", got, cuts, a.Stats().Dropped)
	}
	for name, whole := range exampleRequests {
		before := a.Stats().Requests
		a.request("/", &goredis.Message{Channel: "c", Payload: whole})
		a.work()
		if a.Stats().Requests != before+1 {
			t.Errorf("%s: the whole of it was not carried out: %v", name, a.Stats().Dropped)
		}
	}
	t.Logf("%d truncations", cuts)
}

// FuzzRequest holds that no request breaks anything, in either form.
func FuzzRequest(f *testing.F) {
	for _, request := range exampleRequests {
		f.Add(request)
		if request[0] == '{' {
			b, _ := notepack.AppendJSON(nil, []byte(request), nil)
			f.Add(string(b))
		}
	}
	a, _ := loneAnswerer(f)
	f.Fuzz(func(t *testing.T, payload string) {
		a.request("/", &goredis.Message{Channel: "c", Payload: payload})
		a.work()
		a.publisher.take()
		if n := a.Stats().Dropped[DropPanic]; n > 0 {
			t.Fatalf("panic at %q", payload)
		}
	})
}

// FuzzResponse holds the same for answers, to every kind of question.
func FuzzResponse(f *testing.F) {
	for _, response := range []string{
		`{"requestId":"ID","sockets":[{"id":"a","handshake":{"x":1},"rooms":["a",1],"data":{}}]}`,
		`{"requestId":"ID","sockets":["a"],"uid":"u"}`, `{"requestId":"ID","rooms":["a"]}`,
		`{"type":6,"requestId":"ID","data":{"a":1},"more":[1,"x"]}`, `{"type":8,"requestId":"ID","clientCount":3}`,
		string(must(appendAck(nil, clientAck, "ID", "packet", socketio.Ack{Data: []byte(`["ok",2]`)}))),
	} {
		f.Add(response)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		const limit = 1 << 16
		for _, kind := range []messageType{askSocketIDs, askRooms, askSockets, serverEvent, ackedBroadcast} {
			calls := newCalls("AAAAAA", 1)
			c, err := calls.begin(kind, "/", 2, limit)
			if err != nil {
				t.Fatal(err)
			}
			fields, err := decodeFields(payload, responseFields...)
			if err != nil {
				return
			}
			for range 3 {
				_ = c.takeClassic(fields, len(payload))
			}
			if c.answered > c.expected || c.acked > c.clients || len(c.acks) > c.acked {
				t.Fatalf("%q: %d nodes and %d acks were counted, %d and %d expected", payload, c.answered, c.acked, c.expected, c.clients)
			}
			for _, ack := range c.acks {
				if !json.Valid(ack.Data) {
					t.Fatalf("%q became %q", payload, ack.Data)
				}
			}
		}
	})
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
