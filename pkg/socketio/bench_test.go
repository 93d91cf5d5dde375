package socketio

import (
	"encoding/json"
	"strings"
	"testing"
)

func BenchmarkParseEvent(b *testing.B) {
	for name, array := range map[string]string{
		"chat":  `["message","general",{"user":"ada","text":"a line of a chat, as people write them, of some eighty characters","at":1767225600000}]`,
		"large": `["snapshot",[` + strings.Repeat(`{"id":12345,"name":"some name","tags":["a","b"],"x":-1.25e3},`, 1000) + `null]]`,
		"text":  `["blob","` + strings.Repeat("all work and no play ", 3000) + `"]`,
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(array)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := parseEvent(text, nil, &testLimits); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/encoding-json-valid", func(b *testing.B) {
			text := []byte(array)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				json.Valid(text)
			}
		})
	}
}

func BenchmarkEncodeEvent(b *testing.B) {
	args, _ := parseArgs([]byte(`["general","message",{"user":"ada","text":"a line of a chat","at":1767225600000}]`), nil, &testLimits)
	type line struct {
		User, Text string
		Body       Binary `json:",omitempty"`
	}
	for name, list := range map[string][]any{
		"string": {"a line of a chat"},
		"relay":  {args.From(2)},
		"struct": {line{"ada", "a line of a chat", nil}},
		"binary": {line{"ada", "a line of a chat", make(Binary, 1000)}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := encodeEvent("message", list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
