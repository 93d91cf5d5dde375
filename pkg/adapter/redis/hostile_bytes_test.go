package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// sample is a valid message of the bus, to be spoilt.
type sample struct {
	name, channel, payload string
	counted                func(Stats) uint64 // how many such have been accepted
}

// samples are messages of every kind, for a node that is m.
func samples(t *testing.T, m *member, prefix string) []sample {
	t.Helper()
	full := &socketio.Broadcast{
		Namespace: "/", Rooms: []string{"room", "other"}, Except: []string{"except"}, Volatile: true, NoCompress: true,
		Data:        []byte(`["event",{"a":[1,-2,3.5,null,true,"é"]},{"_placeholder":true,"num":0}]`),
		Attachments: [][]byte{{1, 2, 3}},
	}
	broadcast, err := appendEnvelope(nil, "emitter", full)
	if err != nil {
		t.Fatal(err)
	}
	acked, err := appendAckedBroadcast(nil, "peerA", "id", full, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	question, err := m.calls.begin(askSockets, "/", 1<<20, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.calls.end(question) })
	requests := func(s Stats) uint64 { return s.Requests }
	return []sample{
		{"broadcast", "#/#", string(broadcast), func(s Stats) uint64 { return s.Delivered }},
		{"request in JSON", "-request#/#", `{"uid":"peerA","type":2,"opts":{"rooms":["x"],"except":["y"]},"rooms":["z"]}`, requests},
		{"request in MessagePack", "-request#/#", string(acked), requests},
		{
			"response", "-response#/#" + m.uid + "#",
			`{"requestId":"` + question.id + `","sockets":[{"id":"s","rooms":["r"],"handshake":{},"data":{}}]}`,
			func(s Stats) uint64 { return s.Responses + s.ResponsesOfOthers },
		},
	}
}

// dropped sums up what has been dropped for a reason that says something about the bytes.
func (s Stats) dropped() (n uint64) {
	for _, reason := range reasons {
		n += s.Dropped[reason]
	}
	return n
}

// pour publishes payloads at once, and waits until m has dealt with all of them.
func (m *member) pour(c *goredis.Client, channel string, payloads []string) {
	m.t.Helper()
	before := m.Stats().Received
	pipe := c.Pipeline()
	for _, p := range payloads {
		pipe.Publish(context.Background(), channel, p)
	}
	if _, err := pipe.Exec(context.Background()); err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, "everything received", func() bool { return m.Stats().Received >= before+uint64(len(payloads)) })
}

// TestTruncatedMessagesAreSkipped cuts valid messages of every kind at every byte.
func TestTruncatedMessagesAreSkipped(t *testing.T) {
	members, prefix := cluster(t, 2)
	m, c := members[1], direct(t)
	m.join("/", "room")
	for _, s := range samples(t, m, prefix) {
		t.Run(s.name, func(t *testing.T) {
			var cuts []string
			for n := range s.payload {
				cuts = append(cuts, s.payload[:n])
			}
			before := m.Stats()
			m.pour(c, prefix+s.channel, cuts)
			if got := m.until(members[0], "/"); len(got) != 0 {
				t.Errorf("delivered %q", got)
			}
			eventually(t, "the marker is counted", func() bool { return m.Stats().Delivered > before.Delivered })
			after := m.Stats()
			malformed := after.Dropped[DropMalformed] - before.Dropped[DropMalformed]
			others := after.ResponsesOfOthers - before.ResponsesOfOthers // a response that is cut before its id
			if malformed+others != uint64(len(cuts)) || malformed == 0 {
				t.Errorf("of %d, %d malformed, %d not ours: %v", len(cuts), malformed, others, after.Dropped)
			}
			m.pour(c, prefix+s.channel, []string{s.payload})
			eventually(t, "the whole message accepted", func() bool { return s.counted(m.Stats()) == s.counted(after)+1 })
			for len(m.node.delivered) > 0 {
				<-m.node.delivered
			}
		})
	}
}

// announcements are beginnings of values that promise what is not there, or nest.
var announcements = []string{
	"\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01",
	"\xc5\xff\xff", "\xda\xff\xff", "\xdc\xff\xff", "\xde\xff\xff", "\xc4\xff", "\xd9\xff",
}

// otherTypes are small values of every other type.
var otherTypes = []string{
	"\x00", "\x80", "\x90", "\xa0", "\xc0", "\xc1", "\xc2", "\xc3", "\xc4\x00", "\xc7\x00\x01", "\xca\x7f\xc0\x00\x00",
	"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
	"\xd4\x00\x00", "\xd6\xff\xff\xff\xff\xff", "\xff", "\xe0", `"`, "[", "{", "}", "]", "\\", ",", ":", "1e999", "\xff\xfe",
}

// TestSpoiltMessagesAreSkippedWithoutGrowth puts lengths of 4 GB and values of the wrong
// type at every byte of valid messages. What is still understood is well formed, all the
// rest is counted, and neither costs memory beyond its size.
func TestSpoiltMessagesAreSkippedWithoutGrowth(t *testing.T) {
	members, prefix := cluster(t, 2)
	m, c := members[1], direct(t)
	m.join("/", "room")
	for _, s := range samples(t, m, prefix) {
		t.Run(s.name, func(t *testing.T) {
			var spoilt []string
			bytes := 0
			for n := range s.payload {
				for _, list := range [][]string{announcements, otherTypes} {
					for _, value := range list {
						spoilt = append(spoilt, s.payload[:n]+value+s.payload[n+1:])
						bytes += len(s.payload) + len(value)
					}
				}
			}
			var memory [2]runtime.MemStats
			before := m.Stats()
			runtime.ReadMemStats(&memory[0])
			for list := spoilt; len(list) > 0; list = list[min(500, len(list)):] {
				m.pour(c, prefix+s.channel, list[:min(500, len(list))])
				for len(m.node.delivered) > 0 {
					if b := <-m.node.delivered; !json.Valid(b.Data) {
						t.Fatalf("delivered %q", b.Data)
					}
				}
			}
			runtime.ReadMemStats(&memory[1])
			var after Stats
			var accepted, settled uint64
			eventually(t, "everything is settled", func() bool { // some of it by other goroutines
				after = m.Stats()
				accepted = s.counted(after) - s.counted(before)
				// A request that has been taken can still be refused by the node.
				settled = after.dropped() - before.dropped() + accepted + after.Own - before.Own
				return settled >= uint64(len(spoilt))
			})
			if after.Dropped[DropPanic] != 0 {
				t.Errorf("of %d, %d were accepted, and %d settled: %v", len(spoilt), accepted, settled, after.Dropped)
			}
			perMessage := (memory[1].TotalAlloc - memory[0].TotalAlloc) / uint64(len(spoilt))
			t.Logf("%d messages of %d bytes, %d accepted, %d bytes of memory each", len(spoilt), bytes/len(spoilt), accepted, perMessage)
			if perMessage > 64<<10 {
				t.Errorf("%d bytes of memory for a message", perMessage)
			}
			members[0].emit(event("/", marker))
			if got := string(m.next().Data); got != marker {
				t.Errorf("then came %s", got)
			}
		})
	}
	if !m.Healthy() {
		t.Error(fmt.Sprint("not healthy any more: ", m.Stats()))
	}
}
