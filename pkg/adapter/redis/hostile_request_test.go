package redis

import (
	"strings"
	"testing"
)

// TestBadRequestIsSkipped publishes to the channels of requests and responses what no
// node sends. Each message is counted by its reason, and the good event behind it arrives.
func TestBadRequestIsSkipped(t *testing.T) {
	members, prefix := cluster(t, 2)
	m, c := members[1], direct(t)
	m.join("/", "room")
	m.join("/x")
	question, err := m.calls.begin(askSockets, "/", 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer m.calls.end(question)
	const requests = "-request#/#"
	responses := "-response#/#" + m.uid + "#"
	acked := func(packet string) string {
		return packed(t, `{"uid":"peerA","requestId":"r","type":7,"packet":`+packet+`,"opts":{"rooms":[],"except":[],"flags":{}}}`)
	}
	list := func(n int) string { return "[" + strings.TrimSuffix(repeat(`"a",`, n), ",") + "]" }
	for _, row := range []struct {
		name, channel, payload string
		want                   Reason
	}{
		{"empty", requests, "", DropMalformed},
		{"half an object", requests, `{"type":1`, DropMalformed},
		{"a list", requests, `[1]`, DropMalformed},
		{"a million levels", requests, repeat("[", 1e6), DropMalformed},
		{"a million levels inside", requests, `{"uid":"p","type":6,"data":` + repeat("[", 1e6), DropTooDeep},
		{"a million levels of MessagePack", requests, "\x81\xa4data" + repeat("\x91", 1e6), DropMalformed},
		{"4 GB announced", requests, "\x81\xa3uid\xdb\xff\xff\xff\xff", DropMalformed},
		{"too large", requests, `{"type":1,"x":"` + repeat("a", 17<<20) + `"}`, DropTooLarge},
		{"no type", requests, `{"uid":"p","requestId":"r"}`, DropUnknownRequest},
		{"unknown type", requests, `{"uid":"p","requestId":"r","type":99}`, DropUnknownRequest},
		{"negative type", requests, `{"uid":"p","requestId":"r","type":-1}`, DropMalformed},
		{"rooms are a number", requests, `{"uid":"p","requestId":"r","type":0,"rooms":5}`, DropMalformed},
		{"rooms have a list in them", requests, `{"uid":"p","type":2,"opts":{"rooms":[["a"]]},"rooms":["b"]}`, DropMalformed},
		{"an ack is asked for another namespace", requests, acked(`{"type":2,"data":["e"],"nsp":"/x"}`), DropNamespace},
		{"an ack is asked for a disconnect packet", requests, acked(`{"type":1,"data":["e"],"nsp":"/"}`), DropNotEvent},
		{"an ack is asked for nothing", requests, acked(`{"type":2,"nsp":"/"}`), DropNotEvent},
		{"an event for the program is no list", requests, `{"uid":"p","type":6,"data":{"0":"e"}}`, DropNotEvent},
		{"response is half an object", responses, `{"requestId":"` + question.id, DropMalformed},
		{"response to a question of long ago", responses, `{"requestId":"` + m.uid + `0","sockets":[]}`, DropLate},
		{"response without a list", responses, `{"requestId":"` + question.id + `"}`, DropMalformed},
		{"sockets without ids", responses, `{"requestId":"` + question.id + `","sockets":[{}]}`, DropMalformed},
		{"a million sockets", responses, `{"requestId":"` + question.id + `","sockets":` + list(1e6) + `}`, DropTooLarge},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := m.Stats().Dropped[row.want]
			publish(t, c, prefix+row.channel, row.payload)
			if got := m.until(members[0], "/"); len(got) != 0 {
				t.Errorf("delivered %q", got)
			}
			if n := m.Stats().Dropped[row.want] - before; n != 1 {
				t.Errorf("%d counted as %q: %v", n, row.want, m.Stats().Dropped)
			}
		})
	}
}
