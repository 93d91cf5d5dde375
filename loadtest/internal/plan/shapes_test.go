package plan

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func compile(t *testing.T, e Events) *Shapes {
	t.Helper()
	s, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDefaultShapesAreTheGateways(t *testing.T) {
	s := compile(t, Events{})
	room, payload := []byte("r1"), []byte("hello")
	for got, want := range map[string]string{
		string(s.AppendJoin(nil, room, 1)):                       `["join","r1"]`,
		string(s.AppendLeave(nil, room, 1)):                      `["leave","r1"]`,
		string(s.AppendPublish([]byte("420"), room, payload, 1)): `420["publish","r1","msg","hello"]`,
		string(s.AppendPublishAttached(nil, room, 1)):            `["publish","r1","msg",{"_placeholder":true,"num":0}]`,
		string(s.AppendRequest(nil, nil, 1)):                     `["leave","nowhere"]`,
		s.Receive:                                                "msg",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if s.Argument != 0 || !s.JoinAck || s.RequestPayload() {
		t.Errorf("argument %d, join ack %v, request payload %v", s.Argument, s.JoinAck, s.RequestPayload())
	}
}

func TestShapesOfOtherServers(t *testing.T) {
	s := compile(t, Events{
		Join:      []any{"subscribe", map[string]any{"topic": "t/{room}", "as": "{client}", "v": 2, "q": `"{room}"`}},
		Publish:   []any{"say", map[string]any{"to": []any{"{room}", nil, true}, "body": "{payload}", "kind": "{event}", "why": "{event}!"}},
		Request:   []any{"echo", "{payload}", "{client}"},
		Receive:   "said <b>",
		Argument:  1,
		NoJoinAck: true,
	})
	room, payload := []byte("a\"b\\c\n"), []byte("x")
	var join []any
	if err := json.Unmarshal(s.AppendJoin(nil, room, 7), &join); err != nil {
		t.Fatal(err)
	}
	if want := []any{"subscribe", map[string]any{"topic": "t/a\"b\\c\n", "as": "7", "v": 2.0, "q": "\"a\"b\\c\n\""}}; !reflect.DeepEqual(join, want) {
		t.Errorf("join %v, want %v", join, want)
	}
	if got, want := string(s.AppendPublish(nil, []byte("r"), payload, 7)), `["say",{"body":"x","kind":"said <b>","to":["r",null,true],"why":"said <b>!"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(s.AppendRequest(nil, payload, 7)), `["echo","x","7"]`; got != want || !s.RequestPayload() {
		t.Errorf("got %s, want %s", got, want)
	}
	if s.Argument != 1 || s.JoinAck || s.Receive != "said <b>" {
		t.Errorf("%+v", s)
	}
}

func TestWrongShapeIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		events Events
		want   []string
	}{
		"unknown placeholder":        {Events{Join: []any{"join", "{rooom}"}}, []string{"events.join", `"{rooom}"`, "{room} and {client}"}},
		"placeholder of another":     {Events{Join: []any{"join", "{room}", "{payload}"}}, []string{"events.join", `"{payload}"`}},
		"join without room":          {Events{Join: []any{"join"}}, []string{"events.join", "{room}"}},
		"leave without room":         {Events{Leave: []any{"join"}}, []string{"events.leave", "{room}"}},
		"publish without payload":    {Events{Publish: []any{"publish", "{room}"}}, []string{"events.publish", "{payload}"}},
		"number for an event's name": {Events{Publish: []any{1, "{payload}"}}, []string{"events.publish", "1", "name"}},
		"placeholder as name":        {Events{Request: []any{"{client}"}}, []string{"events.request", "{client}", "name"}},
		"argument":                   {Events{Argument: -1}, []string{"events.argument", "-1", "0 to 15"}},
		"no JSON":                    {Events{Request: []any{"x", map[any]any{1: 2}}}, []string{"events.request", "JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(tt.events)
			if err == nil {
				t.Fatal("was taken")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
		})
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	s := compile(t, Events{})
	dst, room, payload := make([]byte, 0, 512), []byte("room"), []byte("payload")
	if n := testing.AllocsPerRun(100, func() { dst = s.AppendPublish(dst[:0], room, payload, 12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzShapesAreJSON(f *testing.F) {
	f.Add("a{room}b", "room", "payload")
	f.Add(`{payload}\`, "\x00\"", "é\u2028")
	f.Fuzz(func(t *testing.T, shape, room, payload string) {
		s, err := Compile(Events{Publish: []any{"publish", "{payload}", shape}})
		if err != nil {
			return
		}
		if out := s.AppendPublish(nil, []byte(room), []byte(payload), 1); !json.Valid(out) {
			t.Errorf("%s is no JSON", out)
		}
	})
}
