package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func oneOrder(w *historyWorld) {
	const each = 100
	var publishing sync.WaitGroup
	confirmed := make(chan error, each*len(w.nodes))
	for i, n := range w.nodes {
		publishing.Go(func() {
			for k := range each {
				n.record(socketio.Broadcast{
					Data: fmt.Appendf(nil, `["%d-%d"]`, i, k), Rooms: []string{"red", "blue"}[:k%3], Confirm: func(err error) { confirmed <- err },
				})
			}
		})
	}
	publishing.Wait()
	for range each * len(w.nodes) {
		select {
		case err := <-confirmed:
			if err != nil {
				w.Fatal(err)
			}
		case <-time.After(patience):
			w.Fatal("not all are confirmed")
		}
	}
	first := w.nodes[0]
	for _, n := range w.nodes {
		n.until("all events", func() bool { return len(n.delivered["/"]) == each*len(w.nodes) })
		if !slices.Equal(n.delivered["/"], first.delivered["/"]) {
			w.Errorf("%s has another order than %s", n.tag, first.tag)
		}
	}
	for i := range w.nodes {
		next := 0
		for _, l := range first.delivered["/"] {
			if l.text == fmt.Sprintf(`["%d-%d"]`, i, next) {
				next++
			}
		}
		if next != each {
			w.Errorf("events of node %d have changed their order", i)
		}
	}
}

func readAll(w *historyWorld) {
	n := w.nodes[0]
	start := n.head()
	var want []string
	for _, b := range []socketio.Broadcast{
		{Data: []byte(`["all"]`)},
		{Data: []byte(`["one",1,"x",null,{"a":[]}]`), Rooms: []string{"red"}},
		{Data: []byte(`["several"]`), Rooms: []string{"red", "blue", "a#b", ""}[:3], Except: []string{"muted", n.tag + "0123456789abcdef"}},
		{Data: []byte(`["all but"]`), Except: []string{"muted"}, NoCompress: true},
		{Data: []byte(`["binary",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`), Attachments: [][]byte{{}, {0, 1, 0xff}}},
		{Data: event(strings.Repeat("0123456789", 50_000))},
	} {
		n.record(b)
		want = append(want, fmt.Sprintf("%s %q %q", describe(&b), b.Rooms, b.Except))
	}
	n.record(socketio.Broadcast{Namespace: "/other", Data: event("not here")})
	for _, reader := range w.nodes {
		reader.until("the last", func() bool { return len(reader.delivered["/"]) == len(want) })
		lines, head, err := reader.read(start)
		if err != nil || len(lines) != len(want) {
			w.Fatalf("%d events, %v", len(lines), err)
		}
		for i, l := range lines {
			if l.text != want[i] || i > 0 && !l.at.After(lines[i-1].at) {
				w.Errorf("event %d is %.200s at %v, want %.200s", i, l.text, l.at, want[i])
			}
			if l.at != reader.delivered["/"][i].at {
				w.Errorf("event %d was delivered at %v, and is read at %v", i, reader.delivered["/"][i].at, l.at)
			}
			rest, _, err := reader.read(l.at)
			if err != nil || len(rest) != len(want)-i-1 {
				w.Errorf("behind event %d are %d, %v", i, len(rest), err)
			}
		}
		if head != lines[len(lines)-1].at {
			w.Errorf("the head is %v, want %v", head, lines[len(lines)-1].at)
		}
	}
}

func readStopped(w *historyWorld) {
	n := w.nodes[1]
	start := n.head()
	for i := range 10 {
		n.record(socketio.Broadcast{Data: event(fmt.Sprint(i))})
	}
	n.until("all", func() bool { return len(n.delivered["/"]) == 10 })
	for i, want := range n.delivered["/"] {
		count := 0
		head, err := n.history.Read(context.Background(), "/", start, func(*socketio.Broadcast, socketio.Offset) bool {
			count++
			return count <= i
		})
		if err != nil || head != want.at || count != i+1 {
			w.Errorf("stopped at event %d: %v, %v after %d", i, head, err, count)
		}
	}
}

func isForgotten(err error) bool {
	return errors.Is(err, socketio.ErrForgotten) || errors.Is(err, socketio.ErrDiverged)
}

