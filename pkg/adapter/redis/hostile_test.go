package redis

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// packed turns JSON text into the payload that a peer would publish.
func packed(t testing.TB, text string, attachments ...[]byte) string {
	t.Helper()
	b, err := notepack.AppendJSON(nil, []byte(text), attachments)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBadBusMessageIsSkipped publishes what hostile-inputs.md 2.8 lists. Each message is
// counted by its reason, and the good one behind it arrives.
func TestBadBusMessageIsSkipped(t *testing.T) {
	members, prefix := cluster(t, 2)
	m, c := members[1], direct(t)
	m.join("/", "room", "a#b")
	m.join("/x*")
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	noise[0] = 0xc1
	const good = `{"type":2,"data":["no"],"nsp":"/"}`
	const all = `{"rooms":[],"except":[],"flags":{}}`
	for _, row := range []struct {
		name, channel, payload string
		want                   Reason
	}{
		{"empty", "#/#", "", DropMalformed},
		{"one byte", "#/#", "\xff", DropMalformed},
		{"noise", "#/#", string(noise), DropMalformed},
		{"too large", "#/#", repeat("\x00", 17<<20), DropTooLarge},
		{"a million levels", "#/#", repeat("\x91", 1e6), DropMalformed},
		{"a million levels of data", "#/#", "\x93\xa1u\x82\xa4type\x02\xa4data" + repeat("\x91", 1e6), DropTooDeep},
		{"announced array", "#/#", "\x93\xa1u\x82\xa4type\x02\xa4data\xdd\xff\xff\xff\xff", DropMalformed},
		{"two elements", "#/#", packed(t, `["u",`+good+`]`), DropMalformed},
		{"map instead", "#/#", packed(t, `{"uid":"u"}`), DropMalformed},
		{"packet is null", "#/#", packed(t, `["u",null,`+all+`]`), DropMalformed},
		{"options are null", "#/#", packed(t, `["u",`+good+`,null]`), DropMalformed},
		{"rooms are a map", "#/#", packed(t, `["u",`+good+`,{"rooms":{}}]`), DropMalformed},
		{"room is a list", "#/#", packed(t, `["u",`+good+`,{"rooms":[["room"]]}]`), DropMalformed},
		{"room is no text", "#/#", "\x93\xa1u\x82\xa4type\x02\xa4data\x91\xa1e\x81\xa5rooms\x91\xa1\xff", DropMalformed},
		{"cut", "#/#", packed(t, `["u",`+good+`,`+all+`]`)[:40], DropMalformed},
		{"trailing bytes", "#/#", packed(t, `["u",`+good+`,`+all+`]`) + "\x00", DropMalformed},
		{"data twice", "#/#", packed(t, `["u",{"type":2,"data":["a"],"data":["b"]},`+all+`]`), DropMalformed},
		{"no data", "#/#", packed(t, `["u",{"type":2,"nsp":"/"},`+all+`]`), DropNotEvent},
		{"data is a map", "#/#", packed(t, `["u",{"type":2,"data":{"0":"a"}},`+all+`]`), DropNotEvent},
		{"connect packet", "#/#", packed(t, `["u",{"type":0,"data":["a"]},`+all+`]`), DropNotEvent},
		{"disconnect packet", "#/#", packed(t, `["u",{"type":1,"data":["a"],"nsp":"/"},`+all+`]`), DropNotEvent},
		{"no type", "#/#", packed(t, `["u",{"data":["a"]},`+all+`]`), DropNotEvent},
		{"negative type", "#/#", packed(t, `["u",{"type":-2,"data":["a"]},`+all+`]`), DropMalformed},
		{"other namespace", "#/#", packed(t, `["u",{"type":2,"data":["a"],"nsp":"/x*"},`+all+`]`), DropNamespace},
		{"no namespace", "#/x*#", packed(t, `["u",{"type":2,"data":["a"]},`+all+`]`), DropNamespace},
		{"other room", "#/#room#", packed(t, `["u",`+good+`,{"rooms":["other"]}]`), DropRooms},
		{"everybody by a room's channel", "#/#room#", packed(t, `["u",`+good+`,`+all+`]`), DropRooms},
		{"half of the room's name", "#/#a#b#", packed(t, `["u",`+good+`,{"rooms":["b"]}]`), DropRooms},
		{"ambiguous placeholder", "#/#", packed(t, `["u",{"type":2,"data":["a",{"_placeholder":true,"num":0}],"x":1},`+all+`]`) + "\x00", DropMalformed},
		{"own name, never sent", "#/#", packed(t, `["`+m.uid+`",`+good+`,`+all+`]`), DropForged},
		{"own name in another form", "#/#", "\x93\xd9\x06" + m.uid + packed(t, `["u",`+good+`,`+all+`]`)[3:], DropForged},
		{"no such socket", "#/#tag1gone#", packed(t, `["u",`+good+`,{"rooms":["tag1gone"]}]`), DropNoSocket},
		{"panic", "#/#", packed(t, `["u",{"type":2,"data":["panic"]},`+all+`]`), DropPanic},
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
	if !m.Healthy() {
		t.Error("not healthy any more")
	}
}

func TestWhatTheNodeRefusesIsCounted(t *testing.T) {
	members, _ := cluster(t, 2)
	m := members[1]
	m.join("/")
	m.node.refuse = errors.New("not today")
	members[0].emit(event("/", `["a"]`))
	eventually(t, "counted", func() bool { return m.Stats().Dropped[DropRefused] == 1 })
}

// TestUnusualButHonestMessagesArrive publishes what other emitters are known to send.
func TestUnusualButHonestMessagesArrive(t *testing.T) {
	members, prefix := cluster(t, 1)
	m, c := members[0], direct(t)
	m.join("/", "42")
	for _, row := range []struct{ name, channel, payload, data string }{
		{"no namespace, no lists", "#/#", packed(t, `["emitter",{"type":2,"data":["a"]},{}]`), `["a"]`},
		{"nulls", "#/#", packed(t, `["emitter",{"type":2,"data":["b"]},{"rooms":null,"except":null,"flags":null}]`), `["b"]`},
		{"unknown entries", "#/#", packed(t, `["emitter",{"x":[{}],"nsp":"/","data":["c"],"type":2},{"y":{"z":1},"flags":{"broadcast":true,"timeout":5,"volatile":null,"compress":null}},"more"]`), `["c"]`},
		{"a number as room", "#/#42#", packed(t, `["emitter",{"type":2,"data":["d"]},{"rooms":[42]}]`), `["d"]`},
		{"a room by the namespace's channel", "#/#", packed(t, `["emitter",{"type":2,"data":["e"]},{"rooms":["42"]}]`), `["e"]`},
	} {
		t.Run(row.name, func(t *testing.T) {
			publish(t, c, prefix+row.channel, row.payload)
			b := m.next()
			if string(b.Data) != row.data || b.NoCompress || b.Volatile {
				t.Errorf("got %s, %+v", b.Data, b)
			}
		})
	}
}

// FuzzEnvelope holds that no payload stops the receiver or grows beyond what it is worth.
func FuzzEnvelope(f *testing.F) {
	f.Add(packed(f, `["AAAAAA",{"type":2,"data":["hello",1],"nsp":"/"},{"rooms":["a"],"except":["b"],"flags":{"compress":false}}]`))
	f.Add("\x93\xa1u\x82\xa4type\x02\xa4data\xdd\xff\xff\xff\xff")
	f.Add("\x94\xa1u\x82\xa4type\x02\xa4data\x91\xc4\x01a\x80\xc0")
	f.Fuzz(func(t *testing.T, payload string) {
		const limit = 1 << 16
		sender, b, err := decodeEnvelope(payload, limit)
		if err != nil {
			return
		}
		again, err := appendEnvelope(nil, "AAAAAA", b)
		if err != nil {
			t.Fatalf("%q from %q can't be sent on: %v", payload, sender, err)
		}
		_, back, err := decodeEnvelope(string(again), 8*limit)
		if err != nil || string(back.Data) != string(b.Data) || len(back.Attachments) != len(b.Attachments) {
			t.Fatalf("%q became %q: %v", b.Data, again, err)
		}
	})
}

func TestEventThatCannotBeSentIsRefusedAtThePublisher(t *testing.T) {
	a, err := New(Config{URL: "redis://127.0.0.1:1", MaxMessageBytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for name, b := range map[string]*socketio.Broadcast{
		"not JSON":           event("/", `["a"`),
		"too large":          event("/", `["`+repeat("a", 100)+`"]`),
		"placeholders wrong": {Namespace: "/", Data: []byte(`["a"]`), Attachments: [][]byte{{1}}},
	} {
		delivered := false
		err := a.Broadcast(t.Context(), b, func() { delivered = true })
		if !errors.Is(err, ErrBadEvent) || !delivered {
			t.Errorf("%s: %v, delivered here: %v", name, err, delivered)
		}
	}
	if s := a.Stats(); s.RefusedBad != 3 || s.QueuedMessages != 0 {
		t.Errorf("%+v", s)
	}
}
