package notepack_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
)

// FuzzTranscode holds that what encoding/json accepts survives the way to msgpack and
// back with the same meaning, that it is what a plain encoder of values writes, and that
// everything else is refused.
func FuzzTranscode(f *testing.F) {
	for _, seed := range []string{
		`["e",{"a":[1,-2,3.5,true,false,null,"x"]}]`, `"\ud83d\ude00 \ud83d é \u2028"`, "[1e400,-0,1e-7]",
		"18446744073709551616", ` { "" : [ ] } `, "[[[[1]]]]", "\"\xff\"", `{"_placeholder":true,"num":0}`,
		"[" + strings.Repeat("0,", 20) + "0]", `"` + strings.Repeat("a", 300) + `\t"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := notepack.AppendJSON(nil, text, nil)
		if errors.Is(err, notepack.ErrDepth) {
			return
		}
		if (err == nil) != json.Valid(text) {
			t.Fatalf("%q: %v, but valid is %v", text, err, json.Valid(text))
		}
		if err != nil {
			return
		}
		back, attachments, err := toJSON(string(got))
		if err != nil || len(attachments) != 0 {
			t.Fatalf("%q came back as %x: %v", text, got, err)
		}
		var want, have any
		if json.Unmarshal(text, &want) != nil {
			return // a number out of range
		}
		if err := json.Unmarshal([]byte(back), &have); err != nil || !reflect.DeepEqual(want, have) {
			t.Fatalf("%q became %q: %v", text, back, err)
		}
		value, rest := decodeValue(string(got))
		if rest != "" || !reflect.DeepEqual(want, plain(value)) {
			t.Fatalf("%q became %x", text, got)
		}
	})
}

// FuzzMsgpackRead holds that hostile bytes never panic, cost no more than they are
// worth, and give valid JSON with the meaning that a plain decoder finds.
func FuzzMsgpackRead(f *testing.F) {
	for _, seed := range []string{
		"\x93\xa6AAAAAA\x83\xa4type\x02\xa4data\x91\xa2hi\xa3nsp\xa1/\x80", "\xdd\xff\xff\xff\xff", "\xc7\x0c\xff",
		"\xd6\xff\x5e\x0b\xe1\x00", "\xd7\xff\x1d\x53\x53\x00\x5e\x0b\xe1\x00", "\xd4\x00\x00", "\xc4\x02ab", "\xca\x7f\xc0\x00\x00",
		"\x81\xac_placeholder\xc3", "\x92\xa2\xff\xfe\x81\x01\xd4\x00\x00", "\xd5\x05\x01\x02", "\xc1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		packed := string(in)
		skip := notepack.NewReader(packed)
		skipErr := skip.Skip()
		text, attachments, err := toJSON(packed)
		if err != nil {
			return
		}
		if skipErr != nil || skip.End() != nil {
			t.Fatalf("%x was read but not skipped: %v", in, skipErr)
		}
		if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
			t.Fatalf("%x became %q", in, text)
		}
		if n := strings.Count(text, `{"_placeholder":true,"num":`); len(attachments) > 0 && n != len(attachments) {
			t.Fatalf("%x became %q with %d attachments", in, text, len(attachments))
		}
		value, rest := decodeValue(packed)
		if rest != "" {
			t.Fatalf("%x: a plain decoder leaves %x", in, rest)
		}
		var have any
		if err := json.Unmarshal([]byte(text), &have); err != nil {
			t.Fatal(err)
		}
		if want := plain(value); !same(want, have) {
			t.Fatalf("%x became %q, want %v", in, text, want)
		}
	})
}

// other is a value that the plain decoder leaves to the table tests: bytes and
// extensions. plain turns it into anything.
type other struct{}

// decodeValue is a second, simple decoder that builds values.
func decodeValue(s string) (any, string) {
	c, s := s[0], s[1:]
	length := func(size int) int {
		n := binary.BigEndian.Uint64([]byte(strings.Repeat("\x00", 8-size) + s[:size]))
		s = s[size:]
		return int(n)
	}
	switch {
	case c < 0x80:
		return float64(c), s
	case c < 0x90:
		return decodeMap(int(c&15), s)
	case c < 0xa0:
		return decodeArray(int(c&15), s)
	case c < 0xc0:
		return s[:c&31], s[c&31:]
	case c >= 0xe0:
		return float64(int8(c)), s
	}
	sizes := map[byte]int{0xc4: 1, 0xc5: 2, 0xc6: 4, 0xc7: 1, 0xc8: 2, 0xc9: 4, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4}
	fixed := map[byte]int{0xd4: 1, 0xd5: 2, 0xd6: 4, 0xd7: 8, 0xd8: 16}
	n := fixed[c]
	if size := sizes[c]; size > 0 {
		n = length(size)
	}
	switch c {
	case 0xc0:
		return nil, s
	case 0xc2, 0xc3:
		return c == 0xc3, s
	case 0xca:
		return float64(math.Float32frombits(uint32(length(4)))), s
	case 0xcb:
		return math.Float64frombits(uint64(length(8))), s
	case 0xcc, 0xcd, 0xce, 0xcf:
		return float64(uint64(length(1 << (c - 0xcc)))), s
	case 0xd0:
		return float64(int8(length(1))), s
	case 0xd1:
		return float64(int16(length(2))), s
	case 0xd2:
		return float64(int32(length(4))), s
	case 0xd3:
		return float64(int64(length(8))), s
	case 0xd9, 0xda, 0xdb:
		return s[:n], s[n:]
	case 0xdc, 0xdd:
		return decodeArray(n, s)
	case 0xde, 0xdf:
		return decodeMap(n, s)
	case 0xc4, 0xc5, 0xc6:
		return other{}, s[n:]
	}
	if c == 0xd4 && s[0] == 0 {
		return undefined{}, s[2:]
	}
	return other{}, s[1+n:]
}

type undefined struct{}

func decodeArray(n int, s string) (any, string) {
	list := make([]any, n)
	for i := range list {
		list[i], s = decodeValue(s)
	}
	return list, s
}

func decodeMap(n int, s string) (any, string) {
	m := map[string]any{}
	for range n {
		var k, v any
		k, s = decodeValue(s)
		v, s = decodeValue(s)
		if _, gone := v.(undefined); !gone {
			m[keyText(k)] = v
		}
	}
	return m, s
}

func keyText(k any) string {
	if k, ok := k.(string); ok {
		return string([]rune(k))
	}
	return oddKey
}

// oddKey marks a map with a key that is not a string; the table tests are about those.
const oddKey = "\xff"

// same compares what plain returned with what encoding/json decoded.
func same(want, have any) bool {
	switch want := want.(type) {
	case other:
		return true
	case []any:
		have, ok := have.([]any)
		return ok && slices.EqualFunc(want, have, same)
	case map[string]any:
		have, ok := have.(map[string]any)
		if _, odd := want[oddKey]; odd {
			return ok
		}
		return ok && maps.EqualFunc(want, have, same)
	}
	return reflect.DeepEqual(want, have)
}

// plain makes a decoded value comparable with what encoding/json decodes.
func plain(v any) any {
	switch v := v.(type) {
	case string:
		return string([]rune(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case undefined:
		return nil
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

var benchJSON = []byte(`["publish","room-1","message",{"id":12345,"text":"The quick brown fox jumps over the lazy dog","at":1732262400123,"tags":["a","b"],"ok":true,"ratio":0.5,"author":{"name":"Zoë","age":42}}]`)

func BenchmarkJSONToMsgpack(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(benchJSON)))
	buf := make([]byte, 0, 1024)
	for b.Loop() {
		if _, err := notepack.AppendJSON(buf, benchJSON, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMsgpackToJSON(b *testing.B) {
	packed, err := notepack.AppendJSON(nil, benchJSON, nil)
	if err != nil {
		b.Fatal(err)
	}
	in := string(packed)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	buf := make([]byte, 0, 1024)
	for b.Loop() {
		r := notepack.NewReader(in)
		if _, _, err := r.JSON(buf, nil, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTranscodingDoesNotAllocate(t *testing.T) {
	packed, err := notepack.AppendJSON(nil, benchJSON, nil)
	if err != nil {
		t.Fatal(err)
	}
	in, buf := string(packed), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		out, _ := notepack.AppendJSON(buf, benchJSON, nil)
		if !bytes.Equal(out, packed) {
			t.Error("differs")
		}
	}); n != 0 {
		t.Errorf("to msgpack: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		r := notepack.NewReader(in)
		if out, _, err := r.JSON(buf, nil, 1<<20); err != nil || !bytes.Equal(out, benchJSON) {
			t.Error("differs", string(out), err)
		}
	}); n != 0 {
		t.Errorf("to JSON: %v allocations", n)
	}
}
