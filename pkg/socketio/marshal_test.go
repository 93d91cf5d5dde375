package socketio

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestArgumentsAreEncodedAsByEncodingJSON(t *testing.T) {
	type point struct {
		X int `json:"x"`
	}
	for _, arg := range []any{
		nil, "", "plain", "é\"\\\n\r\t\b\x00\x1f\x7f", "\xff\xc3", "\u2028", "<a>&", true, false, 0, -7, math.MaxInt, int8(3), uint64(math.MaxUint64), 1.5, 1e21, float32(0.1),
		[]int{1, 2}, map[string]any{"b": 1, "a": nil}, point{3}, &point{4}, (*point)(nil), json.Number("12.50"), time.Unix(0, 0).UTC(), struct{ B []byte }{[]byte("abc")},
	} {
		data, bins := mustEncode(t, arg)
		var got, want any
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			t.Errorf("%#v: %s: %v", arg, data, err)
		}
		text, _ := json.Marshal([]any{arg})
		if err := json.Unmarshal(text, &want); err != nil || !reflect.DeepEqual(got, want) || bins != nil {
			t.Errorf("%#v: %s, want the same as %s", arg, data, text)
		}
	}
	if data, _ := mustEncode(t, "<a>&", map[string]string{"b": "<c>"}); data != `["<a>&",{"b":"<c>"}]` {
		t.Errorf("HTML was escaped: %s", data)
	}
	if data, _ := mustEncode(t); data != `[]` {
		t.Errorf("no arguments: %s", data)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/\n\x00\x1f\x7f", "é\u2028\U0001f600", "\xff\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := appendString(nil, s)
		want, _ := json.Marshal(s)
		var got, value string
		if !utf8.Valid(text) || json.Unmarshal(text, &got) != nil || json.Unmarshal(want, &value) != nil || got != value {
			t.Fatalf("%q became %s, read as %q", s, text, got)
		}
	})
}

func TestEventNameComesFirst(t *testing.T) {
	data, attachments, err := encodeEvent(`say "hi"`, []any{1, []byte("b")})
	if want := `["say \"hi\"",1,` + first + `]`; err != nil || string(data) != want || len(attachments) != 1 {
		t.Errorf("%s %q %v, want %s", data, attachments, err, want)
	}
}

