package notepack_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
)

func packed(t testing.TB, h string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(h, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// toJSON reads all of packed as one value.
func toJSON(packed string) (string, [][]byte, error) {
	r := notepack.NewReader(packed)
	text, attachments, err := r.JSON(nil, nil, 1<<20)
	if err == nil {
		err = r.End()
	}
	return string(text), attachments, err
}

// TestGoldenVectorsBothWays holds the vectors of protocol.md 4.1.4, byte for byte.
func TestGoldenVectorsBothWays(t *testing.T) {
	for _, row := range []struct{ name, json, hex string }{
		{"broadcast to all",
			`["AAAAAA",{"type":2,"data":["hello",1],"nsp":"/"},{"rooms":[],"except":[],"flags":{}}]`,
			"93a641414141414183a47479706502a46461746192a568656c6c6f01a36e7370a12f83a5726f6f6d7390a665786365707490a5666c61677380"},
		{"broadcast to a room",
			`["AAAAAA",{"type":2,"data":["hi"],"nsp":"/chat"},{"rooms":["r1"],"except":["x"],"flags":{"compress":false}}]`,
			"93a641414141414183a47479706502a46461746191a26869a36e7370a52f6368617483a5726f6f6d7391a27231a665786365707491a178a5666c61677381a8636f6d7072657373c2"},
		{"request with ack",
			`{"uid":"AAAAAA","requestId":"BBBBBB","type":7,"packet":{"type":2,"data":["q"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{"timeout":1000}}}`,
			"85a3756964a6414141414141a9726571756573744964a6424242424242a47479706507a67061636b657483a47479706502a46461746191a171a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a5666c61677381a774696d656f7574cd03e8"},
		{"response", `{"type":9,"requestId":"BBBBBB","packet":"ok"}`,
			"83a47479706509a9726571756573744964a6424242424242a67061636b6574a26f6b"},
		{"response without a value", `{"type":9,"requestId":"BBBBBB"}`,
			"82a47479706509a9726571756573744964a6424242424242"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := notepack.AppendJSON(nil, []byte(row.json), nil)
			if err != nil || hex.EncodeToString(got) != row.hex {
				t.Errorf("to msgpack: %x, %v", got, err)
			}
			text, _, err := toJSON(packed(t, row.hex))
			if err != nil || text != row.json {
				t.Errorf("to JSON: %s, %v", text, err)
			}
		})
	}
}

func TestJSONBecomesTheSmallestForm(t *testing.T) {
	long := strings.Repeat("x", 40)
	for _, row := range []struct{ name, json, hex string }{
		{"zero", "0", "00"}, {"minus zero", "-0", "00"}, {"fixint", "127", "7f"},
		{"uint8", "128", "cc80"}, {"uint16", "256", "cd0100"}, {"uint32", "65536", "ce00010000"},
		{"uint64", "4294967296", "cf0000000100000000"},
		{"largest exact", "9007199254740993", "cf0020000000000001"},
		{"largest uint64", "18446744073709551615", "cfffffffffffffffff"},
		{"beyond uint64", "18446744073709551616", "cb43f0000000000000"},
		{"negative fixint", "-32", "e0"}, {"int8", "-33", "d0df"}, {"int16", "-129", "d1ff7f"},
		{"int32", "-32769", "d2ffff7fff"}, {"int64", "-2147483649", "d3ffffffff7fffffff"},
		{"smallest int64", "-9223372036854775808", "d38000000000000000"},
		{"beyond int64", "-9223372036854775809", "d38000000000000000"}, // as a float it is -2^63
		{"float", "1.5", "cb3ff8000000000000"}, {"whole float", "1.0", "01"}, {"exponent", "1e3", "cd03e8"},
		{"infinite", "1e400", "cb7ff0000000000000"},
		{"literals", "[true, false ,null]", "93c3c2c0"},
		{"empty", ` [ { } , [ ] , "" ] `, "93 80 90 a0"},
		{"escapes", `"\"\\\/\b\f\n\r\té"`, "aa 22 5c 2f 08 0c 0a 0d 09 c3a9"},
		{"pair", `"\ud83d\ude00"`, "a4 f09f9880"},
		{"half pairs", `"\ud83d \ude00\ud83dx"`, "ab efbfbd 20 efbfbd efbfbd 78"},
		{"half pair before another escape", `"\ud83d\n"`, "a4 efbfbd 0a"},
		{"two first halves", `"\ud83d\ud83d\ude00"`, "a7 efbfbd f09f9880"},
		{"bad UTF-8", "\"a\xffb\"", "a5 61 efbfbd 62"},
		{"31 bytes", `"` + long[:31] + `"`, "bf" + strings.Repeat("78", 31)},
		{"32 bytes", `"` + long[:32] + `"`, "d920" + strings.Repeat("78", 32)},
		{"33 bytes with an escape", `"` + long[:32] + `\n"`, "d921" + strings.Repeat("78", 32) + "0a"},
		{"16 elements", "[" + strings.Repeat("1,", 15) + "1]", "dc0010" + strings.Repeat("01", 16)},
		{"16 entries", "{" + strings.Repeat(`"":0,`, 15) + `"":0}`, "de0010" + strings.Repeat("a000", 16)},
		{"duplicate keys stay", `{"a":1,"a":2}`, "82 a16101 a16102"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := notepack.AppendJSON([]byte{1}, []byte(row.json), nil)
			if want := "\x01" + packed(t, row.hex); err != nil || string(got) != want {
				t.Errorf("%x, %v, want %x", got, err, want)
			}
		})
	}
}

