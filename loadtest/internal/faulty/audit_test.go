package faulty

import (
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

// TestTheAuditFindsEachNumberExactly is the promise of the load tool: several
// publishers, several rooms, members in more than one of them, and each fault found as
// often as it was done.
func TestTheAuditFindsEachNumberExactly(t *testing.T) {
	all := Faults{Lose: 0.01, Repeat: 0.01, Swap: 0.01, CorruptHeader: 0.01, CorruptBody: 0.01}
	for name, f := range map[string]Faults{
		"correct":           {},
		"loses":             {Lose: 0.05},
		"repeats":           {Repeat: 0.05},
		"reorders":          {Swap: 0.05},
		"corrupts stamps":   {CorruptHeader: 0.05},
		"corrupts bodies":   {CorruptBody: 0.05},
		"all at once":       all,
		"loses nearly all":  {Lose: 0.9},
		"reorders all":      {Swap: 1},
		"repeats all":       {Repeat: 1},
		"corrupts all":      {CorruptHeader: 0.5, CorruptBody: 0.5},
		"loses all":         {Lose: 1},
		"echoes everything": {Echo: true, Lose: 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			f.Seed, f.HoldFor = 11, 30*time.Millisecond
			s := Start(t, f)
			sums := runAudited(t, s, false)
			done := s.Done()
			expectAudit(t, sums, done)
		})
	}
	t.Run("attachments", func(t *testing.T) {
		all.Seed, all.HoldFor = 12, 30*time.Millisecond
		s := Start(t, all)
		expectAudit(t, runAudited(t, s, true), s.Done())
	})
}

func expectAudit(t *testing.T, got audit.Sums, done Done) {
	t.Helper()
	want := audit.Sums{
		Published:  got.Published,
		Due:        done.Deliveries,
		Delivered:  done.Deliveries - done.Lost,
		Lost:       done.Lost,
		Duplicated: done.Repeated,
		Reordered:  done.Swapped,
		Corrupted:  done.CorruptedHeaders + done.CorruptedBodies,
	}
	if got != want {
		t.Errorf("\nfound %+v\nis    %+v\n(done %+v)", got, want, done)
	}
	if done.Deliveries < 1000 {
		t.Errorf("only %d deliveries", done.Deliveries)
	}
}

// runAudited has 4 members in 2 of 3 rooms each, of which one publishes too, and 2
// publishers besides.
func runAudited(t *testing.T, s *Server, binary bool) audit.Sums {
	const members, each = 4, 100
	a := audit.New(audit.Config{Echo: s.faults.Echo})
	rooms := []*audit.Room{a.Room("tea"), a.Room("coffee"), a.Room("milk")}
	clients := make([]*client, members)
	subs := make([]*audit.Subscriber, members)
	for i := range members {
		c, sub := connect(t, s.URL()), a.Subscriber(i)
		c.message = func(p []byte) { sub.Received(p) }
		for _, r := range []*audit.Room{rooms[i%3], rooms[(i+1)%3]} {
			sub.Joining(r)
			c.join(r.Name())
			sub.Joined(r)
		}
		clients[i], subs[i] = c, sub
	}
	var publishers sync.WaitGroup
	for number, c := range map[int]*client{0: clients[0], 100: connect(t, s.URL()), 101: connect(t, s.URL())} {
		pub := a.Publisher(number, nil)
		publishers.Go(func() {
			for n := range each * len(rooms) {
				r := rooms[n%len(rooms)]
				payload, _ := pub.Stream(r).Next(nil, 100, 0)
				if binary {
					c.publishBinary(r.Name(), payload)
				} else {
					c.publish(r.Name(), string(payload))
				}
			}
			c.ask(`["echo"]`) // all of it has been handled
		})
	}
	publishers.Wait()
	s.settled(t)
	for i, c := range clients {
		c.ask(`["echo"]`)
		subs[i].Finish()
	}
	return a.Sums()
}

// TestTheAuditFindsEachStray has members who leave, and are sent to all the same.
func TestTheAuditFindsEachStray(t *testing.T) {
	s := Start(t, Faults{Stray: 0.3, Lose: 0.1, Seed: 5})
	a := audit.New(audit.Config{})
	room := a.Room("tea")
	const members = 3
	pub, stream := connect(t, s.URL()), a.Publisher(100, nil).Stream(room)
	publish := func(n int) {
		for range n {
			payload, _ := stream.Next(nil, 60, 0)
			pub.publish("tea", string(payload))
		}
		pub.ask(`["echo"]`)
	}
	var clients [members]*client
	var subs [members]*audit.Subscriber
	for i := range members {
		clients[i], subs[i] = connect(t, s.URL()), a.Subscriber(i)
		clients[i].message = func(p []byte) { subs[i].Received(p) }
		subs[i].Joining(room)
		clients[i].join("tea")
		subs[i].Joined(room)
	}
	publish(200)
	for i := range members - 1 {
		clients[i].ask(`["echo"]`)
		subs[i].Leaving(room)
		clients[i].leave("tea")
		subs[i].Left(room)
	}
	publish(200)
	for i := range members {
		clients[i].ask(`["echo"]`)
		subs[i].Finish()
	}
	got, done := a.Sums(), s.Done()
	if got.AfterLeaving != done.Strays || done.Strays < 60 {
		t.Errorf("found %d strays of %d", got.AfterLeaving, done.Strays)
	}
	// The end of a stream that is lost just before its client leaves is not judged.
	if got.Due != done.Deliveries || got.Due-got.Delivered != done.Lost || got.Lost > done.Lost || got.Unknown > 0 {
		t.Errorf("%+v, done %+v", got, done)
	}
}
