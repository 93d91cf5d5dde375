package socketio

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	first  = `{"_placeholder":true,"num":0}`
	second = `{"_placeholder":true,"num":1}`
)

func TestBindDecodesArgumentsInOrder(t *testing.T) {
	args := mustParse(t, `["room",7,{"a":"b"},[1,2],null,"left out"]`)
	var (
		room string
		n    int
		obj  struct{ A string }
		list []int
		null *int
	)
	if err := args.Bind(&room, &n, &obj, &list, &null); err != nil {
		t.Fatal(err)
	}
	if room != "room" || n != 7 || obj.A != "b" || !reflect.DeepEqual(list, []int{1, 2}) || null != nil {
		t.Error(room, n, obj, list, null)
	}
	var last string
	if err := args.Bind(nil, nil, nil, nil, nil, &last); err != nil || last != "left out" {
		t.Errorf("%q, %v", last, err)
	}
	if err := args.From(1).Bind(&n, &obj); err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestBindSaysWhichArgumentIsWrong(t *testing.T) {
	args := mustParse(t, `["room",7]`)
	var s string
	err := args.Bind(&s, &s)
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) || !strings.HasPrefix(err.Error(), "argument 1: ") {
		t.Errorf("type error: %v", err)
	}
	if err := args.Bind(&s, nil, &s); !errors.Is(err, ErrMissingArgument) || !strings.HasPrefix(err.Error(), "argument 2: ") {
		t.Errorf("missing: %v", err)
	}
	if err := args.Bind(s); err == nil {
		t.Error("a value that is no pointer was accepted")
	}
}

func TestBindPutsAttachmentsWhereTheyBelong(t *testing.T) {
	type file struct {
		Name string
		Body Binary
		Ptr  *Binary
		Any  any
		More map[string]any
		List []Binary
		Raw  Raw
		note string // json leaves it alone, and so must Bind
	}
	nums := make([]any, 6)
	for i := range nums {
		nums[i] = `{"_placeholder":true,"num":` + string(rune('0'+i)) + `}`
	}
	text := `[{"name":"n","body":P,"ptr":P,"any":{"x":[P]},"more":{"y":P},"list":[],"raw":[1,P]}]`
	for _, num := range nums[:5] {
		text = strings.Replace(text, "P", num.(string), 1)
	}
	args := mustParse(t, text, "0", "1", "2", "3", "4")
	var got file
	if err := args.Bind(&got); err != nil {
		t.Fatal(err)
	}
	if string(got.Body) != "0" || string(*got.Ptr) != "1" || got.note != "" {
		t.Errorf("body %q, ptr %q", got.Body, *got.Ptr)
	}
	if want := (map[string]any{"x": []any{Binary("2")}}); !reflect.DeepEqual(got.Any, want) {
		t.Errorf("any %v", got.Any)
	}
	if want := (map[string]any{"y": Binary("3")}); !reflect.DeepEqual(got.More, want) {
		t.Errorf("more %v", got.More)
	}
	if data, bins := mustEncode(t, got.Raw); data != `[[1,`+first+`]]` || !reflect.DeepEqual(bins, []string{"4"}) {
		t.Errorf("raw %s %q", data, bins)
	}
}

func TestBindTakesAWholeArgumentAsBytes(t *testing.T) {
	args := mustParse(t, `[ {"num":0, "_placeholder":true} ,null,"Zm9v"]`, "abc")
	var bin Binary
	var bytes []byte
	if err := args.Bind(&bin); err != nil || string(bin) != "abc" {
		t.Errorf("%q, %v", bin, err)
	}
	if err := args.Bind(&bytes); err != nil || string(bytes) != "abc" {
		t.Errorf("%q, %v", bytes, err)
	}
	bytes[0] = 'X'
	if err := args.Bind(&bin); err != nil || string(bin) != "abc" {
		t.Errorf("what Bind stored is not a copy: %q, %v", bin, err)
	}
	if err := args.Bind(nil, &bytes); err != nil || bytes != nil {
		t.Errorf("null: %q, %v", bytes, err)
	}
	if err := args.Bind(nil, nil, &bytes); !errors.Is(err, ErrNotBinary) {
		t.Errorf("string: %v", err)
	}
	if err := mustParse(t, `[[`+first+`]]`, "a").Bind(&bytes); !errors.Is(err, ErrNotBinary) {
		t.Errorf("array with an attachment: %v", err)
	}
}

