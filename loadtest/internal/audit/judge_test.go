package audit

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// TestOtherWorkersStreamsAreJudgedAsOnesOwn plays the same history to a subscriber
// beside the publishers, and to one in another worker, whose clock is another.
func TestOtherWorkersStreamsAreJudgedAsOnesOwn(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 5))
		offset := time.Duration(r.Int64N(int64(time.Hour))) - 30*time.Minute
		here := newWorld(t, Config{Settle: -1})
		there := newWorld(t, Config{Settle: -1, Worker: 3, Remote: true})
		playBoth(r, here, there, offset)
		want := here.a.Sums()
		got, err := there.a.Judge(append(here.a.Logs(), there.a.Logs()...), func(worker int) Skew {
			if worker != 0 {
				t.Errorf("asked for the clock of worker %d", worker)
			}
			return Skew{Offset: offset}
		})
		if err != nil {
			t.Fatal(err)
		}
		want.Published, got.Published = 0, 0
		want.Duplicated, got.Duplicated = 0, 0 // those are counted when they come
		want.Unknown, got.Unknown = 0, 0
		if got != want {
			t.Fatalf("seed %d:\nthere %+v\nhere  %+v", seed, got, want)
		}
	}
}

func playBoth(r *rand.Rand, here, there *world, offset time.Duration) {
	there.time = here.time + int64(offset)
	both := func(do func(*world)) { do(here); do(there) }
	streams := []*Stream{here.stream, here.a.Publisher(101, nil).Stream(here.room)}
	var queue [][]byte
	in, present := false, false // the room as the server sees it
	for range 20 + r.IntN(300) {
		both(func(w *world) { w.pass(time.Microsecond) })
		switch op := r.IntN(20); {
		case op < 9:
			p := here.sendFrom(streams[r.IntN(2)], 1)
			if (in || r.IntN(10) == 0) && r.IntN(10) > 0 {
				queue = append(queue, p...)
			}
		case op < 14:
			if len(queue) > 0 && r.IntN(20) > 0 {
				both(func(w *world) { w.receive(queue[0]) })
				if in && r.IntN(10) == 0 {
					both(func(w *world) { w.receive(queue[0]) })
				}
			}
			queue = queue[min(1, len(queue)):]
		case op == 14 && !in:
			both(func(w *world) { w.sub.Joining(w.room) })
			queue, in = nil, true
		case op == 14 && !present:
			both(func(w *world) { w.receive(queue...) })
			both(func(w *world) { w.sub.Joined(w.room) })
			queue, present = nil, true
		case op == 15 && in && r.IntN(3) == 0:
			both(func(w *world) { w.leave() })
			queue, in, present = nil, false, false
		case op == 16 && in && r.IntN(3) == 0:
			both(func(w *world) { w.sub.Disconnected() })
			queue, in, present = nil, false, false
		case op == 17 && r.IntN(5) == 0:
			both(func(w *world) { w.sub.Absent(w.room) })
			queue = nil
		case op == 18 && r.IntN(5) == 0:
			here.sendFrom(streams[0], 1)
			streams[0].Unsent(streams[0].log.n - 1)
		}
	}
	both(func(w *world) { w.pass(time.Second); w.sub.Finish() })
}

func TestWithinTheClocksMarginNothingIsCertain(t *testing.T) {
	const ms = int64(time.Millisecond)
	// A message every 10 ms from 0; member from 100 to 300 ms, back from 400 to the end.
	var times []int64
	for i := range int64(60) {
		times = append(times, i*10*ms)
	}
	stays := func(how StayKind) []Stay {
		return []Stay{{Asking, 90 * ms}, {Member, 100 * ms}, {how, 300*ms + 1}, {Member, 400 * ms}, {Over, 1000 * ms}}
	}
	all := []span{{0, 60}}
	for _, row := range []struct {
		name string
		c    trial
		want Sums
	}{
		{"everything came, also strays", trial{stays: stays(Gone), seen: all},
			Sums{Due: 41, Delivered: 41, AfterLeaving: 9}},
		{"the same with a margin", trial{stays: stays(Gone), seen: all, margin: 25 * ms},
			Sums{Due: 41 + 2 + 4, Delivered: 47, AfterLeaving: 5}},
		{"nothing came", trial{stays: stays(Gone)},
			Sums{Due: 41, Unjudged: 21, Lost: 20}},
		{"nothing came, with a margin", trial{stays: stays(Gone), margin: 25 * ms},
			Sums{Due: 47, Unjudged: 30, Lost: 17}},
		{"nothing came, and the connection ended", trial{stays: stays(Away)},
			Sums{Due: 50, Gap: 30, Lost: 20}},
		{"the same with a margin", trial{stays: stays(Away), margin: 25 * ms},
			Sums{Due: 52, Gap: 15 + 5, Lost: 17, Unjudged: 15}},
		{"a hole in the first stay, long before its end", trial{stays: stays(Away), seen: []span{{0, 12}, {14, 60}}, settle: 100 * ms},
			Sums{Due: 50, Delivered: 48, Lost: 2}},
		{"a hole in the first stay, just before its end", trial{stays: stays(Away), seen: []span{{0, 27}, {28, 60}}, settle: 100 * ms},
			Sums{Due: 50, Delivered: 49, Gap: 1}},
		{"a doubtful one is missed", trial{stays: stays(Away), seen: []span{{0, 20}, {22, 60}}, doubts: []span{{1, 2}, {21, 23}}},
			Sums{Due: 50, Delivered: 48, Lost: 1, Unjudged: 1}},
		{"never there", trial{stays: []Stay{{Missed, 500 * ms}, {Over, 1000 * ms}}},
			Sums{Due: 10, Absent: 10}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.c.times = times
			if got := row.c.judge(); got != row.want {
				t.Errorf("\n got %+v\nwant %+v", got, row.want)
			}
		})
	}
}

