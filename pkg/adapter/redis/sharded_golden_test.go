package redis

import (
	"encoding/hex"
	"regexp"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// queued takes the only message that waits to be published.
func queued(t *testing.T, s *Sharded) (channel, payload string) {
	t.Helper()
	batch := s.lanes[0].publisher.take()
	if len(batch) != 1 {
		t.Fatalf("%d messages wait", len(batch))
	}
	return batch[0].channel, string(*batch[0].payload)
}

var questionID = regexp.MustCompile(`"requestId":"[^"]*"`)

// TestShardedMessagesAreTheOfficialOnes has the official adapter publish, and wants the same
// bytes on the same channel from ours.
func TestShardedMessagesAreTheOfficialOnes(t *testing.T) {
	node := runNode(t, "sharded.cjs")
	target := socketio.Target{Namespace: "/chat", Rooms: []string{"red"}, Except: []string{"x"}}
	bytes := [][]byte{{0, 255}, {}}
	ours := map[SubscriptionMode]*Sharded{}
	for _, mode := range []SubscriptionMode{Dynamic, Static, DynamicPrivate} {
		s, err := NewSharded(Config{URL: "redis://127.0.0.1:1", Prefix: "p", SubscriptionMode: mode})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		s.uid, ours[mode] = "0123456789abcdef", s
	}
	broadcast := func(b socketio.Broadcast) func(s *Sharded) error {
		return func(s *Sharded) error { return s.Broadcast(t.Context(), &b, func() {}) }
	}
	change := func(c socketio.Change) func(s *Sharded) error {
		c.Target = target
		return func(s *Sharded) error { return s.Change(t.Context(), &c) }
	}
	answer := func(f func(a *shardedAnswerer, l *lane, e *shardedMessage) error) func(s *Sharded) error {
		return func(s *Sharded) error {
			a := newShardedAnswerer(t.Context(), s, newTestNode("aaaa"))
			return f(a, s.lanes[0], &shardedMessage{uid: "fedcba9876543210", namespace: "/"})
		}
	}
	for _, row := range []struct {
		js   string
		ours func(s *Sharded) error
	}{
		{`io.emit("a", 1, {x: [true, null, 0.5]})`, broadcast(socketio.Broadcast{Namespace: "/", Data: []byte(`["a",1,{"x":[true,null,0.5]}]`)})},
		{`io.to("red").emit("b", "ü\u2028\"\\\n")`, broadcast(socketio.Broadcast{Namespace: "/", Rooms: []string{"red"}, Data: []byte(`["b","ü` + "\u2028" + `\"\\\n"]`)})},
		{`io.to("01234567890123456789").emit("c")`, broadcast(socketio.Broadcast{Namespace: "/", Rooms: []string{"01234567890123456789"}, Data: []byte(`["c"]`)})},
		{`io.to("🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀").emit("c")`, broadcast(socketio.Broadcast{Namespace: "/", Rooms: []string{"🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀"}, Data: []byte(`["c"]`)})},
		{`io.to(["a\"b", "<&>\u0001"]).except("x").emit("d")`, broadcast(socketio.Broadcast{Namespace: "/", Rooms: []string{`a"b`, "<&>\x01"}, Except: []string{"x"}, Data: []byte(`["d"]`)})},
		{`io.of("/chat").volatile.compress(false).emit("e")`, broadcast(socketio.Broadcast{Namespace: "/chat", Data: []byte(`["e"]`), Volatile: true, NoCompress: true})},
		{`io.of("/chat").to("red").emit("f", Buffer.from([0, 255]), {deep: [new Uint8Array(0)]})`, broadcast(socketio.Broadcast{
			Namespace: "/chat", Rooms: []string{"red"}, Attachments: bytes,
			Data: []byte(`["f",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]`),
		})},
		{`io.of("/chat").in("red").except("x").socketsJoin(["g", "h"])`, change(socketio.Change{Kind: socketio.ChangeJoin, ChangeRooms: []string{"g", "h"}})},
		{`io.of("/chat").in("red").except("x").socketsLeave("g")`, change(socketio.Change{Kind: socketio.ChangeLeave, ChangeRooms: []string{"g"}})},
		{`io.of("/chat").in("red").except("x").disconnectSockets(true)`, change(socketio.Change{Kind: socketio.ChangeDisconnect, Close: true})},
		{`io.of("/chat").in("red").except("x").fetchSockets().catch(() => {})`, func(s *Sharded) error { return s.sendFetch(target, "id") }},
		{`io.of("/chat").serverSideEmit("hi", 1)`, func(s *Sharded) error {
			return s.ServerSideEmit(t.Context(), &socketio.ServerEvent{Namespace: "/chat", Data: []byte(`["hi",1]`)}, nil)
		}},
		{`io.of("/chat").serverSideEmit("hi", Buffer.from([0, 255]), Buffer.alloc(0))`, func(s *Sharded) error {
			return s.ServerSideEmit(t.Context(), &socketio.ServerEvent{
				Namespace: "/chat", Attachments: bytes, Data: []byte(`["hi",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`),
			}, nil)
		}},
		{`io.of("/chat").serverSideEmit("hi", () => {})`, func(s *Sharded) error {
			return s.sendServerEvent(&socketio.ServerEvent{Namespace: "/chat", Data: []byte(`["hi"]`)}, "id")
		}},
		{`answer(11, {requestId: "id", clientCount: 2})`, answer(func(a *shardedAnswerer, l *lane, e *shardedMessage) error {
			return a.respond(l, e, shardedClientCount, "id", nil, func(dst []byte) ([]byte, error) { return append(dst, `,"clientCount":2`...), nil })
		})},
		{`answer(12, {requestId: "id", packet: undefined})`, answer(func(a *shardedAnswerer, l *lane, e *shardedMessage) error {
			a.respondAck(l, e, shardedAck, "id", socketio.Ack{Data: []byte(`[]`)})
			return nil
		})},
		{`answer(12, {requestId: "id", packet: {b: Buffer.from([0, 255]), c: Buffer.alloc(0)}})`, answer(func(a *shardedAnswerer, l *lane, e *shardedMessage) error {
			a.respondAck(l, e, shardedAck, "id", socketio.Ack{Data: []byte(`[{"b":{"_placeholder":true,"num":0},"c":{"_placeholder":true,"num":1}}]`), Attachments: bytes})
			return nil
		})},
		{`answer(10, {requestId: "id", packet: "ok"})`, answer(func(a *shardedAnswerer, l *lane, e *shardedMessage) error {
			a.respondAck(l, e, shardedServerReply, "id", socketio.Ack{Data: []byte(`["ok"]`)})
			return nil
		})},
	} {
		for mode, s := range ours {
			node.tell(map[string]string{"mode": string(mode), "code": row.js})
			var want struct{ Channel, Payload string }
			node.hear(&want)
			if err := row.ours(s); err != nil {
				t.Fatalf("%s: %v", row.js, err)
			}
			wanted, _ := hex.DecodeString(want.Payload)
			channel, got := queued(t, s)
			if row.js[:3] == "io." { // the ids of questions are drawn
				got, wanted = questionID.ReplaceAllString(got, "ID"), questionID.ReplaceAll(wanted, []byte("ID"))
			}
			if channel != want.Channel || got != string(wanted) {
				t.Errorf("%s, %s:\n got %s %q\nwant %s %q", mode, row.js, channel, got, want.Channel, wanted)
			}
		}
	}
}

// shardedPayloads are messages of every type that is not an answer.
func shardedPayloads(t testing.TB) map[string]string {
	t.Helper()
	s, err := NewSharded(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.uid = "peer"
	b := &socketio.Broadcast{Namespace: "/", Rooms: []string{"a", "b"}, Except: []string{"c"}, Volatile: true, NoCompress: true, Data: []byte(`["e",{"a":[1,"\"}"]}]`)}
	text, err := s.appendShardedBroadcast(nil, b, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	b.Data, b.Attachments = []byte(`["e",{"_placeholder":true,"num":0}]`), [][]byte{{1, 2}}
	binary, err := s.appendShardedBroadcast(nil, b, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	asking, err := s.appendShardedBroadcast(nil, b, "q", 1)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"broadcast": string(text), "broadcast with bytes": string(binary), "broadcast with acks": string(asking),
		"join":         `{"type":4,"data":{"opts":{"rooms":["a"],"except":[],"flags":{}},"rooms":["b"]},"uid":"peer","nsp":"/"}`,
		"disconnect":   `{"type":6,"data":{"opts":{"rooms":["a"],"except":[],"flags":{}},"close":true},"uid":"peer","nsp":"/"}`,
		"fetch":        `{"type":7,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"requestId":"q"},"uid":"peer","nsp":"/"}`,
		"server event": `{"type":9,"data":{"packet":["e",1]},"uid":"peer","nsp":"/"}`,
	}
}

func spublish(t testing.TB, c *goredis.Client, channel string, payloads ...string) {
	t.Helper()
	pipe := c.Pipeline()
	for _, p := range payloads {
		pipe.SPublish(t.Context(), channel, p)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}
