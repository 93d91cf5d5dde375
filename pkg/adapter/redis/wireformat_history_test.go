package redis

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// recordedVector is an event of the page with its id: what is in the stream, and what follows on the bus.
type recordedVector struct{ name, event, id, stream, end string }

func recordedVectors(t *testing.T) (all []recordedVector) {
	t.Helper()
	plain := func(s string) string {
		if text, isText := strings.CutPrefix(s, "'"); isText {
			return strings.TrimSuffix(text, "'")
		}
		raw, err := hex.DecodeString(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return string(raw)
	}
	for _, group := range strings.Split(strings.TrimSpace(blocks(t, "recorded")[0]), "\n\n") {
		lines := strings.Split(group, "\n")
		if len(lines) != 5 || !strings.HasPrefix(lines[0], "# ") {
			t.Fatalf("not a name, an event, its id and two pieces: %q", lines)
		}
		all = append(all, recordedVector{lines[0][2:], lines[1], lines[2], plain(lines[3]), plain(lines[4])})
	}
	return all
}

func TestWireFormatOfRecordedEventsHolds(t *testing.T) {
	classic, err := New(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = classic.Close() }()
	sharded, err := NewSharded(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sharded.Close() }()
	for _, v := range recordedVectors(t) {
		uid, b, ok := envelopeOf(t, v.event)
		if !ok {
			t.Fatalf("%s: no broadcast", v.name)
		}
		if strings.Contains(v.name, "bytes") {
			b.Attachments = [][]byte{{1, 2}}
		}
		classic.uid, sharded.uid = uid, uid
		form := classic.form
		if strings.HasPrefix(v.name, "sharded") {
			form = sharded.lanes[0].form
		}
		var payload []byte
		if _, _, err := form.encode(&payload, b); err != nil || string(payload) != v.stream {
			t.Errorf("%s: in the stream is\n%x\n%s, %v", v.name, payload, payload, err)
		}
		if got := complete(string(payload), v.id); got != v.stream+v.end {
			t.Errorf("%s: the end is\n%x\n%s", v.name, got[len(payload):], got[len(payload):])
		}
		at, back, err := form.decode(v.stream + v.end)
		if err != nil || at != v.id || !reflect.DeepEqual(back, b) {
			t.Errorf("%s: read as %s %+v, %v", v.name, at, back, err)
		}
		if _, err := socketio.ParseOffset(at); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}
