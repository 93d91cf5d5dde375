package audit

import (
	"testing"
	"time"
)

// world is an audit with a clock that stands still unless it is moved, a publisher
// (client 100) and a member-to-be (client 1).
type world struct {
	t      *testing.T
	a      *Audit
	time   int64
	room   *Room
	pub    *Publisher
	stream *Stream
	sub    *Subscriber
}

func newWorld(t *testing.T, c Config) *world {
	w := &world{t: t, time: int64(time.Hour)}
	c.Now = func() int64 { return w.time }
	w.a = New(c)
	w.room = w.a.Room("tea")
	w.pub = w.a.Publisher(100, nil)
	w.stream = w.pub.Stream(w.room)
	w.sub = w.a.Subscriber(1)
	return w
}

func (w *world) pass(d time.Duration) { w.time += int64(d) }

// send makes n messages and returns their payloads.
func (w *world) send(n int) [][]byte { return w.sendFrom(w.stream, n) }

func (w *world) sendFrom(s *Stream, n int) (out [][]byte) {
	for range n {
		p, _ := s.Next(nil, 100, 0)
		out = append(out, p)
	}
	return out
}

// join makes the member one.
func (w *world) join() {
	w.sub.Joining(w.room)
	w.sub.Joined(w.room)
}

func (w *world) leave() {
	w.sub.Leaving(w.room)
	w.sub.Left(w.room)
}

func (w *world) receive(payloads ...[]byte) (v Verdict) {
	for _, p := range payloads {
		_, v = w.sub.Received(p)
	}
	return v
}

// end finishes the member, and compares what was found.
func (w *world) end(want Sums) {
	w.t.Helper()
	w.sub.Finish()
	w.expect(want)
	if n := w.a.Outstanding(); n != 0 {
		w.t.Errorf("outstanding after the end: %d", n)
	}
	if n := w.a.Missing(); n != 0 {
		w.t.Errorf("missing after the end: %d", n)
	}
}

func (w *world) expect(want Sums) {
	w.t.Helper()
	got := w.a.Sums()
	if got != want {
		w.t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if rest := got.Due - got.Delivered - got.Lost - got.Gap - got.Absent - got.Unjudged; rest != 0 {
		w.t.Errorf("unbalanced by %d: %+v", rest, got)
	}
}

// flipped is a copy with a bit changed.
func flipped(p []byte, at int) []byte {
	p = append([]byte(nil), p...)
	p[at] ^= 1
	return p
}
