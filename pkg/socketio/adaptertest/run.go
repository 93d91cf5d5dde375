package adaptertest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Promise is a way in which an adapter promises less than the others.
type Promise string

// OrderPerRoom says that what a node emits to one room, or to everybody, arrives in order, but an
// emit to a room may overtake one to another, or to everybody.
const OrderPerRoom Promise = "order per room"

// Run runs the suite. newCluster returns adapters of nodes that share a bus which
// is theirs alone; the suite calls their Run, and ends it before the test's
// clean-up functions that newCluster has registered are called.
func Run(t *testing.T, newCluster func(t *testing.T, nodes int) []socketio.Adapter, promises ...Promise) {
	start := func(t *testing.T, nodes int) *world {
		w := newWorld(t, newCluster(t, nodes))
		w.perRoom = slices.Contains(promises, OrderPerRoom)
		return w
	}
	for _, test := range []struct {
		name string
		run  func(w *world)
	}{
		{"RoomIsReachedOnEveryNodeOnceAndInOrder", roomInOrder},
		{"NamespaceIsReachedOnEveryNode", wholeNamespace},
		{"SeveralRoomsReachASocketOnce", severalRooms},
		{"ExceptionsHoldOnEveryNode", exceptions},
		{"SocketOfAnotherNodeIsReached", oneSocket},
		{"LeavingStopsIt", leaving},
		{"JoinReturnsWhenTheRoomIsHeard", joinIsConfirmed},
		{"BytesAndFlagsArrive", bytesAndFlags},
		{"NamespacesAreApart", namespacesApart},
		{"AwkwardNamesAreNamesLikeOthers", awkwardNames},
		{"LargeEventArrives", largeEvent},
		{"RefusedEventDisturbsNoOther", refusedEvent},
		{"PublisherGetsItsOwnOnce", localOnce},
		{"ChurnEndsRight", churn},
		{"QuestionsAreAnswered", questions},
		{"ConfirmIsToldThatAnEmitHasLeft", confirmed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(start(t, 3)) })
	}
	t.Run("RoomsOfTheNodeAreHeardFromTheStart", func(t *testing.T) { listedRooms(t, newCluster(t, 2)) })
	t.Run("OneNodeAlone", func(t *testing.T) { localOnce(start(t, 1)) })
}

func roomInOrder(w *world) {
	const each = 200
	sockets := w.everywhere("red")
	outside := w.nodes[1].socket("/", "blue")
	var publishing sync.WaitGroup
	for i, n := range w.nodes {
		publishing.Go(func() {
			for k := range each {
				n.say(fmt.Sprintf("%d-%d", i, k), "red")
			}
		})
	}
	publishing.Wait()
	w.settle()
	outside.expect()
	for _, s := range sockets {
		got := s.taken()
		if len(got) != each*len(w.nodes) {
			w.Errorf("socket %s got %d events, want %d", s.id, len(got), each*len(w.nodes))
		}
		for i := range w.nodes {
			next := 0
			for _, e := range got {
				if !strings.HasPrefix(e, fmt.Sprintf(`["%d-`, i)) {
					continue
				}
				if want := string(event(fmt.Sprintf("%d-%d", i, next))); e != want {
					w.Fatalf("socket %s got %s, want %s", s.id, e, want)
				}
				next++
			}
		}
	}
}

func confirmed(w *world) {
	w.everywhere("red")
	told := make(chan error, 1)
	confirm := func(err error) { told <- err }
	w.nodes[0].emit(socketio.Broadcast{Data: event("a"), Rooms: []string{"red"}, Confirm: confirm})
	expectTold(w, "an emit", told)
	if cluster, ok := w.nodes[0].adapter.(socketio.ClusterAdapter); ok {
		c := &socketio.Change{Target: socketio.Target{Namespace: "/", Rooms: []string{"red"}}, Kind: socketio.ChangeDisconnect, Confirm: confirm}
		if err := cluster.Change(context.Background(), c); err != nil {
			w.Error(err)
		}
		expectTold(w, "a change", told)
	}
}

func expectTold(w *world, what string, told <-chan error) {
	w.Helper()
	select {
	case err := <-told:
		if err != nil {
			w.Errorf("of %s: %v", what, err)
		}
	case <-time.After(patience):
		w.Errorf("nothing was told of %s", what)
	}
}

func wholeNamespace(w *world) {
	sockets := w.everywhere()
	w.nodes[0].say("a")
	w.settle()
	for _, s := range sockets {
		s.expect("a")
	}
}

