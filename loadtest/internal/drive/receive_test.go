package drive

import (
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

func TestPayloadIsFoundAmongTheArguments(t *testing.T) {
	attached := [][]byte{[]byte("zero"), []byte("one")}
	for name, test := range map[string]struct {
		args        string
		argument    int
		attachments [][]byte
		want        string
	}{
		"a string":                {`"abc"`, 0, nil, "abc"},
		"the first":               {`"abc",1`, 0, nil, "abc"},
		"the second":              {`{"a":"},\"","b":[1,2]},"abc"`, 1, nil, "abc"},
		"after an array":          {`[["]",","],{}],null,"abc"`, 2, nil, "abc"},
		"an attachment":           {`{"_placeholder":true,"num":1}`, 0, attached, "one"},
		"the other":               {`{"num":0,"_placeholder":true},2`, 0, attached, "zero"},
		"no such attachment":      {`{"_placeholder":true,"num":2}`, 0, attached, ""},
		"far too many":            {`{"_placeholder":true,"num":99999999999999999999999}`, 0, attached, ""},
		"an object":               {`{"a":1}`, 0, nil, ""},
		"an object, and attached": {`{"a":1}`, 0, attached, ""},
		"too few":                 {`"abc"`, 1, nil, ""},
		"none":                    {``, 0, nil, ""},
		"a number":                {`17`, 0, nil, ""},
		"a string without end":    {`"abc`, 0, nil, ""},
		"an escape at the end":    {`"abc\`, 1, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := &wire.Event{Args: []byte(test.args), Attachments: test.attachments}
			if got := string(payloadOf(e, test.argument)); got != test.want {
				t.Errorf("%q, not %q", got, test.want)
			}
		})
	}
}

func FuzzPayloadOf(f *testing.F) {
	f.Add([]byte(`{"a":"},\"","b":[1,2]},"abc"`), 1)
	f.Add([]byte(`{"_placeholder":true,"num":1}`), 0)
	f.Fuzz(func(t *testing.T, args []byte, argument int) {
		e := &wire.Event{Args: args, Attachments: [][]byte{[]byte("zero")}}
		if p := payloadOf(e, argument&15); len(p) > max(len(args), 4) {
			t.Errorf("%q of %q", p, args)
		}
	})
}

// idleMember is a client that is in its room, without a connection, and what publishes to it.
func idleMember(tb testing.TB) (*client, *audit.Stream) {
	tb.Helper()
	p := of("http://127.0.0.1:1", plan.Group{Clients: 1, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 1}, time.Second)
	r, err := newRun(&p, Part{Workers: 1}, Hooks{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.endLife)
	c := r.groups[0].newClient(0)
	c.sub.Joining(c.room(0).Room)
	c.sub.Joined(c.room(0).Room)
	return c, r.audit.Publisher(99, nil).Stream(c.room(0).Room)
}

func TestReceivingAllocatesNothing(t *testing.T) {
	c, stream := idleMember(t)
	quoted := []byte(`"`)
	e := &wire.Event{Name: []byte("msg")}
	receive := func() {
		quoted, _ = stream.Next(quoted[:1], 128, 0)
		quoted = append(quoted, '"')
		e.Args, e.At = quoted, time.Now()
		c.Event(nil, e)
	}
	receive()
	if n := testing.AllocsPerRun(1000, receive); n >= 1 {
		t.Errorf("%v allocations for each message", n)
	}
	if s := c.group.audit.Sums(); s.Delivered != 1002 || s.Lost+s.Unknown != 0 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkEvent(b *testing.B) {
	c, stream := idleMember(b)
	quoted := []byte(`"`)
	e := &wire.Event{Name: []byte("msg")}
	b.ReportAllocs()
	for b.Loop() {
		quoted, _ = stream.Next(quoted[:1], 128, 0)
		quoted = append(quoted, '"')
		e.Args, e.At = quoted, time.Now()
		c.Event(nil, e)
	}
}
