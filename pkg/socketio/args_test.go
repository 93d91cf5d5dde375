package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEventNamesAreStringsAndNumbersThatAreNotReserved(t *testing.T) {
	long := strings.Repeat("n", 256)
	tests := []struct {
		array, name string
		want        error
	}{
		{`["message"]`, "message", nil},
		{`[""]`, "", nil},
		{`["é\u00e9\"\n"]`, "éé\"\n", nil},
		{`[ "a" ]`, "a", nil},
		{`[12.50,"a"]`, "12.50", nil},
		{`[-1]`, "-1", nil},
		{`["error"]`, "error", nil},
		{`["` + long + `"]`, long, nil},
		{`["` + long + `n"]`, "", errEventNameLength},
		{`["` + strings.Repeat(`\u006e`, 256) + `"]`, long, nil},
		{`["` + strings.Repeat(`\u006e`, 257) + `"]`, "", errEventNameLength},
		{`["` + strings.Repeat("n", 1e6) + `"]`, "", errEventNameLength},
		{`[` + strings.Repeat("7", 257) + `]`, "", errEventNameLength},
		{`["connect"]`, "", ErrReservedEvent},
		{`["connect_error"]`, "", ErrReservedEvent},
		{`["disconnect"]`, "", ErrReservedEvent},
		{`["disconnecting"]`, "", ErrReservedEvent},
		{`["newListener"]`, "", ErrReservedEvent},
		{`["removeListener"]`, "", ErrReservedEvent},
		{`["\u0063onnect"]`, "", ErrReservedEvent},
		{`[]`, "", errEventName},
		{`[true]`, "", errEventName},
		{`[null]`, "", errEventName},
		{`[["a"]]`, "", errEventName},
		{`[{"toString":"foo"}]`, "", errEventName},
		{`{"0":"a"}`, "", errPayload},
		{`"a"`, "", errPayload},
		{``, "", errPayload},
		{`["a"`, "", errJSON},
		{`["a",]`, "", errJSON},
		{`["a"]]`, "", errJSON},
		{`["a" 1]`, "", errJSON},
	}
	for _, tt := range tests {
		name, _, err := parseEvent([]byte(tt.array), nil, &testLimits)
		if !errors.Is(err, tt.want) || name != tt.name {
			t.Errorf("%.40s: name %.40q, error %v; want %.40q, %v", tt.array, name, err, tt.name, tt.want)
		}
	}
}

func TestArgumentsAreTheBytesThatArrived(t *testing.T) {
	want := []string{`1.0`, `"A\/"`, `{"b":1, "a":2,"b":3}`, `[ ]`, `12345678901234567890`, `1e999`, `{"__proto__":{},"constructor":0}`, `null`}
	for n := range len(want) + 1 {
		array := []byte("[" + strings.Join(append([]string{`"name"`}, want[:n]...), " ,\t") + " ] ")
		_, args, err := parseEvent(array, nil, &testLimits)
		if err != nil || args.Len() != n {
			t.Fatalf("%s: %d arguments, error %v", array, args.Len(), err)
		}
		for i := range n {
			if got := args.At(i); string(got.JSON()) != want[i] || got.Len() != 1 {
				t.Errorf("argument %d of %d is %q, want %q", i, n, got.JSON(), want[i])
			}
		}
	}
}

func TestArgumentsThatWereNotSentAreEmpty(t *testing.T) {
	args := mustParse(t, `["a","b"]`)
	for _, r := range []Raw{args.At(2), args.At(-1), args.At(1 << 30), {}} {
		if r.Len() != 0 || r.JSON() != nil {
			t.Errorf("%d arguments, %q", r.Len(), r.JSON())
		}
		if err := r.Bind(new(any)); !errors.Is(err, ErrMissingArgument) {
			t.Errorf("Bind: %v", err)
		}
		if s, ok := r.String(); ok {
			t.Errorf("String: %q", s)
		}
	}
	for i, want := range map[int]string{-1: `["a","b"]`, 0: `["a","b"]`, 1: `["b"]`, 2: `[]`, 9: `[]`} {
		if got := args.From(i); string(got.JSON()) != want {
			t.Errorf("From(%d) = %s, want %s", i, got.JSON(), want)
		}
	}
}

