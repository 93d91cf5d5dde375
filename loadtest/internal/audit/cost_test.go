//go:build !race

// The race detector allocates.

package audit

import (
	"runtime"
	"testing"
)

func TestReceivingAllocatesNothing(t *testing.T) {
	for name, w := range map[string]*Window{"open loop": nil, "window": NewWindow(8)} {
		t.Run(name, func(t *testing.T) {
			a := New(Config{})
			room := a.Room("tea")
			stream := a.Publisher(0, w).Stream(room)
			s := a.Subscriber(1)
			s.Joined(room)
			const n = 1000
			payloads := make([][]byte, n+2)
			for i := range payloads {
				payloads[i], _ = stream.Next(nil, 128, 0)
			}
			s.Received(payloads[0])
			next := 1
			if got := testing.AllocsPerRun(n, func() {
				s.Received(payloads[next])
				next++
			}); got != 0 {
				t.Errorf("%v allocations", got)
			}
			if got := a.Sums().Delivered; got != n+2 {
				t.Errorf("delivered %d", got)
			}
		})
	}
}

func TestSendingAllocatesOnlyItsLog(t *testing.T) {
	a := New(Config{})
	stream := a.Publisher(0, nil).Stream(a.Room("tea"))
	p := make([]byte, 0, 200)
	if got := testing.AllocsPerRun(10000, func() { p, _ = stream.Next(p[:0], 128, 0) }); got > 0.05 {
		t.Errorf("%v allocations a message", got)
	}
}

// TestARoomInWhichAllPublishAllocatesLittle is 300 members who got something of each
// other, or of 300 in another worker.
func TestARoomInWhichAllPublishAllocatesLittle(t *testing.T) {
	for name, row := range map[string]struct {
		publishers Config
		most       float64 // bytes a pair of subscriber and stream
	}{
		"one worker": {Config{}, 20},
		"two":        {Config{Worker: 1}, 120},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 300
			there := New(row.publishers)
			a := New(Config{Remote: true})
			if row.publishers.Worker == 0 {
				there = a
			}
			subs := make([]*Subscriber, n)
			var payloads [n][]byte
			for i := range subs {
				subs[i] = a.Subscriber(i)
				subs[i].Joined(a.Room("tea"))
			}
			for i := range payloads {
				payloads[i], _ = there.Publisher(i, nil).Stream(there.Room("tea")).Next(nil, 0, 0)
			}
			before := heap()
			for _, s := range subs {
				for _, p := range payloads {
					s.Received(p)
				}
			}
			per := float64(heap()-before) / (n * n)
			t.Logf("%.1f bytes a pair", per)
			if per > row.most {
				t.Errorf("a pair of subscriber and stream is %.1f bytes, want %v at most", per, row.most)
			}
			runtime.KeepAlive(subs)
		})
	}
}

func TestASubscriberAllocatesLittle(t *testing.T) {
	const n = 10000
	a := New(Config{})
	rooms := make([]*Room, 10)
	for i := range rooms {
		rooms[i] = a.Room(string(rune('a' + i)))
	}
	subs := make([]*Subscriber, n)
	before := heap()
	for i := range subs {
		subs[i] = a.Subscriber(i)
		subs[i].Joined(rooms[i%len(rooms)])
	}
	per := float64(heap()-before) / n
	t.Logf("%.0f bytes a subscriber", per)
	if per > 300 {
		t.Errorf("a subscriber in one room is %.0f bytes, want 300 at most", per)
	}
	runtime.KeepAlive(subs)
}

func TestASendLogAllocatesLittle(t *testing.T) {
	for name, row := range map[string]struct {
		step int64
		most float64 // bytes a message
	}{
		"10,000 a second": {100_000, 4},
		"1 a second":      {1_000_000_000, 7},
	} {
		t.Run(name, func(t *testing.T) {
			var l sendLog
			before := heap()
			const n = 100_000
			for i := range int64(n) {
				l.append(1e18 + i*row.step)
			}
			per := float64(heap()-before) / n
			t.Logf("%.1f bytes a message", per)
			if per > row.most {
				t.Errorf("%.1f bytes a message, want %v at most", per, row.most)
			}
			runtime.KeepAlive(&l)
		})
	}
}

func TestAShortStreamAllocatesLittle(t *testing.T) {
	const n = 2000
	a := New(Config{})
	room := a.Room("tea")
	before := heap()
	for i := range n {
		s := a.Publisher(i, nil).Stream(room)
		for range 5 {
			s.Next(nil, 0, 0)
		}
	}
	per := float64(heap()-before) / n
	t.Logf("%.0f bytes a stream", per)
	if per > 400 {
		t.Errorf("%.0f bytes a stream of 5 messages, want 400 at most", per)
	}
	runtime.KeepAlive(a)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