func TestBindRefusesAttachmentsInTheWrongPlace(t *testing.T) {
	type inner struct{ S string }
	for name, ptr := range map[string]any{
		"string":             new(string),
		"int":                new(int),
		"struct":             new(struct{ A int }),
		"raw JSON":           new(json.RawMessage),
		"list of strings":    new([]string),
		"map of strings":     new(map[string]string),
		"nested string":      new(struct{ X struct{ Y []inner } }),
		"bytes in a struct":  new(struct{ B []byte }),
		"raw JSON in struct": new(struct{ R json.RawMessage }),
		"pointer to string":  new(struct{ P *string }),
	} {
		text := map[string]string{
			"list of strings": `[[P]]`, "map of strings": `[{"k":P}]`, "nested string": `[{"X":{"Y":[{"S":P}]}}]`,
			"bytes in a struct": `[{"b":P}]`, "raw JSON in struct": `[{"r":{"x":P}}]`, "pointer to string": `[{"p":P}]`,
		}[name]
		if text == "" {
			text = `[P]`
		}
		args := mustParse(t, strings.Replace(text, "P", first, 1), "abc")
		if err := args.Bind(ptr); err == nil {
			t.Errorf("%s: no error, got %v", name, reflect.ValueOf(ptr).Elem())
		}
	}
	var bin struct{ B Binary }
	if err := mustParse(t, `[{"b":"Zm9v"}]`).Bind(&bin); !errors.Is(err, ErrNotBinary) {
		t.Errorf("string into Binary: %v", err)
	}
}

func TestErrorsOfBindDoNotShowTheMarker(t *testing.T) {
	args := mustParse(t, `[`+first+`]`, "abc")
	for _, ptr := range []any{new(time.Time), new(int), new(netip.Addr), new(string), new(json.Number)} {
		err := args.Bind(ptr)
		if err == nil || strings.Contains(err.Error(), string(marker)) {
			t.Errorf("%T: %v", ptr, err)
		}
	}
}

func TestBindEndsOnCyclicTargets(t *testing.T) {
	type node struct {
		Next *node
		Any  any
		Body Binary
	}
	n := &node{}
	n.Next, n.Any = n, n
	if err := mustParse(t, `[{"body":`+first+`}]`, "abc").Bind(n); err != nil || string(n.Body) != "abc" {
		t.Errorf("%q, %v", n.Body, err)
	}
}

func TestLookalikesInPlainPacketsAreOrdinaryObjects(t *testing.T) {
	args := mustParse(t, `[`+first+`,{"_placeholder":true,"num":"splice"}]`)
	var got any
	if err := args.Bind(&got); err != nil || !reflect.DeepEqual(got, map[string]any{"_placeholder": true, "num": 0.0}) {
		t.Errorf("%v, %v", got, err)
	}
	if data, bins := mustEncode(t, args.From(0)); data != `[`+first+`,{"_placeholder":true,"num":"splice"}]` || bins != nil {
		t.Errorf("relayed as %s with %q", data, bins)
	}
}

func TestRawStringIsTheValueOfAString(t *testing.T) {
	args := mustParse(t, `["plain","\u00e9\n",7,["a"]]`)
	for i, want := range []string{"plain", "é\n"} {
		if got, ok := args.At(i).String(); !ok || got != want {
			t.Errorf("argument %d: %q, %v", i, got, ok)
		}
	}
	for _, r := range []Raw{args.At(2), args.At(3), args.From(0), args.From(4)} {
		if got, ok := r.String(); ok {
			t.Errorf("%s is no string, got %q", r.JSON(), got)
		}
	}
}