func TestReservedEventsAreNotEmitted(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		if _, _, err := encodeEvent(name, nil); !errors.Is(err, ErrReservedEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "error", "message", "connection", "Connect"} {
		if _, _, err := encodeEvent(name, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBinaryBecomesAnAttachmentWhereverItStands(t *testing.T) {
	type file struct {
		Body Binary            `json:"body"`
		Ptr  *Binary           `json:"ptr"`
		Map  map[string]Binary `json:"map"`
		Any  any               `json:"any"`
	}
	ptr := Binary("ptr")
	data, bins := mustEncode(t,
		[]byte("top"), "text", Binary("bin"),
		file{Body: Binary("body"), Ptr: &ptr, Map: map[string]Binary{"k": Binary("map")}, Any: []any{Binary(nil), Binary{}}},
	)
	want := `[P,"text",P,{"body":P,"ptr":P,"map":{"k":P},"any":[P,P]}]`
	for i := range strings.Count(want, "P") {
		want = strings.Replace(want, "P", `{"_`+`placeholder":true,"num":`+string(rune('0'+i))+`}`, 1)
	}
	if data != want || !reflect.DeepEqual(bins, []string{"top", "bin", "body", "ptr", "map", "", ""}) {
		t.Errorf("%s %q, want %s", data, bins, want)
	}
}

func TestRawIsRelayedByteForByte(t *testing.T) {
	array := `[1.0, {"b":"\u0041" ,"a":[ ]},` + first + `,"\/", {"x": {"num" : 1,"_placeholder":true} },12345678901234567890]`
	args := mustParse(t, array, "zero", "one")
	tests := []struct {
		name string
		args []any
		want string
		bins []string
	}{
		{"everything", []any{args.From(0)}, array, []string{"zero", "one"}},
		{"a tail", []any{args.From(3)}, `["\/", {"x": {"num" : 0,"_placeholder":true} },12345678901234567890]`, []string{"one"}},
		{"one without attachments", []any{args.At(1)}, `[{"b":"\u0041" ,"a":[ ]}]`, nil},
		{"in another order", []any{args.At(4), args.At(2)}, `[{"x": {"num" : 0,"_placeholder":true} },` + second + `]`, []string{"one", "zero"}},
		{"twice", []any{args.At(2), args.At(2)}, `[` + first + `,` + second + `]`, []string{"zero", "zero"}},
		{"after an attachment", []any{Binary("new"), args.At(2)}, `[` + first + `,` + second + `]`, []string{"new", "zero"}},
		{"before an attachment", []any{args.At(2), Binary("new")}, `[` + first + `,` + second + `]`, []string{"zero", "new"}},
		{"an empty run", []any{"a", args.From(6), "b"}, `["a","b"]`, nil},
		{"not sent", []any{"a", args.At(6), Raw{}}, `["a",null,null]`, nil},
		{"in a map", []any{map[string]any{"k": args.At(4), "l": args.At(5)}}, `[{"k":{"x":` + first + `},"l":12345678901234567890}]`, []string{"one"}},
		{"all arguments", []any{args}, array, []string{"zero", "one"}},
		{"all arguments, in a list", []any{[]Args{args}}, `[[[1.0,{"b":"\u0041","a":[]},` + first + `,"\/",{"x":` + second + `},12345678901234567890]]]`, []string{"zero", "one"}},
		{"a run in a list", []any{[]Raw{args.From(4), args.From(6), {}}}, `[[[{"x":` + first + `},12345678901234567890],[],null]]`, []string{"one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, bins := mustEncode(t, tt.args...)
			if data != tt.want || !reflect.DeepEqual(bins, tt.bins) {
				t.Errorf("%s %q\nwant %s %q", data, bins, tt.want, tt.bins)
			}
		})
	}
}

func TestPlaceholdersOutOfOrderAreRenumbered(t *testing.T) {
	args := mustParse(t, `[`+second+`,`+first+`]`, "zero", "one")
	data, bins := mustEncode(t, args.From(0))
	if data != `[`+first+`,`+second+`]` || !reflect.DeepEqual(bins, []string{"one", "zero"}) {
		t.Errorf("%s %q", data, bins)
	}
}

func TestLookalikesNextToAttachmentsAreRefused(t *testing.T) {
	lookalike := mustParse(t, `[`+first+`]`).At(0)
	for name, arg := range map[string]any{
		"relayed":              lookalike,
		"raw JSON":             json.RawMessage(`{"num":1,"_placeholder":true}`),
		"in a map":             map[string]any{"a": map[string]any{"_placeholder": true, "num": 1}},
		"without a number":     map[string]any{"_placeholder": true},
		"around an attachment": map[string]any{"_placeholder": true, "num": 0, "x": Binary("b")},
		"escaped":              json.RawMessage(`{"num":1,"\u005fplaceholder":true}`),
	} {
		if data, _, err := encodeArgs([]any{arg, Binary("b")}); !errors.Is(err, ErrPlaceholder) {
			t.Errorf("%s: %s, %v", name, data, err)
		}
	}
	if _, _, err := encodeArgs([]any{map[string]any{"_placeholder": false}, Binary("b")}); err != nil {
		t.Errorf("a member that is not true: %v", err)
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	eleven := make([]Binary, 11)
	tests := []struct {
		name string
		arg  any
		want error
	}{
		{"eleven attachments", eleven, ErrTooManyAttachments},
		{"raw JSON that is not", json.RawMessage(`{"a":`), ErrInvalidJSON},
		{"two values of raw JSON", json.RawMessage(`1,2`), ErrInvalidJSON},
		{"empty raw JSON", json.RawMessage{}, ErrInvalidJSON},
		{"raw JSON that is not UTF-8", json.RawMessage("\"\xff\""), ErrInvalidJSON},
		{"the same in a list", []any{json.RawMessage("\"\xff\"")}, ErrInvalidJSON},
		{"a channel", make(chan int), nil},
		{"NaN", math.NaN(), nil},
	}
	for _, tt := range tests {
		data, _, err := encodeArgs([]any{"first", tt.arg})
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %s, error %v, want %v", tt.name, data, err, tt.want)
		}
	}
	if _, _, err := encodeArgs([]any{eleven[:10]}); err != nil {
		t.Errorf("ten attachments: %v", err)
	}
	if data, _ := mustEncode(t, json.RawMessage(nil), json.RawMessage(` {"a" : 1} `)); data != `[null, {"a" : 1} ]` {
		t.Errorf("raw JSON: %s", data)
	}
}

// A program may let the marker out by marshalling a Binary for somebody else.
func TestALeakedMarkerBreaksNothing(t *testing.T) {
	marked := string(marker)
	for name, arg := range map[string]any{
		"alone":             map[string]any{"a": marked},
		"in a string":       map[string]any{"a": "x" + marked + "eA=="},
		"after a quote":     map[string]any{"a": `x"` + marked + "eA=="},
		"as a key":          map[string]any{marked + "eA==": 1},
		"not base64":        map[string]any{"a": marked + "?"},
		"raw, at the start": json.RawMessage(`"` + marked[:5] + `"`),
	} {
		data, bins, err := encodeArgs([]any{arg})
		if err != nil {
			continue
		}
		if _, err := parseArgs(data, bins, &testLimits); err != nil {
			t.Errorf("%s: encoded to what can't be decoded: %s: %v", name, data, err)
		}
	}
	if data, bins := mustEncode(t, marked+"eA=="); data != `["`+marked+`eA=="]` || bins != nil {
		t.Errorf("a string argument: %s %q", data, bins)
	}
}

func TestEncodingSimpleArgumentsAllocatesOnce(t *testing.T) {
	args := mustParse(t, `["room","event",{"a":[1,2,3]},"text"]`)
	for name, list := range map[string][]any{
		"strings and numbers": {"hello", 7, true, nil},
		"relayed":             {args.From(2)},
		"raw JSON":            {json.RawMessage(`{"a":1}`)},
	} {
		if n := testing.AllocsPerRun(100, func() { encodeEvent("message", list) }); n != 1 {
			t.Errorf("%s: %v allocations, want 1, the result", name, n)
		}
	}
}
