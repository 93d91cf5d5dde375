package redis

import (
	"fmt"
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// hostileTarget is a sharded node whose bus the test publishes on.
func hostileTarget(t *testing.T) (m, other *member, s *Sharded) {
	t.Helper()
	cfg := Config{URL: redistest.Start(t), Prefix: redistest.Prefix(t), SubscriptionMode: Dynamic}
	m, other = start(t, cfg, "tag1"), start(t, cfg, "tag2")
	m.join("/", "room")
	m.join("/other")
	return m, other, m.bus.(*Sharded)
}

// TestTruncatedShardedMessagesAreSkipped cuts messages of every type at every byte.
func TestTruncatedShardedMessagesAreSkipped(t *testing.T) {
	m, other, s := hostileTarget(t)
	c := direct(t)
	for name, payload := range shardedPayloads(t) {
		t.Run(name, func(t *testing.T) {
			var cuts []string
			for n := range payload {
				cuts = append(cuts, payload[:n])
			}
			before := m.Stats()
			spublish(t, c, s.names.all("/"), cuts...)
			if got := m.until(other, "/"); len(got) != 0 {
				t.Errorf("delivered %q", got)
			}
			eventually(t, "the marker is counted", func() bool { return m.Stats().Delivered == before.Delivered+1 })
			if n := m.Stats().Dropped[DropMalformed] - before.Dropped[DropMalformed]; n != uint64(len(cuts)) {
				t.Errorf("%d of %d are malformed: %v", n, len(cuts), m.Stats().Dropped)
			}
			accepted := m.Stats().Requests + m.Stats().Delivered
			spublish(t, c, s.names.all("/"), payload)
			eventually(t, "the whole message accepted", func() bool { return m.Stats().Requests+m.Stats().Delivered == accepted+1 })
			for len(m.node.delivered) > 0 {
				<-m.node.delivered
			}
		})
	}
}

// TestBadShardedMessageIsSkipped has what hostile-inputs.md 2.8 lists, for the sharded
// envelope.
func TestBadShardedMessageIsSkipped(t *testing.T) {
	m, other, s := hostileTarget(t)
	c := direct(t)
	const opts = `"opts":{"rooms":[],"except":[],"flags":{}}`
	const tail = `,"uid":"u","nsp":"/"}`
	const packet = `{"type":3,"data":{"packet":{"type":2,"data":["no"]},`
	question, err := s.calls.begin(askSockets, "/", 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.calls.end(question)
	mine := `"requestId":"` + question.id + `"`
	all, room, answers := s.names.all("/"), s.names.room("/", "room"), s.names.room("/", s.uid)
	for _, row := range []struct {
		name, channel, payload string
		want                   Reason
	}{
		{"empty", all, "", DropMalformed},
		{"one byte", all, "\xff", DropMalformed},
		{"too large", all, repeat("{", 17<<20), DropTooLarge},
		{"a million levels of JSON", all, repeat(`{"a":`, 1e6), DropMalformed},
		{"a million levels of MessagePack", all, repeat("\x91", 1e6), DropTooDeep},
		{"announced map", all, "\xdf\xff\xff\xff\xff", DropMalformed},
		{"array", all, packed(t, `["u",{},{}]`), DropMalformed},
		{"nothing in it", all, `{}`, DropNamespace},
		{"uid is a number", all, packet + opts + `},"uid":1,"nsp":"/"}`, DropMalformed},
		{"type is text", all, `{"type":"3"` + tail, DropMalformed},
		{"type is negative", all, `{"type":-3` + tail, DropMalformed},
		{"type is unknown", all, `{"type":2,"data":{}` + tail, DropUnknownRequest},
		{"type is beyond", all, `{"type":13,"data":{}` + tail, DropUnknownRequest},
		{"other namespace", all, packet + opts + `},"uid":"u","nsp":"/other"}`, DropNamespace},
		{"other namespace in the packet", all, `{"type":3,"data":{"packet":{"type":2,"data":["a"],"nsp":"/other"},` + opts + `}` + tail, DropNamespace},
		{"other room", room, packet + `"opts":{"rooms":["other"],"except":[]}}` + tail, DropRooms},
		{"everybody by a room's channel", room, packet + opts + `}` + tail, DropRooms},
		{"question by a room's channel", room, packet + `"opts":{"rooms":["room"]},"requestId":"q"}` + tail, DropRooms},
		{"request by a room's channel", room, `{"type":6,"data":{` + opts + `}` + tail, DropRooms},
		{"rooms are a map", all, packet + `"opts":{"rooms":{}}}` + tail, DropMalformed},
		{"room is a list", all, packet + `"opts":{"rooms":[[]]}}` + tail, DropMalformed},
		{"room is no text", all, packet + `"opts":{"rooms":["` + "\xff" + `"]}}` + tail, DropMalformed},
		{"flag is a number", all, packet + `"opts":{"flags":{"volatile":1}}}` + tail, DropMalformed},
		{"connect packet", all, `{"type":3,"data":{"packet":{"type":0,"data":["a"]},` + opts + `}` + tail, DropNotEvent},
		{"data is a map", all, `{"type":3,"data":{"packet":{"type":2,"data":{}},` + opts + `}` + tail, DropNotEvent},
		{"no packet", all, `{"type":3,"data":{` + opts + `}` + tail, DropNotEvent},
		{"packet is null", all, `{"type":3,"data":{"packet":null}` + tail, DropMalformed},
		{"no data", all, `{"type":3` + tail, DropMalformed},
		{"join of nobody", all, `{"type":4,"data":{"rooms":["a"]}` + tail, DropMalformed},
		{"join of nothing", all, `{"type":4,"data":{` + opts + `}` + tail, DropMalformed},
		{"close is text", all, `{"type":6,"data":{` + opts + `,"close":"yes"}` + tail, DropMalformed},
		{"question without id", all, `{"type":7,"data":{` + opts + `}` + tail, DropMalformed},
		{"event is no list", all, `{"type":9,"data":{"packet":"a"}` + tail, DropNotEvent},
		{"answer by the namespace's channel", all, `{"type":8,"data":{` + mine + `,"sockets":[]}` + tail, DropMalformed},
		{"answer to nothing", answers, `{"type":8,"data":{"requestId":"x","sockets":[]}` + tail, DropLate},
		{"answer of another type", answers, `{"type":10,"data":{` + mine + `,"packet":1}` + tail, DropMalformed},
		{"answer without sockets", answers, `{"type":8,"data":{` + mine + `}` + tail, DropMalformed},
		{"answer with numbers", answers, `{"type":8,"data":{` + mine + `,"sockets":[1]}` + tail, DropMalformed},
		{"answer to another namespace", s.names.room("/other", s.uid), `{"type":8,"data":{` + mine + `,"sockets":[]},"uid":"u","nsp":"/other"}`, DropNamespace},
		{"own name, never sent", all, packet + opts + `},"uid":"` + s.uid + `","nsp":"/"}`, DropForged},
		{"panic", all, `{"type":3,"data":{"packet":{"type":2,"data":["panic"]},` + opts + `}` + tail, DropPanic},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := m.Stats().Dropped[row.want]
			spublish(t, c, row.channel, row.payload)
			if got := m.until(other, "/"); len(got) != 0 {
				t.Errorf("delivered %q", got)
			}
			if n := m.Stats().Dropped[row.want] - before; n != 1 {
				t.Errorf("%d counted as %q: %v", n, row.want, m.Stats().Dropped)
			}
		})
	}
	if !m.Healthy() {
		t.Error("not healthy any more")
	}
}

