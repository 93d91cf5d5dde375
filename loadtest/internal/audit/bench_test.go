package audit

import (
	"fmt"
	"testing"
)

// BenchmarkReceived is what judging one delivery costs, in order, at the payload
// sizes of the standard scenarios.
func BenchmarkReceived(b *testing.B) {
	for _, size := range []int{MinSize, 128, 1024, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkReceived(b, size, nil) })
	}
	b.Run("128/window", func(b *testing.B) { benchmarkReceived(b, 128, NewWindow(16)) })
}

func benchmarkReceived(b *testing.B, size int, w *Window) {
	const batch = 1024
	a := New(Config{})
	room := a.Room("tea")
	stream := a.Publisher(0, w).Stream(room)
	s := a.Subscriber(1)
	s.Joined(room)
	payloads := make([][]byte, batch)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if i%batch == 0 {
			b.StopTimer()
			for j := range payloads {
				payloads[j], _ = stream.Next(payloads[j][:0], size, 0)
			}
			b.StartTimer()
		}
		s.Received(payloads[i%batch])
	}
}

// BenchmarkNext is what numbering, logging and writing a message costs.
func BenchmarkNext(b *testing.B) {
	a := New(Config{})
	stream := a.Publisher(0, nil).Stream(a.Room("tea"))
	var p []byte
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		p, _ = stream.Next(p[:0], 128, 0)
	}
}

// BenchmarkManyStreams is a member of a room of 1,000 in which everybody publishes.
func BenchmarkManyStreams(b *testing.B) {
	a := New(Config{})
	room := a.Room("tea")
	s := a.Subscriber(0)
	s.Joined(room)
	var streams []*Stream
	for i := range 1000 {
		streams = append(streams, a.Publisher(i+1, nil).Stream(room))
	}
	payloads := make([][]byte, len(streams))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if i%len(streams) == 0 {
			b.StopTimer()
			for j, st := range streams {
				payloads[j], _ = st.Next(payloads[j][:0], 128, 0)
			}
			b.StartTimer()
		}
		s.Received(payloads[i%len(streams)])
	}
}