func severalRooms(w *world) {
	both := w.everywhere("red", "blue")
	one := w.nodes[2].socket("/", "blue")
	w.nodes[0].say("a", "red", "blue", "green")
	w.nodes[0].say("b", "red")
	w.nodes[0].say("c", "green", "blue")
	w.settle()
	for _, s := range both {
		s.expect("a", "b", "c")
	}
	one.expect("a", "c")
}

func exceptions(w *world) {
	red, muted := w.everywhere("red"), w.everywhere("red", "muted")
	w.nodes[0].emit(socketio.Broadcast{Data: event("a"), Rooms: []string{"red"}, Except: []string{"muted"}})
	w.nodes[0].emit(socketio.Broadcast{Data: event("b"), Except: []string{red[1].id, muted[2].id}})
	w.settle()
	red[0].expect("a", "b")
	red[1].expect("a")
	red[2].expect("a", "b")
	muted[0].expect("b")
	muted[1].expect("b")
	muted[2].expect()
}

func oneSocket(w *world) {
	sockets := w.everywhere()
	neighbour := w.nodes[1].socket("/")
	w.nodes[0].say("a", sockets[1].id)
	w.nodes[1].say("b", sockets[1].id)
	w.nodes[0].say("c", sockets[1].id, sockets[2].id)
	w.settle()
	sockets[0].expect()
	sockets[2].expect("c")
	neighbour.expect()
	// b comes from another node than a and c.
	got := sockets[1].taken()
	slices.Sort(got)
	if want := []string{`["a"]`, `["b"]`, `["c"]`}; !slices.Equal(got, want) {
		w.Errorf("socket got %q, want %q", got, want)
	}
}

func leaving(w *world) {
	sockets := w.everywhere("red")
	stays := w.nodes[1].socket("/", "red")
	if w.perRoom { // else what is on its way when the last member leaves may reach it in the next round
		w.nodes[2].socket("/", "red")
	}
	for round := range 3 {
		sockets[1].leave("red")
		sockets[2].leave("red")
		w.nodes[0].say("without", "red")
		w.settle()
		sockets[0].expect("without")
		sockets[1].expect()
		sockets[2].expect()
		stays.expect("without")
		sockets[1].join("red")
		sockets[2].join("red")
		w.nodes[0].say(fmt.Sprint(round), "red")
		w.settle()
		for _, s := range append(slices.Clone(sockets), stays) {
			s.expect(fmt.Sprint(round))
		}
	}
}

func joinIsConfirmed(w *world) {
	s := w.nodes[0].socket("/")
	w.everywhere()
	var want []string
	for i := range 50 {
		room := fmt.Sprint("room ", i)
		s.join(room)
		w.nodes[1].say(room, room)
		want = append(want, room)
	}
	w.settle()
	s.expect(want...)
}

func bytesAndFlags(w *world) {
	sockets := w.everywhere("red")
	for _, b := range []socketio.Broadcast{
		{Data: []byte(`["numbers",0,-1,1234567890,0.5,true,null]`)},
		{Data: []byte(`["text","Grüße 🚀","\u0001\"\\ </script>",""]`)},
		{Data: []byte(`["nested",{"b":[{"z":1,"a":{}}],"a":[]}]`)},
		{Data: []byte(`["volatile"]`), Volatile: true},
		{Data: []byte(`["plain"]`), NoCompress: true},
		{
			Data:        []byte(`["binary",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":2}]`),
			Attachments: [][]byte{{}, {0, 1, 0xff}, bytes.Repeat([]byte{7}, 70_000)},
		},
	} {
		b.Rooms = []string{"red"}
		w.nodes[0].emit(b)
		w.settle()
		for _, s := range sockets {
			if got := s.taken(); len(got) != 1 || !sameText(got[0], describe(&b)) {
				w.Errorf("socket %s got %.300q, want %.300q", s.id, got, describe(&b))
			}
		}
	}
}

// sameText compares events, whatever way their escapes are written.
func sameText(a, b string) bool {
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&")
	return plain.Replace(a) == plain.Replace(b)
}

func namespacesApart(w *world) {
	sockets := w.everywhere("red")
	other := w.nodes[1].socket("/other", "red")
	w.nodes[0].say("a", "red")
	w.nodes[0].emit(socketio.Broadcast{Namespace: "/other", Data: event("b"), Rooms: []string{"red"}})
	w.nodes[0].emit(socketio.Broadcast{Namespace: "/other", Data: event("c")})
	other.await(`["b"]`)
	other.await(`["c"]`)
	w.settle()
	other.expect()
	for _, s := range sockets {
		s.expect("a")
	}
}