// TestShardedSubscriptionsReturnToTheirBaseline joins and leaves rooms, and counts what Redis
// counts.
func TestShardedSubscriptionsReturnToTheirBaseline(t *testing.T) {
	cfg := Config{URL: redistest.Start(t), Prefix: redistest.Prefix(t), SubscriptionMode: Dynamic, Linger: 1}
	m := start(t, cfg, "tag1")
	m.join("/")
	c := direct(t)
	count := func() int {
		list, err := c.PubSubShardChannels(t.Context(), cfg.Prefix+"#*").Result()
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	baseline := count()
	var rooms []string
	for i := range 300 {
		rooms = append(rooms, fmt.Sprint("room", i))
	}
	m.join("/", rooms...)
	if n := count(); n != baseline+len(rooms) {
		t.Errorf("%d subscriptions for %d rooms", n-baseline, len(rooms))
	}
	for _, room := range rooms {
		if err := m.Leave(t.Context(), "/", room); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "baseline", func() bool { return count() == baseline && m.Stats().Subscriptions == baseline })
}

// FuzzShardedEnvelope holds that no payload stops the receiver, and that what is understood
// can be sent on.
func FuzzShardedEnvelope(f *testing.F) {
	for _, payload := range shardedPayloads(f) {
		f.Add(payload)
	}
	f.Add(`{"type":3,"data":{"packet":{"data":[],"type":2},"opts":{"rooms":[1,null,"\u0041"]}}}`)
	f.Fuzz(func(t *testing.T, payload string) {
		m, err := decodeSharded(payload, 1<<16)
		if err != nil {
			return
		}
		if b, _, _, err := m.broadcast(); err == nil && (len(b.Data) == 0 || b.Data[0] != '[') {
			t.Fatalf("%q is no event", b.Data)
		}
		_, _ = m.fields("opts", "packet", "sockets")
	})
}
