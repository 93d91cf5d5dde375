package redis

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// benchID is a socket's id as node n makes it.
func benchID(n, i int) string { return fmt.Sprintf("t%03d%016x", n, i) }

// BenchmarkPublishBesidePrivateRooms is what Redis takes for a PUBLISH that nobody hears, beside
// the patterns that so many nodes with one namespace have, or beside the exact subscriptions
// of so many sockets. redis-ns/op is the CPU of its main thread.
func BenchmarkPublishBesidePrivateRooms(b *testing.B) {
	names := newChannels("socket.io")
	for _, nodes := range []int{0, 1, 3, 10, 20, 50, 100, 500} {
		b.Run("patterns="+strconv.Itoa(nodes), func(b *testing.B) {
			server := redistest.StartOwn(b)
			p := server.Client().PSubscribe(b.Context())
			defer p.Close()
			for n := range nodes {
				if err := p.PSubscribe(b.Context(), names.private("/", benchID(n, 0)[:4])); err != nil {
					b.Fatal(err)
				}
				hear(b, p, 1)
			}
			pipelined(b, server, "PUBLISH", names.room("/", "room-1"), strings.Repeat("x", 100))
		})
	}
	for _, sockets := range []int{10_000, 100_000, 1_000_000} {
		b.Run("exact="+strconv.Itoa(sockets), func(b *testing.B) {
			server := redistest.StartOwn(b)
			p := server.Client().Subscribe(b.Context())
			defer p.Close()
			subscribeExactly(b, p, exactChannels(sockets))
			pipelined(b, server, "PUBLISH", names.room("/", "room-1"), strings.Repeat("x", 100))
		})
	}
}

func subscribeExactly(b *testing.B, p *goredis.PubSub, batches [][]string) {
	for _, batch := range batches {
		if err := p.Subscribe(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
		hear(b, p, len(batch))
	}
}

// hear reads n confirmations.
func hear(b *testing.B, p *goredis.PubSub, n int) {
	for range n {
		if _, err := p.Receive(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// exactChannels are the private rooms' channels of so many sockets, in the batches that an
// adapter subscribes to.
func exactChannels(n int) (batches [][]string) {
	names := newChannels("socket.io")
	for i := range n {
		if i%subscribeBatch == 0 {
			batches = append(batches, nil)
		}
		last := &batches[len(batches)-1]
		*last = append(*last, names.room("/", benchID(0, i)))
	}
	return batches
}

// pipelined sends one command b.N times, a thousand at a time.
func pipelined(b *testing.B, server *redistest.Own, words ...string) {
	const depth = 1000
	var command []byte
	command = fmt.Appendf(command, "*%d\r\n", len(words))
	for _, w := range words {
		command = fmt.Appendf(command, "$%d\r\n%s\r\n", len(w), w)
	}
	conn, err := net.Dial("tcp", server.Address())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 64<<10)
	commands := bytes.Repeat(command, depth)
	before := mainThread(b, server)
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += depth {
		n := min(depth, b.N-sent)
		if _, err := conn.Write(commands[:n*len(command)]); err != nil {
			b.Fatal(err)
		}
		for range n {
			if line, err := answers.ReadSlice('\n'); err != nil || line[0] != ':' {
				b.Fatalf("%q, %v", line, err)
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "publish/s")
	b.ReportMetric((mainThread(b, server)-before)*1e9/float64(b.N), "redis-ns/op")
}

// mainThread returns the CPU seconds of a server's main thread.
func mainThread(b *testing.B, server *redistest.Own) float64 {
	return infoOf(b, server, "cpu", "used_cpu_user_main_thread") + infoOf(b, server, "cpu", "used_cpu_sys_main_thread")
}

func infoOf(b *testing.B, server *redistest.Own, section, field string) float64 {
	text, err := server.Client().Info(context.Background(), section).Result()
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, field+":")
	value, _, _ := strings.Cut(rest, "\r")
	f, err := strconv.ParseFloat(value, 64)
	if err != nil {
		b.Fatalf("%s: %v", field, err)
	}
	return f
}

// BenchmarkExactSubscription is what the subscription of one socket's room costs Redis, made
// and ended, a thousand at a time.
func BenchmarkExactSubscription(b *testing.B) {
	server := redistest.StartOwn(b)
	p := server.Client().Subscribe(b.Context())
	defer p.Close()
	batches := exactChannels(b.N)
	memory, began := infoOf(b, server, "memory", "used_memory"), mainThread(b, server)
	b.ResetTimer()
	subscribeExactly(b, p, batches)
	b.StopTimer()
	subscribed := mainThread(b, server)
	b.ReportMetric((subscribed-began)*1e9/float64(b.N), "redis-ns/subscribe")
	b.ReportMetric((infoOf(b, server, "memory", "used_memory")-memory)/float64(b.N), "redis-B/socket")
	for _, batch := range batches {
		if err := p.Unsubscribe(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
		hear(b, p, len(batch))
	}
	b.ReportMetric((mainThread(b, server)-subscribed)*1e9/float64(b.N), "redis-ns/unsubscribe")
}
