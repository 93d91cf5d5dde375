package redis

import (
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// BenchmarkRecordThroughRedis is an event from one node to another and into the history, many at a
// time; BenchmarkThroughRedis is the same without a history.
func BenchmarkRecordThroughRedis(b *testing.B) {
	for name, mode := range map[string]SubscriptionMode{"classic": "", "sharded": Dynamic} {
		b.Run(name, func(b *testing.B) {
			list := historians(b, Config{URL: redistest.Start(b), SubscriptionMode: mode}, 2)
			benchOutstanding(b, func(confirm func(error)) error {
				e := event("/", benchData, "room")
				e.Confirm = confirm
				return list[0].Record(e)
			})
		})
	}
}

// BenchmarkPublishOrRecord is what Redis accepts of one node, with nobody who hears it.
func BenchmarkPublishOrRecord(b *testing.B) {
	h := startHistorian(b, Config{URL: redistest.Start(b), Prefix: redistest.Prefix(b)}, "tag0", testWindow)
	h.join("/", "")
	for name, send := range map[string]func(*socketio.Broadcast) error{
		"publish": func(e *socketio.Broadcast) error { return h.Broadcast(b.Context(), e, func() {}) },
		"record":  h.Record,
	} {
		b.Run(name, func(b *testing.B) {
			benchOutstanding(b, func(confirm func(error)) error {
				e := event("/", benchData, "elsewhere")
				e.Confirm = confirm
				return send(e)
			})
		})
	}
}

// benchOutstanding keeps 2,000 events under way.
func benchOutstanding(b *testing.B, send func(confirm func(error)) error) {
	tokens := make(chan struct{}, 2000)
	confirm := func(err error) {
		if err != nil {
			b.Error(err)
		}
		<-tokens
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		tokens <- struct{}{}
		if err := send(confirm); err != nil {
			b.Fatal(err)
		}
	}
	for range cap(tokens) {
		tokens <- struct{}{}
	}
}