func TestRunningSumsHaveWhatComesFromOtherWorkers(t *testing.T) {
	here := newWorld(t, Config{})
	there := newWorld(t, Config{Worker: 1, Remote: true})
	there.join()
	p := here.send(4)
	there.receive(p[0], p[0], p[2], p[1], flipped(p[3], 90))
	there.expect(Sums{Due: 4, Delivered: 4, Duplicated: 1, Reordered: 1, Corrupted: 1})
}

func TestUnreadableOnesOfOtherWorkersAreNotLost(t *testing.T) {
	here := newWorld(t, Config{})
	there := newWorld(t, Config{Worker: 1, Remote: true})
	there.join()
	here.pass(time.Second)
	p := here.send(4)
	there.receive(p[0], flipped(p[1], seqAt), p[3])
	there.pass(time.Minute)
	there.sub.Finish()
	got, err := there.a.Judge(here.a.Logs(), func(int) Skew { return Skew{} })
	if want := (Sums{Due: 4, Delivered: 3, Lost: 1, Corrupted: 1}); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAudiencesOfOneWorkerIgnoreOthers(t *testing.T) {
	here, stranger := newWorld(t, Config{}), newWorld(t, Config{Worker: 1})
	here.join()
	here.receive(stranger.send(2)...)
	here.end(Sums{Unknown: 2})
}

func TestLogsComeBackAsTheyWere(t *testing.T) {
	w := newWorld(t, Config{Worker: 9})
	r := rand.New(rand.NewPCG(1, 1))
	var want []int64
	for n := range uint32(1000) {
		w.pass(time.Duration(r.Int64N(1 << r.IntN(40))))
		w.send(1)
		want = append(want, w.room.last+int64(time.Minute))
		if n%100 == 7 {
			w.stream.Unsent(n)
		}
	}
	logs := w.a.Logs()
	if len(logs) != 1 || logs[0].Worker() != 9 || logs[0].Room != "tea" {
		t.Fatalf("%d logs", len(logs))
	}
	got, err := logs[0].times(nil, int64(time.Minute))
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d times, %v", len(got), err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("message %d at %d, want %d", i, got[i], want[i])
		}
	}
	doubts, err := logs[0].doubts()
	if err != nil || len(doubts) != 10 || doubts[3] != (span{307, 308}) {
		t.Errorf("%v, %v", doubts, err)
	}
}

func TestBrokenLogsAreRefused(t *testing.T) {
	for name, l := range map[string]Log{
		"cut off":            {Times: []byte{1, 0x80}},
		"a time twice":       {Times: []byte{1, 5, 0}},
		"backwards":          {Times: append([]byte{1}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)},
		"overlong":           {Times: append([]byte{1}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)},
		"doubts empty":       {Times: []byte{1}, Doubts: [][2]uint32{{3, 3}}},
		"doubts not in line": {Times: []byte{1}, Doubts: [][2]uint32{{3, 6}, {5, 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Config{Worker: 1, Remote: true})
			l.Room = "tea"
			w.join()
			w.sub.Finish()
			if _, err := w.a.Judge([]Log{l}, func(int) Skew { return Skew{} }); !errors.Is(err, ErrLog) {
				t.Errorf("error %v", err)
			}
		})
	}
}
