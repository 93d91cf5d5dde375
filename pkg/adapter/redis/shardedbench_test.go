package redis

import (
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func BenchmarkShardedEnvelope(b *testing.B) {
	s, err := NewSharded(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"small": `["chat",{"from":"Ann","text":"hello, world","at":1577836800123}]`,
		"large": `["chat","` + strings.Repeat("0123456789", 10_000) + `"]`,
	} {
		e := &socketio.Broadcast{Namespace: "/", Rooms: []string{"room"}, Data: []byte(text)}
		b.Run(name+"/encode", func(b *testing.B) {
			var out []byte
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if out, err = s.appendShardedBroadcast(out[:0], e, "", 0); err != nil {
					b.Fatal(err)
				}
			}
		})
		packed, err := s.appendShardedBroadcast(nil, e, "", 0)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/decode", func(b *testing.B) {
			payload := string(packed)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				m, err := decodeSharded(payload, 1<<20)
				if err == nil {
					_, _, _, err = m.broadcast()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
