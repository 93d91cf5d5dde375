package redis

import (
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

const benchData = `["publish","room-1","message",{"id":12345,"text":"The quick brown fox jumps over the lazy dog","at":1732262400123,"tags":["a","b"],"ok":true}]`

// BenchmarkPublish is what a Broadcast costs its caller, without Redis.
func BenchmarkPublish(b *testing.B) {
	a, err := New(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	m := event("/", benchData, "room-1")
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Broadcast(b.Context(), m, func() {}); err != nil {
			b.Fatal(err)
		}
		for _, p := range a.publisher.take() {
			freePayload(p.payload)
		}
	}
}

type nullNode struct{ socketio.Node }

func (nullNode) Deliver(*socketio.Broadcast) error { return nil }
func (nullNode) Tag() string                       { return "aaaa" }

// BenchmarkReceive is what a message costs from the connection to the node.
func BenchmarkReceive(b *testing.B) {
	a, err := New(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	payload, err := appendEnvelope(nil, "AAAAAA", event("/", benchData, "room-1"))
	if err != nil {
		b.Fatal(err)
	}
	m := &goredis.Message{Channel: a.names.room("/", "room-1"), Payload: string(payload)}
	a.interests.add(m.Channel, kindBroadcast, "/")
	b.ReportAllocs()
	for b.Loop() {
		a.receive(nullNode{}, m)
	}
	if n := a.Stats().Delivered; n != uint64(b.N) {
		b.Fatalf("%d of %d delivered: %v", n, b.N, a.Stats().Dropped)
	}
}

// BenchmarkReceiveOwn is what an echo of this node's own message costs.
func BenchmarkReceiveOwn(b *testing.B) {
	a, err := New(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	payload, err := appendEnvelope(nil, a.uid, event("/", benchData))
	if err != nil {
		b.Fatal(err)
	}
	m := &goredis.Message{Channel: a.names.all("/"), Payload: string(payload)}
	a.interests.add(m.Channel, kindBroadcast, "/")
	a.count.queued.Store(1 << 60)
	b.ReportAllocs()
	for b.Loop() {
		a.receive(nullNode{}, m)
	}
}

// BenchmarkThroughRedis is a message from one node to another, many at a time.
func BenchmarkThroughRedis(b *testing.B) {
	members, _ := cluster(b, 2)
	members[1].join("/", "room-1")
	m := event("/", benchData, "room-1")
	const outstanding = 64
	tokens := make(chan struct{}, outstanding)
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range b.N {
			members[1].next()
			<-tokens
		}
	}()
	for range b.N {
		tokens <- struct{}{}
		members[0].emit(m)
	}
	<-done
}