func awkwardNames(w *world) {
	w.everywhere()
	for i, room := range []string{
		"a#b", "#", "a#", "*", "a*", "[a]", "?", `\`, "a b", "\n", "ü🚀", "/", "/#/", "0", "null", strings.Repeat("x", 256),
		w.nodes[0].tag, w.nodes[0].tag + "#", w.nodes[1].tag + "0123456789abcdef", "request#", "response",
	} {
		s, other := w.nodes[1].socket("/", room), w.nodes[2].socket("/", room+"x", "x"+room)
		name := fmt.Sprint(i)
		w.nodes[0].say(name, room)
		w.nodes[1].say(name+" local", room)
		w.settle()
		other.expect()
		got := s.taken()
		slices.Sort(got)
		if want := []string{string(event(name + " local")), string(event(name))}; !slices.Equal(got, want) {
			w.Errorf("room %q: got %q, want %q", room, got, want)
		}
	}
	for _, namespace := range []string{"/a*", "/a?b", "/[x]", "/ü", "/a#b", "/a/b"} {
		s := w.nodes[1].socket(namespace, "red")
		w.nodes[0].emit(socketio.Broadcast{Namespace: namespace, Data: event("a"), Rooms: []string{"red"}})
		w.nodes[0].emit(socketio.Broadcast{Namespace: namespace, Data: event("b"), Rooms: []string{s.id}})
		w.nodes[0].emit(socketio.Broadcast{Namespace: namespace, Data: event("c")})
		s.await(`["c"]`)
		s.await(`["a"]`)
		s.await(`["b"]`)
		s.expect()
	}
}

func largeEvent(w *world) {
	sockets := w.everywhere("red")
	text := strings.Repeat("0123456789", 95_000)
	w.nodes[0].say(text, "red")
	w.settle()
	for _, s := range sockets {
		s.expect(text)
	}
}

func refusedEvent(w *world) {
	sockets := w.everywhere("red")
	w.nodes[0].say("before", "red")
	for range 10 {
		w.nodes[0].emit(socketio.Broadcast{Data: []byte(refused), Rooms: []string{"red"}})
	}
	w.nodes[0].say("after", "red")
	w.settle()
	for _, s := range sockets {
		s.expect("before", "after")
	}
}

// localOnce also sees to it that the publisher's own sockets are served in order.
func localOnce(w *world) {
	n := w.nodes[0]
	s := n.socket("/", "red")
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		n.say(want[i], []string{"red", s.id, "blue"}[:i%3]...)
	}
	w.settle()
	s.expect(want...)
}

func churn(w *world) {
	w.everywhere()
	var moving sync.WaitGroup
	members := make([][]*socket, len(w.nodes))
	for i, n := range w.nodes {
		for range 4 {
			members[i] = append(members[i], n.socket("/"))
		}
		for _, s := range members[i] {
			moving.Go(func() {
				for range 25 {
					s.join("red", "blue")
					s.leave("red")
					s.leave("blue")
				}
				s.join("blue")
			})
		}
	}
	var stop atomic.Bool
	var talking sync.WaitGroup
	talking.Go(func() {
		for !stop.Load() {
			w.nodes[0].say("talk", "red")
			time.Sleep(time.Millisecond) // an emitter with a rate, not a wait
		}
	})
	moving.Wait()
	stop.Store(true)
	talking.Wait()
	w.settle()
	for _, list := range members {
		for _, s := range list {
			s.taken()
		}
	}
	w.nodes[1].say("red", "red")
	w.nodes[1].say("blue", "blue")
	w.settle()
	for _, list := range members {
		for _, s := range list {
			s.expect("blue")
		}
	}
}

// listedRooms has a node with members from before its adapter runs, as when an
// adapter connects again.
func listedRooms(t *testing.T, adapters []socketio.Adapter) {
	w := newWorld(t, adapters, func(n *node) {
		if n.tag == "no01" {
			s := &socket{node: n, namespace: "/", id: n.tag + "0123456789abcdef", rooms: []string{"red"}, more: make(chan struct{}, 1)}
			n.sockets = append(n.sockets, s)
		}
	})
	w.nodes[0].socket("/")
	s := w.nodes[1].sockets[0]
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for i := 0; ; i++ { // nothing says when the adapter is ready
		w.nodes[0].say("a", "red")
		select {
		case <-s.more:
			return
		case <-tick.C:
		case <-deadline:
			t.Fatal("the room is not heard")
		}
	}
}