func TestMsgpackBecomesWhatNodeWouldSend(t *testing.T) {
	for _, row := range []struct{ name, hex, json string }{
		{"float32", "ca3dcccccd", "0.10000000149011612"},
		{"float64", "cb3fb999999999999a", "0.1"},
		{"whole", "cb3ff0000000000000", "1"},
		{"minus zero", "cb8000000000000000", "0"},
		{"large", "cb444b1ae4d6e2ef50", "1e+21"},
		{"small", "cb3e7ad7f29abcaf48", "1e-7"},
		{"below the exponent", "cb444a1ae4d6e2ef50", "963106511852580900000"},
		{"NaN", "cb7ff8000000000000", "null"},
		{"infinity", "93 cb7ff0000000000000 cbfff0000000000000 ca7f800000", "[null,null,null]"},
		{"64 bits", "92 cfffffffffffffffff d38000000000000000", "[18446744073709551615,-9223372036854775808]"},
		{"any width", "96 cc01 cd0001 ce00000001 cf0000000000000001 d001 d30000000000000001", "[1,1,1,1,1,1]"},
		{"negative", "94 ff d0ff d1ffff d2ffffffff", "[-1,-1,-1,-1]"},
		{"control characters", "a7 00 1f 22 5c 0a 7f 3c", `"\u0000\u001f\"\\\n` + "\x7f<\""},
		{"line separator stays", "a3e280a8", "\"\u2028\""},
		{"bad UTF-8", "a3 61ff62", "\"a\uFFFDb\""},
		{"surrogate in UTF-8", "a3 eda0bd", "\"\uFFFD\uFFFD\uFFFD\""},
		{"undefined", "92 d40000 c0", "[null,null]"},
		{"undefined entry", "83 a161 d40000 a162 01 a163 d40000", `{"b":1}`},
		{"keys", "86 01 00 ff 00 cb3ff8000000000000 00 c3 00 c0 00 cb7ff8000000000000 00", `{"1":0,"-1":0,"1.5":0,"true":0,"null":0,"NaN":0}`},
		{"time 32", "d6ff5e0be100", `"2020-01-01T00:00:00.000Z"`},
		{"time 64", "d7ff1d5353005e0be100", `"2020-01-01T00:00:00.123Z"`},
		{"time 96", "c70cff 075bca00 ffffffffffffffff", `"1969-12-31T23:59:59.124Z"`},
		{"year 10000", "c70cff 00000000 0000003afff44180", `"+010000-01-01T00:00:00.000Z"`},
		{"before year 0", "c70cff 00000000 fffffff184aa5080", `"-000001-01-01T00:00:00.000Z"`},
		{"no such time", "c70cff 00000000 7fffffffffffffff", "null"},
		{"old time", "d700 0000016f5e66e87b", `"2020-01-01T00:00:00.123Z"`},
		{"unknown extension", "d505 0102", `[5,{"_placeholder":true,"num":0}]`},
		{"placeholder without bytes", "82 ac5f706c616365686f6c646572 c3 a36e756d 00", `{"_placeholder":true,"num":0}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, _, err := toJSON(packed(t, row.hex))
			if err != nil || got != row.json {
				t.Errorf("%s, %v, want %s", got, err, row.json)
			}
			if !json.Valid([]byte(got)) {
				t.Error("not valid JSON")
			}
		})
	}
}

func TestAttachmentsTravelAsBytes(t *testing.T) {
	const text = `["e",{"_placeholder":true,"num":0},[{"a":{"num": 1 , "_placeholder" : true}}],{"_placeholder":false,"num":0}]`
	in := [][]byte{{1, 2, 3}, {}}
	got, err := notepack.AppendJSON(nil, []byte(text), in)
	want := packed(t, "94 a165 c403010203 91 81 a161 c400 82 ac5f706c616365686f6c646572 c2 a36e756d 00")
	if err != nil || string(got) != want {
		t.Fatalf("%x, %v", got, err)
	}
	back, out, err := toJSON(string(got))
	if err != nil || back != `["e",{"_placeholder":true,"num":0},[{"a":{"_placeholder":true,"num":1}}],{"_placeholder":false,"num":0}]` {
		t.Fatalf("%s, %v", back, err)
	}
	if len(out) != 2 || string(out[0]) != "\x01\x02\x03" || len(out[1]) != 0 {
		t.Fatalf("attachments: %x", out)
	}
	for _, form := range []string{"c70300010203", "c800030001 0203", "c9000000 0300010203", "c50003010203", "c600000003010203"} {
		if _, out, err := toJSON(packed(t, form)); err != nil || len(out) != 1 || string(out[0]) != "\x01\x02\x03" {
			t.Errorf("%s: %x, %v", form, out, err)
		}
	}
}

func TestBadInputIsRefusedByName(t *testing.T) {
	one := [][]byte{{1}}
	for _, row := range []struct {
		name, json  string
		attachments [][]byte
		want        error
	}{
		{"empty", "", nil, notepack.ErrJSON}, {"two values", "1 2", nil, notepack.ErrJSON},
		{"open array", "[1", nil, notepack.ErrJSON}, {"comma", "[1,]", nil, notepack.ErrJSON},
		{"open string", `"a`, nil, notepack.ErrJSON}, {"raw newline", "\"\n\"", nil, notepack.ErrJSON},
		{"raw newline after escape", "\"\\n\n\"", nil, notepack.ErrJSON},
		{"bad escape", `"\x"`, nil, notepack.ErrJSON}, {"short escape", `"\u12"`, nil, notepack.ErrJSON},
		{"leading zero", "01", nil, notepack.ErrJSON}, {"plus", "+1", nil, notepack.ErrJSON},
		{"bare minus", "-", nil, notepack.ErrJSON}, {"no fraction", "1.", nil, notepack.ErrJSON},
		{"no exponent", "1e+", nil, notepack.ErrJSON}, {"word", "nul", nil, notepack.ErrJSON},
		{"key", "{1:2}", nil, notepack.ErrJSON}, {"colon", `{"a" 1}`, nil, notepack.ErrJSON},
		{"deep", strings.Repeat("[", 129) + strings.Repeat("]", 129), nil, notepack.ErrDepth},
		{"missing attachment", `[{"_placeholder":true,"num":1}]`, one, notepack.ErrPlaceholder},
		{"unused attachment", `[]`, one, notepack.ErrPlaceholder},
		{"used twice", `[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, one, notepack.ErrPlaceholder},
		{"false friend", `[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0,"x":1}]`, one, notepack.ErrPlaceholder},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := notepack.AppendJSON([]byte("x"), []byte(row.json), row.attachments)
			if !errors.Is(err, row.want) || string(got) != "x" {
				t.Errorf("%x, %v, want %v", got, err, row.want)
			}
		})
	}
	for _, row := range []struct {
		name, hex string
		want      error
	}{
		{"empty", "", notepack.ErrTruncated}, {"never used", "c1", notepack.ErrType},
		{"short string", "a3 6162", notepack.ErrTruncated}, {"short number", "cd01", notepack.ErrTruncated},
		{"announced array", "ddffffffff", notepack.ErrTruncated}, {"announced map", "df7fffffff", notepack.ErrTruncated},
		{"announced map that could be half there", "83 00 00 00 00", notepack.ErrTruncated},
		{"announced bytes", "c6ffffffff", notepack.ErrTruncated}, {"cut extension", "d8", notepack.ErrTruncated},
		{"cut extension body", "d4ff", notepack.ErrTruncated}, {"odd time", "c704ff00000000", notepack.ErrType},
		{"map as key", "81 80 00", notepack.ErrType}, {"trailing", "0000", notepack.ErrTrailing},
		{"deep", strings.Repeat("91", 129) + "00", notepack.ErrDepth},
		{"a million levels", strings.Repeat("91", 1e6), notepack.ErrDepth},
		{"many attachments", "dc0101" + strings.Repeat("c400", 257), notepack.ErrAttachments},
		{"ambiguous", "92 c400 81 ac5f706c616365686f6c646572 c3", notepack.ErrPlaceholder},
	} {
		t.Run("msgpack "+row.name, func(t *testing.T) {
			if got, _, err := toJSON(packed(t, row.hex)); !errors.Is(err, row.want) {
				t.Errorf("%s, %v, want %v", got, err, row.want)
			}
		})
	}
	r := notepack.NewReader(packed(t, "d97f"+strings.Repeat("78", 127)))
	if _, _, err := r.JSON(nil, nil, 100); !errors.Is(err, notepack.ErrTooLarge) {
		t.Error("over the limit:", err)
	}
}

func TestSkipEndsWhereTheValueDoes(t *testing.T) {
	for _, h := range []string{"00", "c0", "d40000", "d6ff00000000", "c70cff" + strings.Repeat("00", 12), "a161", "c40101",
		"83 a161 92 01 02 a162 80 a163 c0", "cb0000000000000000", strings.Repeat("91", 100000) + "c0"} {
		r := notepack.NewReader(packed(t, h) + "\x2a")
		if err := r.Skip(); err != nil {
			t.Fatalf("%.20s: %v", h, err)
		}
		if n, err := r.Uint(); n != 42 || err != nil || r.End() != nil {
			t.Errorf("%.20s: %d, %v", h, n, err)
		}
	}
	if err := notepack.NewReader(strings.Repeat("\x91", 1e6)).Skip(); !errors.Is(err, notepack.ErrTruncated) {
		t.Error(err)
	}
}

func TestNumbersAreNamesToo(t *testing.T) {
	for h, want := range map[string]string{"2a": "42", "ff": "-1", "cb3ff8000000000000": "1.5", "a1 61": "a"} {
		if got, err := notepack.NewReader(packed(t, h)).Name(); got != want || err != nil {
			t.Errorf("%s: %q, %v", h, got, err)
		}
	}
	if _, err := notepack.NewReader("\xc0").Name(); !errors.Is(err, notepack.ErrType) {
		t.Error(err)
	}
	if got := notepack.AppendFloat(nil, math.Inf(1)); len(got) != 9 {
		t.Errorf("%x", got)
	}
}
