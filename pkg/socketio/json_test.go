package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// depthOf returns how deep valid JSON is nested.
func depthOf(text []byte) int {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	level, deepest := 0, 0
	for {
		token, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			level++
			deepest = max(deepest, level)
		case json.Delim(']'), json.Delim('}'):
			level--
		}
	}
}

func TestScannerAcceptsWhatEncodingJSONAccepts(t *testing.T) {
	for _, text := range []string{
		``, ` `, `null`, `nul`, `nulll`, `true`, `tru`, `false`, `falsey`, `0`, `-0`, `-`, `00`, `01`, `1.`, `.1`, `1.0e+9`, `1e`, `1e-`, `1E5`, `1e999`, `--1`, `+1`,
		`""`, `"`, `"\"`, `"\\"`, `"\u00e9"`, `"\u00g9"`, `"\u12"`, `"\x"`, "\"\x7f\"", "\"\x1f\"", "\"\x00\"", "\"\xff\"", `"\ud800"`,
		`[]`, `[ ]`, `[,]`, `[1,]`, `[1 2]`, `[1,2]`, `[[],{}]`, `[`, `]`, `[1`, `[}`, `[1}`,
		`{}`, `{ }`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}`, `{,}`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`, `{"a":1]`, `{"a":[{"b":[]}]}`, `{"":{}}`,
		`1 2`, `{} {}`, "\ufeff{}", "\x00", "1\x00", "[1\x00]", "[\x00]", " \t\r\n1 \t\r\n", "\v1",
	} {
		if got, want := validJSON([]byte(text), maxNesting), json.Valid([]byte(text)); got != want {
			t.Errorf("%q: valid %v, encoding/json says %v", text, got, want)
		}
	}
}

func TestNestingBeyondTheLimitIsRefusedInTime(t *testing.T) {
	for _, pair := range []string{"[ ]", `{"a": }`, `[{"a": }]`} {
		opening, closing, _ := strings.Cut(pair, " ")
		levels := strings.Count(opening, "[") + strings.Count(opening, "{")
		for _, depth := range []int{1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024, 100_000} {
			text := []byte(strings.Repeat(opening, depth) + "1" + strings.Repeat(closing, depth))
			if got, want := validJSON(text, 128), depth*levels <= 128; got != want {
				t.Errorf("%d × %s within 128 levels: valid %v", depth, opening, got)
			}
			if got, want := validJSON(text, 1e9), depth*levels <= maxNesting; got != want {
				t.Errorf("%d × %s within the greatest limit: valid %v", depth, opening, got)
			}
		}
	}
	s := scanner{text: []byte("[[1]]"), depth: 1}
	if err := s.only(); !errors.Is(err, errNesting) {
		t.Errorf("error %v, want %v", err, errNesting)
	}
}

func TestScanningDoesNotAllocate(t *testing.T) {
	text := []byte(`{"a":[1,2.5e3,{"b":"c\u00e9","d":[true,false,null]}],"e":{}}`)
	if n := testing.AllocsPerRun(100, func() { validJSON(text, 128) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzScanJSON(f *testing.F) {
	for _, text := range []string{
		`["a",1,{"b":[true,null]},"\u00e9\n"]`, `[ ]`, `[1,2 , 3]`, `[-0.5e+10,[[]],{}]`, `{"a":{"b":{"c":[{}]}}}`, `"a"`, `[1,]`, `{"a":1,}`, ` [ "x" ] `,
	} {
		f.Add([]byte(text), byte(128))
	}
	f.Fuzz(func(t *testing.T, text []byte, depth byte) {
		depth = max(depth, 1)
		want := json.Valid(text) && depthOf(text) <= int(depth)
		if got := validJSON(text, int(depth)); got != want {
			t.Fatalf("%q within %d levels: valid %v, want %v", text, depth, got, want)
		}
		lim := limits{args: len(text), depth: int(depth)}
		args, err := parseArgs(text, nil, &lim)
		var array []json.RawMessage
		isArray := want && json.Unmarshal(text, &array) == nil && array != nil
		if len(text) == 0 {
			isArray = true
		}
		if (err == nil) != isArray {
			t.Fatalf("%q: error %v", text, err)
		}
		if err != nil {
			return
		}
		if args.Len() != len(array) {
			t.Fatalf("%q: %d arguments, want %d", text, args.Len(), len(array))
		}
		for i, want := range array {
			if got := args.At(i).JSON(); !bytes.Equal(got, want) {
				t.Fatalf("%q: argument %d is %q, want %q", text, i, got, want)
			}
		}
	})
}

// placeholdersByJSON decides by tokens whether each of n attachments is used once.
func placeholdersByJSON(text []byte, n int) bool {
	r := referenceFinder{dec: json.NewDecoder(bytes.NewReader(text)), used: map[int]int{}}
	r.dec.UseNumber()
	r.value()
	if r.bad || len(r.used) != n {
		return false
	}
	for num, times := range r.used {
		if num >= n || times != 1 {
			return false
		}
	}
	return true
}

// referenceFinder finds placeholders recursively.
type referenceFinder struct {
	dec  *json.Decoder
	used map[int]int
	bad  bool
}

// value returns the token of a value that is not nested, and whether there was a
// placeholder in it.
func (r *referenceFinder) value() (token json.Token, found bool) {
	token, err := r.dec.Token()
	if err == io.EOF {
		return nil, false
	}
	switch token {
	case json.Delim('['):
		for r.dec.More() {
			_, within := r.value()
			found = found || within
		}
		r.dec.Token()
	case json.Delim('{'):
		found = r.object()
	}
	return token, found
}

func (r *referenceFinder) object() (found bool) {
	var marked bool
	var num json.Token
	for r.dec.More() {
		key, _ := r.dec.Token()
		token, within := r.value()
		found = found || within
		switch key {
		case "_placeholder":
			marked = token == true
		case "num":
			num = token
		}
	}
	r.dec.Token()
	if !marked {
		return found
	}
	number, ok := num.(json.Number)
	n, err := number.Int64()
	if !ok || err != nil || n > 999_999_999 || strings.HasPrefix(number.String(), "-") || found {
		r.bad = true
	}
	r.used[int(n)]++
	return true
}