func readFromNowhere(w *historyWorld) {
	n := w.nodes[0]
	for i := range 3 {
		n.record(socketio.Broadcast{Data: event(fmt.Sprint(i))})
	}
	n.until("all", func() bool { return len(n.delivered["/"]) == 3 })
	last := n.delivered["/"][2].at
	for _, after := range []socketio.Offset{
		{Time: last.Time, Seq: last.Seq + 1}, {Time: last.Time + 1_000_000}, {Time: ^uint64(0), Seq: ^uint64(0)}, {Time: last.Time, Seq: 1 << 40},
	} {
		lines, _, err := n.read(after)
		if !isForgotten(err) || len(lines) > 0 {
			w.Errorf("read %d events behind %v, which is none: %v", len(lines), after, err)
		}
	}
	if lines, _, err := n.read(last); err != nil || len(lines) > 0 {
		w.Errorf("behind the last are %d, %v", len(lines), err)
	}
}

func forgotten(w *historyWorld) {
	n := w.nodes[0]
	n.record(socketio.Broadcast{Data: event("first")})
	n.until("the first", func() bool { return len(n.delivered["/"]) == 1 })
	first := n.delivered["/"][0].at
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		<-tick.C
		for range 10 {
			n.record(socketio.Broadcast{Data: event("later")})
		}
		lines, head, err := n.read(first)
		switch {
		case errors.Is(err, socketio.ErrForgotten): // perhaps while it was read
			if _, _, err := n.read(n.head()); err != nil {
				w.Errorf("the head is forgotten: %v", err)
			}
			if age := time.Since(began); age < 2*short-10*time.Millisecond {
				w.Errorf("forgotten after %v, with a Window of %v", age, short)
			}
			return
		case err != nil:
			w.Fatal(err)
		case len(lines) > 0 && lines[len(lines)-1].at != head: // the first may be under way yet
			w.Fatalf("%d events, head %v", len(lines), head)
		case time.Since(began) > patience:
			w.Fatal("nothing is forgotten")
		}
	}
}

func readWhileRecording(w *historyWorld) {
	start := w.nodes[0].head()
	var publishing sync.WaitGroup
	for _, n := range w.nodes[:2] {
		publishing.Go(func() {
			for i := range 300 {
				n.record(socketio.Broadcast{Data: event(fmt.Sprint(n.tag, i))})
			}
		})
	}
	n := w.nodes[2]
	var all []line
	for after := start; len(all) < 600; {
		lines, head, err := n.read(after)
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, lines...)
		if len(lines) > 0 && lines[len(lines)-1].at != head {
			w.Fatalf("the head is %v behind %v", head, lines[len(lines)-1].at)
		}
		after = head
	}
	publishing.Wait()
	n.until("all", func() bool { return len(n.delivered["/"]) == 600 })
	for i, l := range all {
		if l.at != n.delivered["/"][i].at {
			w.Fatalf("event %d was read at %v, and delivered at %v", i, l.at, n.delivered["/"][i].at)
		}
	}
}

// quietNode has events in a room that one node does not hear.
func quietNode(w *historyWorld) {
	w.nodes[1].socket("/", "green")
	for range 10 {
		w.nodes[0].record(socketio.Broadcast{Data: event("x"), Rooms: []string{"green"}})
	}
	w.nodes[1].until("the events", func() bool { return len(w.nodes[1].delivered["/"]) == 10 })
	head := w.nodes[0].head()
	for _, n := range w.nodes {
		n.until("the head", func() bool { return n.positions["/"] == head })
	}
	w.nodes[2].socket("/late")
	w.nodes[0].record(socketio.Broadcast{Namespace: "/late", Data: event("x")})
	w.nodes[2].until("the namespace that was joined late", func() bool { return len(w.nodes[2].delivered["/late"]) == 1 })
}

func hearsAgain(w *historyWorld) {
	n := w.nodes[0]
	deaf, ok := n.history.(interface{ Deafen() (hear func()) })
	if !ok {
		return // the adapter's own tests have its faults
	}
	for round := range 3 {
		hear := deaf.Deafen()
		for i := range 100 {
			w.nodes[i%3].record(socketio.Broadcast{Data: event(fmt.Sprint(round, i)), Rooms: []string{"red"}})
		}
		w.nodes[1].until("all", func() bool { return len(w.nodes[1].delivered["/"]) == 100*(round+1) })
		n.mu.Lock()
		got := len(n.delivered["/"])
		n.mu.Unlock()
		if got != 100*round {
			w.Errorf("a deaf node got %d events", got)
		}
		hear()
		n.until("all", func() bool { return len(n.delivered["/"]) == 100*(round+1) })
	}
	if !slices.Equal(n.delivered["/"], w.nodes[1].delivered["/"]) || n.missed > 0 {
		w.Errorf("what was caught up with is not what others got")
	}
}
