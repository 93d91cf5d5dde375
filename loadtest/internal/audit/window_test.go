package audit

import (
	"sync"
	"testing"
	"time"
)

// free returns how many more messages a window lets pass.
func free(w *Window) int { return len(w.free) }

func (w *world) take(win *Window) {
	w.t.Helper()
	select {
	case <-win.Free():
	default:
		w.t.Fatal("the window is full")
	}
}

// windowed is a world with two members and a publisher in a window of 4.
func windowed(t *testing.T) (w *world, win *Window, second *Subscriber) {
	w = newWorld(t, Config{})
	win = NewWindow(4)
	w.stream = w.a.Publisher(101, win).Stream(w.room)
	w.join()
	second = w.a.Subscriber(2)
	second.Joined(w.room)
	return w, win, second
}

func (w *world) fill(win *Window, n int) [][]byte {
	w.t.Helper()
	for range n {
		w.take(win)
	}
	return w.send(n)
}

func TestAMessageLeavesTheWindowWhenEverybodyHasIt(t *testing.T) {
	w, win, second := windowed(t)
	p := w.fill(win, 4)
	w.receive(p[0], p[1])
	if free(win) != 0 {
		t.Fatalf("one of two has it: %d free", free(win))
	}
	second.Received(p[0])
	second.Received(p[0])
	if free(win) != 1 {
		t.Fatalf("both have the first: %d free", free(win))
	}
}

func TestAnOvertakenMessageLeavesTheWindow(t *testing.T) {
	w, win, second := windowed(t)
	p := w.fill(win, 4)
	w.receive(p[3])
	second.Received(p[3])
	if free(win) != 4 {
		t.Fatalf("%d free", free(win))
	}
	w.receive(p[0]) // late: nothing is given back twice
	if free(win) != 4 || w.a.Outstanding() != 0 {
		t.Fatalf("%d free, %d outstanding", free(win), w.a.Outstanding())
	}
}

func TestAMemberThatGoesIsNotWaitedFor(t *testing.T) {
	for name, goes := range map[string]func(*world){
		"leaves":       (*world).leave,
		"disconnected": func(w *world) { w.sub.Disconnected() },
		"finished":     func(w *world) { w.sub.Finish() },
	} {
		t.Run(name, func(t *testing.T) {
			w, win, second := windowed(t)
			p := w.fill(win, 3)
			w.receive(p[0])
			for _, p := range p {
				second.Received(p)
			}
			if free(win) != 2 {
				t.Fatalf("before: %d free", free(win))
			}
			goes(w)
			if free(win) != 4 || w.a.Outstanding() != 0 {
				t.Fatalf("after: %d free, %d outstanding", free(win), w.a.Outstanding())
			}
			more := w.fill(win, 1)
			second.Received(more[0])
			if free(win) != 4 {
				t.Fatalf("one message later: %d free", free(win))
			}
		})
	}
}

func TestAMemberThatComesIsNotWaitedForWithWhatWasSentBefore(t *testing.T) {
	w, win, second := windowed(t)
	p := w.fill(win, 1)
	third := w.a.Subscriber(3)
	third.Joined(w.room)
	third.Received(p[0])
	w.receive(p[0])
	if free(win) != 3 {
		t.Fatalf("two of three have it: %d free", free(win))
	}
	second.Received(p[0])
	if free(win) != 4 {
		t.Fatalf("all have it: %d free", free(win))
	}
}

func TestWithNobodyThereTheWindowStaysOpen(t *testing.T) {
	w := newWorld(t, Config{})
	win := NewWindow(2)
	w.stream = w.a.Publisher(101, win).Stream(w.room)
	for range 10 {
		w.take(win)
		if _, sent := w.stream.Next(nil, 0, 0); sent.Members != 0 {
			t.Fatalf("%d members", sent.Members)
		}
	}
}

func TestWhatWasNotSentLeavesTheWindow(t *testing.T) {
	w, win, _ := windowed(t)
	w.fill(win, 2)
	w.stream.Unsent(1)
	w.take(win)
	win.Return()
	if free(win) != 3 {
		t.Fatalf("%d free", free(win))
	}
}

func TestExpiryLetsGoOfWhatWasLost(t *testing.T) {
	w, win, second := windowed(t)
	p := w.fill(win, 2)
	w.pass(time.Second)
	w.fill(win, 2)
	if n := win.Expire(w.time - int64(time.Second)/2); n != 2 || free(win) != 2 {
		t.Fatalf("%d expired, %d free", n, free(win))
	}
	more := w.fill(win, 2)
	for _, p := range p { // late ones do not count for the newer ones in their places
		w.receive(p)
		second.Received(p)
	}
	if free(win) != 0 {
		t.Fatalf("%d free", free(win))
	}
	w.receive(more[1])
	second.Received(more[1])
	if free(win) != 4 {
		t.Fatalf("%d free", free(win))
	}
}

// TestTheWindowIsWholeAfterAStorm has publishers, members and members who come and go
// at the same time, as in a run; the race detector looks on.
func TestTheWindowIsWholeAfterAStorm(t *testing.T) {
	const publishers, members, messages, size = 3, 6, 2000, 8
	a := New(Config{})
	rooms := []*Room{a.Room("tea"), a.Room("coffee")}
	win := NewWindow(size)

	inbox := make([]chan []byte, members)
	var readers, writers sync.WaitGroup
	for i := range inbox {
		inbox[i] = make(chan []byte, publishers*messages)
		s := a.Subscriber(i)
		for _, r := range rooms {
			s.Joined(r)
		}
		readers.Go(func() {
			defer s.Finish()
			n := 0
			for p := range inbox[i] {
				n++
				if n%101 == 0 {
					continue // lost
				}
				s.Received(p)
				r := rooms[n%len(rooms)]
				switch {
				case i < members/2: // stays
				case n%97 == 0:
					s.Leaving(r)
					s.Left(r)
				case n%89 == 0:
					s.Disconnected()
				case n%83 == 0:
					for _, r := range rooms {
						s.Joining(r)
						s.Joined(r)
					}
				}
			}
		})
	}
	for i := range publishers {
		p := a.Publisher(100+i, win)
		writers.Go(func() {
			for n := range messages {
				select {
				case <-win.Free():
				case <-time.After(time.Minute):
					t.Error("the window does not open")
					return
				}
				if n%500 == 0 {
					win.Return()
					p.Finish() // and goes on with new streams
					continue
				}
				payload, _ := p.Stream(rooms[n%2]).Next(nil, 60, 0)
				for _, in := range inbox {
					in <- payload
				}
				if n%100 == 0 {
					a.Sums()
				}
			}
		})
	}
	stop := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond): // what nothing later overtakes
				win.Expire(a.Now() - int64(20*time.Millisecond))
			}
		}
	})
	writers.Wait()
	close(stop)
	clock.Wait()
	for _, in := range inbox {
		close(in)
	}
	readers.Wait()

	s := a.Sums()
	if s.Due != s.Delivered+s.Lost+s.Gap+s.Absent+s.Unjudged || s.Lost == 0 || s.Gap == 0 || s.Unjudged == 0 {
		t.Errorf("%+v", s)
	}
	if a.Outstanding() != 0 || a.Missing() != 0 {
		t.Errorf("outstanding %d, missing %d", a.Outstanding(), a.Missing())
	}
	if free(win) != size {
		t.Errorf("%d of %d are free", free(win), size)
	}
}