func TestArgumentLimitsAreExact(t *testing.T) {
	ones := func(n int) string { return strings.Repeat(",1", n) }
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct {
		name, event string
		want        error
	}{
		{"as many arguments as allowed", `["a"` + ones(1000) + `]`, nil},
		{"one argument more", `["a"` + ones(1001) + `]`, errTooManyArgs},
		{"as deep as allowed", `["a",` + nested(127) + `]`, nil},
		{"one level deeper", `["a",` + nested(128) + `]`, errNesting},
		{"100,000 levels", `["a",` + nested(100_000) + `]`, errNesting},
		{"100,000 keys", `["a",{` + strings.Repeat(`"k":1,`, 100_000) + `"k":1}]`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := parseEvent([]byte(tt.event), nil, &testLimits); !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestAckWithoutArrayHasNoArguments(t *testing.T) {
	if args, err := parseArgs(nil, nil, &testLimits); err != nil || args.Len() != 0 {
		t.Errorf("%d arguments, error %v", args.Len(), err)
	}
	if _, err := parseArgs(nil, [][]byte{{1}}, &testLimits); err == nil {
		t.Error("an attachment without an array was accepted")
	}
}

func TestParsingAFewArgumentsDoesNotAllocate(t *testing.T) {
	array := []byte(`["hello",1,{"a":[true]},"x"]`)
	if n := testing.AllocsPerRun(100, func() { parseArgs(array, nil, &testLimits) }); n != 0 {
		t.Errorf("arguments of an ack: %v allocations, want none", n)
	}
	event := []byte(`["a longer event name",1,{"a":[true]},"x","y"]`)
	if n := testing.AllocsPerRun(100, func() { parseEvent(event, nil, &testLimits) }); n != 1 {
		t.Errorf("event: %v allocations, want 1, the name", n)
	}
}

func mustParse(t testing.TB, array string, attachments ...string) Args {
	t.Helper()
	var bins [][]byte
	for _, a := range attachments {
		bins = append(bins, []byte(a))
	}
	args, err := parseArgs([]byte(array), bins, &testLimits)
	if err != nil {
		t.Fatalf("parse %s: %v", array, err)
	}
	return args
}

func mustEncode(t testing.TB, args ...any) (string, []string) {
	t.Helper()
	data, attachments, err := encodeArgs(args)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	var bins []string
	for _, a := range attachments {
		bins = append(bins, string(a))
	}
	return string(data), bins
}

func FuzzAttachments(f *testing.F) {
	for _, text := range []string{
		`[{"_placeholder":true,"num":0}]`, `[{"num":1,"_placeholder":true},{"_placeholder":true,"num":0}]`, `["a",{"b":[{"_placeholder":true,"num":0,"x":1}]}]`,
		`[{"\u005fplaceholder":true,"num":0}]`, `[{"_placeholder":true,"num":-1}]`, `[{"_placeholder":true,"_placeholder":false,"num":0}]`,
		`[ { "_placeholder" : true , "num" : 0 } , {"_placeholder":false,"num":3} ]`,
	} {
		f.Add([]byte(text), byte(strings.Count(text, "true,")))
	}
	f.Fuzz(func(t *testing.T, text []byte, n byte) {
		n = 1 + n%4
		attachments := make([][]byte, n)
		for i := range attachments {
			attachments[i] = []byte{byte(i), 0xff}
		}
		args, err := parseArgs(text, attachments, &testLimits)
		var array []any
		want := json.Valid(text) && text[bytes.IndexAny(text, "[{\"truefalsn-0123456789")] == '[' && depthOf(text) <= testLimits.depth &&
			argsByJSON(text, testLimits.args) && placeholdersByJSON(text, int(n))
		if (err == nil) != want {
			t.Fatalf("%q with %d attachments: error %v, by tokens %v", text, n, err, want)
		}
		if err != nil || json.Unmarshal(text, &array) != nil || !utf8.Valid(text) {
			return
		}
		substituted, _ := substitute(array, attachments).([]any)
		compareBound(t, text, args, substituted)
		// Sent on after another attachment, the arguments are the same.
		data, bins, err := encodeEvent("e", []any{Binary("first"), args.From(0)})
		if err != nil {
			t.Fatalf("%q: encode: %v", text, err)
		}
		_, relayed, err := parseEvent(data, bins, &testLimits)
		if err != nil {
			t.Fatalf("%q relayed as %q: %v", text, data, err)
		}
		compareBound(t, data, relayed, append([]any{Binary("first")}, substituted...))
		// So they are when they are decoded and encoded.
		data, bins, err = encodeArgs(substituted)
		if err != nil {
			t.Fatalf("%q: encode values: %v", text, err)
		}
		if relayed, err = parseArgs(data, bins, &testLimits); err != nil {
			t.Fatalf("%q encoded as %q: %v", text, data, err)
		}
		compareBound(t, data, relayed, substituted)
	})
}

func compareBound(t *testing.T, text []byte, args Args, want []any) {
	t.Helper()
	got := make([]any, args.Len())
	ptrs := make([]any, args.Len())
	for i := range got {
		ptrs[i] = &got[i]
	}
	if err := args.Bind(ptrs...); err != nil {
		t.Fatalf("%q: bind: %v", text, err)
	}
	if !slices.EqualFunc(got, want, reflect.DeepEqual) {
		t.Fatalf("%q: bound %#v, want %#v", text, got, want)
	}
}

// substitute puts attachments into decoded JSON, as the reference does.
func substitute(v any, attachments [][]byte) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = substitute(v[i], attachments)
		}
	case map[string]any:
		if v["_placeholder"] == true {
			return Binary(attachments[int(v["num"].(float64))])
		}
		for key := range v {
			v[key] = substitute(v[key], attachments)
		}
	}
	return v
}
