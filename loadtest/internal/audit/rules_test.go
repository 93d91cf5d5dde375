package audit

import (
	"testing"
	"time"
)

// TestRules has a row for each rule of what is due and what becomes of it.
func TestRules(t *testing.T) {
	const young, old = 300 * time.Millisecond, 3 * time.Second
	for _, row := range []struct {
		name string
		run  func(w *world)
		want Sums
	}{
		{"everything comes", func(w *world) {
			w.join()
			w.receive(w.send(5)...)
		}, Sums{Published: 5, Due: 5, Delivered: 5}},

		{"nobody is there", func(w *world) {
			w.send(5)
		}, Sums{Published: 5}},

		{"a late member is owed what is sent from then on", func(w *world) {
			before := w.send(3)
			w.join()
			w.receive(before[2])
			w.receive(w.send(2)...)
		}, Sums{Published: 5, Due: 2, Delivered: 2}},

		{"what comes before the answer to a join is not judged", func(w *world) {
			w.sub.Joining(w.room)
			p := w.send(3)
			w.receive(p[1], p[2], p[2])
			w.sub.Joined(w.room)
			w.receive(w.send(1)...)
		}, Sums{Published: 4, Due: 1, Delivered: 1}},

		{"a refused member is owed nothing", func(w *world) {
			w.sub.Joining(w.room)
			w.sub.Refused(w.room)
			w.send(3)
		}, Sums{Published: 3}},

		{"the middle is lost", func(w *world) {
			w.join()
			p := w.send(5)
			w.receive(p[0], p[3], p[4])
		}, Sums{Published: 5, Due: 5, Delivered: 3, Lost: 2}},

		{"the first are lost", func(w *world) {
			w.join()
			w.receive(w.send(5)[4])
		}, Sums{Published: 5, Due: 5, Delivered: 1, Lost: 4}},

		{"the last are lost", func(w *world) {
			w.join()
			w.receive(w.send(5)[:2]...)
		}, Sums{Published: 5, Due: 5, Delivered: 2, Lost: 3}},

		{"all are lost", func(w *world) {
			w.join()
			w.send(5)
		}, Sums{Published: 5, Due: 5, Lost: 5}},

		{"a hole is filled late", func(w *world) {
			w.join()
			p := w.send(5)
			w.receive(p[0], p[4], p[2], p[1], p[3])
		}, Sums{Published: 5, Due: 5, Delivered: 5, Reordered: 3}},

		{"a hole is filled in part", func(w *world) {
			w.join()
			p := w.send(7)
			w.receive(p[0], p[6], p[3])
		}, Sums{Published: 7, Due: 7, Delivered: 3, Lost: 4, Reordered: 1}},

		{"a hole is filled twice", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], p[2], p[1], p[1])
		}, Sums{Published: 3, Due: 3, Delivered: 3, Reordered: 1, Duplicated: 1}},

		{"the last comes twice, the first three times", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], p[0], p[1], p[2], p[2], p[0])
		}, Sums{Published: 3, Due: 3, Delivered: 3, Duplicated: 3}},

		{"a body is changed", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], flipped(p[1], 90), p[2])
		}, Sums{Published: 3, Due: 3, Delivered: 3, Corrupted: 1}},

		{"the mark is changed", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], flipped(p[1], 2), p[2])
		}, Sums{Published: 3, Due: 3, Delivered: 3, Corrupted: 1}},

		{"a stamp is changed, and is not taken for a loss", func(w *world) {
			w.join()
			p := w.send(4)
			w.receive(p[0], flipped(p[1], seqAt), p[3])
		}, Sums{Published: 4, Due: 4, Delivered: 3, Lost: 1, Corrupted: 1}},

		{"the last stamp is changed", func(w *world) {
			w.join()
			p := w.send(2)
			w.receive(p[0], flipped(p[1], dueAt))
		}, Sums{Published: 2, Due: 2, Delivered: 2, Corrupted: 1}},

		{"a payload is cut off", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], p[1][:50], p[2][:20])
		}, Sums{Published: 3, Due: 3, Delivered: 3, Corrupted: 2}},

		{"a changed one is repeated", func(w *world) {
			w.join()
			p := w.send(1)
			w.receive(p[0], flipped(p[0], 90))
		}, Sums{Published: 1, Due: 1, Delivered: 1, Corrupted: 1, Duplicated: 1}},

		{"something else comes", func(w *world) {
			w.join()
			w.receive([]byte("hello"), nil, make([]byte, 200))
		}, Sums{Unknown: 3}},

		{"another run's message comes", func(w *world) {
			w.join()
			other := newWorld(w.t, Config{Run: 77})
			w.receive(other.send(1)...)
		}, Sums{Unknown: 1}},

		{"a message of a room that it was never in", func(w *world) {
			w.receive(w.send(1)...)
		}, Sums{Published: 1, Unknown: 1}},

		{"what is on its way at leaving is not judged", func(w *world) {
			w.join()
			p := w.send(5)
			w.receive(p[:2]...)
			w.sub.Leaving(w.room)
			p = append(p, w.send(2)...)
			w.receive(p[2])
			w.sub.Left(w.room)
			w.receive(p[3:]...)
		}, Sums{Published: 7, Due: 7, Delivered: 3, Unjudged: 4}},

		{"a message sent after leaving", func(w *world) {
			w.join()
			w.receive(w.send(1)...)
			w.leave()
			w.receive(w.send(2)...)
		}, Sums{Published: 3, Due: 1, Delivered: 1, AfterLeaving: 2}},

		{"a young hole at leaving", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], p[2])
			w.pass(young)
			w.sub.Leaving(w.room)
			w.pass(old)
			w.sub.Left(w.room)
		}, Sums{Published: 3, Due: 3, Delivered: 2, Unjudged: 1}},

		{"an old hole at leaving", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], p[2])
			w.pass(old)
			w.leave()
		}, Sums{Published: 3, Due: 3, Delivered: 2, Lost: 1}},

		{"it leaves and joins anew", func(w *world) {
			w.join()
			w.receive(w.send(2)...)
			w.leave()
			w.send(3)
			w.sub.Joining(w.room)
			w.receive(w.send(1)...)
			w.sub.Joined(w.room)
			p := w.send(3)
			w.receive(p[0], p[2])
		}, Sums{Published: 9, Due: 5, Delivered: 4, Lost: 1}},

		{"it joins twice", func(w *world) {
			w.join()
			w.receive(w.send(2)...)
			w.join()
			w.receive(w.send(2)...)
		}, Sums{Published: 4, Due: 4, Delivered: 4}},

		{"it is thrown out", func(w *world) {
			w.join()
			w.receive(w.send(2)...)
			w.sub.Left(w.room)
			w.send(2)
		}, Sums{Published: 4, Due: 2, Delivered: 2}},

		{"a connection ends: what is outstanding is gap, and what is sent until the next join", func(w *world) {
			w.join()
			w.receive(w.send(4)[:3]...)
			w.sub.Disconnected()
			w.send(5)
			w.join()
			w.receive(w.send(2)...)
		}, Sums{Published: 11, Due: 11, Delivered: 5, Gap: 6}},

		{"a young hole at a disconnection", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], p[2])
			w.pass(young)
			w.sub.Disconnected()
		}, Sums{Published: 3, Due: 3, Delivered: 2, Gap: 1}},

		{"an old hole at a disconnection", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], p[2])
			w.pass(old)
			w.sub.Disconnected()
		}, Sums{Published: 3, Due: 3, Delivered: 2, Lost: 1}},

		{"a broken stamp at a disconnection is not gap", func(w *world) {
			w.join()
			p := w.send(3)
			w.receive(p[0], flipped(p[1], seqAt))
			w.sub.Disconnected()
		}, Sums{Published: 3, Due: 3, Delivered: 2, Gap: 1, Corrupted: 1}},

		{"what comes between a rejoin and its answer is no gap", func(w *world) {
			w.join()
			w.sub.Disconnected()
			w.send(2)
			w.sub.Joining(w.room)
			p := w.send(3)
			w.receive(p[1], p[2])
			w.sub.Joined(w.room)
			w.receive(w.send(1)...)
		}, Sums{Published: 6, Due: 6, Delivered: 3, Gap: 3}},

		{"a rejoin fails, and another one does not", func(w *world) {
			w.join()
			w.sub.Disconnected()
			w.send(1)
			w.sub.Joining(w.room)
			w.receive(w.send(1)...)
			w.sub.Disconnected()
			w.send(1)
			w.sub.Joining(w.room)
			w.receive(w.send(1)...)
			w.sub.Joined(w.room)
			w.receive(w.send(1)...)
		}, Sums{Published: 5, Due: 5, Delivered: 3, Gap: 2}},

		{"a connection ends and does not come back", func(w *world) {
			w.join()
			w.sub.Disconnected()
			w.send(5)
		}, Sums{Published: 5, Due: 5, Gap: 5}},

		{"a connection ends before the first join is answered", func(w *world) {
			w.sub.Joining(w.room)
			w.send(1)
			w.sub.Disconnected()
			w.send(2)
		}, Sums{Published: 3, Due: 2, Gap: 2}},

		{"a connection ends while the client leaves", func(w *world) {
			w.join()
			w.send(2)
			w.sub.Leaving(w.room)
			w.send(1)
			w.sub.Disconnected()
			w.send(4)
		}, Sums{Published: 7, Due: 3, Unjudged: 3}},

		{"a client that is away leaves for good", func(w *world) {
			w.join()
			w.sub.Disconnected()
			w.send(2)
			w.sub.Leaving(w.room)
			w.send(3)
		}, Sums{Published: 5, Due: 2, Gap: 2}},

		{"a client that never gets a connection is absent", func(w *world) {
			w.send(1)
			w.sub.Absent(w.room)
			w.sub.Absent(w.room)
			w.send(4)
		}, Sums{Published: 5, Due: 4, Absent: 4}},

		{"an absent client comes after all", func(w *world) {
			w.sub.Absent(w.room)
			w.send(4)
			w.join()
			w.receive(w.send(2)...)
		}, Sums{Published: 6, Due: 6, Delivered: 2, Absent: 4}},

		{"it ends while it leaves", func(w *world) {
			w.join()
			w.send(2)
			w.sub.Leaving(w.room)
		}, Sums{Published: 2, Due: 2, Unjudged: 2}},

		{"several publishers, several rooms", func(w *world) {
			coffee := w.a.Room("coffee")
			other := w.a.Publisher(101, nil)
			streams := []*Stream{w.stream, w.pub.Stream(coffee), other.Stream(w.room), other.Stream(coffee)}
			w.join()
			w.sub.Joined(coffee)
			for i, s := range streams {
				p := w.sendFrom(s, 10)
				w.receive(p[:10-i]...)
			}
			w.sub.Leaving(coffee)
			w.sub.Left(coffee)
		}, Sums{Published: 40, Due: 40, Delivered: 34, Lost: 2, Unjudged: 4}},

		{"a publisher that comes later", func(w *world) {
			w.join()
			w.receive(w.send(1)...)
			later := w.a.Publisher(101, nil).Stream(w.room)
			p := w.sendFrom(later, 3)
			w.receive(p[1:]...)
		}, Sums{Published: 4, Due: 4, Delivered: 3, Lost: 1}},

		{"a publisher that goes", func(w *world) {
			w.join()
			p := w.send(3)
			w.pub.Finish()
			w.receive(p[0])
		}, Sums{Published: 3, Due: 3, Delivered: 1, Lost: 2}},

		{"a publisher that went before", func(w *world) {
			w.send(3)
			w.pub.Finish()
			w.join()
			w.receive(w.sendFrom(w.a.Publisher(101, nil).Stream(w.room), 1)...)
		}, Sums{Published: 4, Due: 1, Delivered: 1}},

		{"its own messages are not due", func(w *world) {
			w.join()
			own := w.a.Publisher(1, nil).Stream(w.room)
			w.receive(w.sendFrom(own, 2)[0])
		}, Sums{Published: 2}},

		{"what could not be written is not missed", func(w *world) {
			w.join()
			p := w.send(4)
			w.stream.Unsent(1)
			w.stream.Unsent(3)
			w.receive(p[0], p[2])
		}, Sums{Published: 2, Due: 4, Delivered: 2, Unjudged: 2}},

		{"what a publisher sent just before its connection ended is not missed", func(w *world) {
			w.join()
			p := w.send(3)
			w.pass(old)
			p = append(p, w.send(3)...)
			w.pass(young)
			w.pub.Disconnected()
			p = append(p, w.send(2)...)
			w.receive(p[0], p[2], p[3], p[6])
		}, Sums{Published: 8, Due: 8, Delivered: 4, Lost: 2, Unjudged: 2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, Config{})
			row.run(w)
			w.t = t
			w.end(row.want)
		})
	}
}

func TestEchoedMessagesAreDueWhenTheServerEchoes(t *testing.T) {
	w := newWorld(t, Config{Echo: true})
	w.join()
	own := w.a.Publisher(1, nil).Stream(w.room)
	w.receive(w.sendFrom(own, 3)[1:]...)
	w.end(Sums{Published: 3, Due: 3, Delivered: 2, Lost: 1})
}

func TestHolesAreMissingAtOnceAndLostAtTheEnd(t *testing.T) {
	w := newWorld(t, Config{})
	w.join()
	p := w.send(5)
	w.receive(p[0], p[3])
	w.expect2(4, 2, 2, 1)
	w.receive(p[1])
	w.expect2(4, 3, 1, 1)
	w.end(Sums{Published: 5, Due: 5, Delivered: 3, Lost: 2, Reordered: 1})
}

// expect2 compares the running figures.
func (w *world) expect2(due, delivered, missing, outstanding int64) {
	w.t.Helper()
	s := w.a.Sums()
	if s.Due != due || s.Delivered != delivered || w.a.Missing() != missing || w.a.Outstanding() != outstanding || s.Lost != 0 {
		w.t.Errorf("due %d delivered %d lost %d missing %d outstanding %d, want %d %d 0 %d %d",
			s.Due, s.Delivered, s.Lost, w.a.Missing(), w.a.Outstanding(), due, delivered, missing, outstanding)
	}
}

func TestAFloodOfHolesIsBounded(t *testing.T) {
	w := newWorld(t, Config{})
	w.join()
	const n = 3 * maxHoles
	for _, p := range w.send(2 * n) {
		if m, _ := w.a.mark.read(p); m.Seq%2 == 1 {
			w.receive(p)
		}
	}
	if len(w.sub.holes) > maxHoles {
		t.Errorf("%d holes are remembered", len(w.sub.holes))
	}
	if got := w.a.Sums().Lost; got != n-maxHoles {
		t.Errorf("lost so far: %d, want %d", got, n-maxHoles)
	}
	w.end(Sums{Published: 2 * n, Due: 2 * n, Delivered: n, Lost: n})
}
