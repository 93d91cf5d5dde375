package faulty

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

const messages = 2000

// numbered is a payload with its number at both ends of header and body.
func numbered(n int) string {
	return fmt.Sprintf("%06d%s|%s%06d", n, strings.Repeat(".", audit.MinSize-7), strings.Repeat(".", 20), n)
}

// observed is what one member got of n numbered messages.
type observed struct {
	got                              []int
	badHeaders, badBodies, malformed int
}

func (o *observed) take(p []byte) {
	var head, tail int
	_, err1 := fmt.Sscanf(string(p[:6]), "%06d", &head)
	_, err2 := fmt.Sscanf(string(p[len(p)-6:]), "%06d", &tail)
	if len(p) != len(numbered(0)) || err1 != nil && err2 != nil {
		o.malformed++
		return
	}
	n := head
	if err1 != nil || string(p) != numbered(head) && string(p[audit.MinSize:]) == numbered(tail)[audit.MinSize:] {
		n = tail
	}
	if want := numbered(n); string(p[:audit.MinSize]) != want[:audit.MinSize] {
		o.badHeaders++
	} else if string(p) != want {
		o.badBodies++
	}
	o.got = append(o.got, n)
}

// count compares what was got with what was sent, without the audit.
func (o *observed) count(sent int) (lost, repeated, swapped int) {
	times := make([]int, sent)
	highest := -1
	for _, n := range o.got {
		times[n]++
		if n < highest && times[n] == 1 {
			swapped++
		}
		highest = max(highest, n)
	}
	for _, n := range times {
		switch n {
		case 0:
			lost++
		case 2:
			repeated++
		}
	}
	return lost, repeated, swapped
}

func TestFaultsAreDoneAsOftenAsReported(t *testing.T) {
	s := Start(t, Faults{
		Lose: 0.02, Repeat: 0.02, Swap: 0.02, CorruptHeader: 0.02, CorruptBody: 0.02,
		HoldFor: 50 * time.Millisecond, Seed: 3,
	})
	members := []*client{connect(t, s.URL()), connect(t, s.URL()), connect(t, s.URL())}
	seen := make([]observed, len(members))
	for i, m := range members {
		m.message = seen[i].take
		m.join("tea")
	}
	pub := connect(t, s.URL())
	for n := range messages {
		pub.publish("tea", numbered(n))
	}
	pub.ask(`["echo"]`)
	s.settled(t)
	var got Done
	for i, m := range members {
		m.ask(`["echo"]`)
		lost, repeated, swapped := seen[i].count(messages)
		got.Deliveries += messages
		got.Lost += int64(lost)
		got.Repeated += int64(repeated)
		got.Swapped += int64(swapped)
		got.CorruptedHeaders += int64(seen[i].badHeaders)
		got.CorruptedBodies += int64(seen[i].badBodies)
		if seen[i].malformed > 0 {
			t.Errorf("member %d got %d that nobody can have sent", i, seen[i].malformed)
		}
	}
	want := s.Done()
	if got != want {
		t.Errorf("\nseen %+v\nsaid %+v", got, want)
	}
	for _, n := range []int64{want.Lost, want.Repeated, want.Swapped, want.CorruptedHeaders, want.CorruptedBodies} {
		if share := float64(n) / float64(want.Deliveries); share < 0.01 || share > 0.03 {
			t.Errorf("a share of 0.02 was done %d times of %d", n, want.Deliveries)
		}
	}
}

func TestWithoutFaultsEverythingComesOnce(t *testing.T) {
	s := Start(t, Faults{})
	member, pub := connect(t, s.URL()), connect(t, s.URL())
	var seen observed
	member.message = seen.take
	member.join("tea")
	pub.join("tea")
	pub.message = func(p []byte) { t.Errorf("the publisher got %s", p) }
	for n := range 100 {
		pub.publish("tea", numbered(n))
	}
	pub.ask(`["echo"]`)
	member.ask(`["echo"]`)
	lost, repeated, swapped := seen.count(100)
	if lost+repeated+swapped+seen.badBodies+seen.badHeaders+seen.malformed > 0 || len(seen.got) != 100 {
		t.Errorf("%+v", seen)
	}
	if got := s.Done(); got != (Done{Deliveries: 100}) {
		t.Errorf("done: %+v", got)
	}
}

func TestEchoReachesThePublisherToo(t *testing.T) {
	s := Start(t, Faults{Echo: true})
	pub := connect(t, s.URL())
	var seen observed
	pub.message = seen.take
	pub.join("tea")
	pub.publish("tea", numbered(0))
	pub.ask(`["echo"]`)
	if len(seen.got) != 1 {
		t.Errorf("got %v", seen.got)
	}
}

func TestStraysGoToWhoHasLeft(t *testing.T) {
	s := Start(t, Faults{Stray: 0.5})
	member, pub := connect(t, s.URL()), connect(t, s.URL())
	var seen observed
	member.message = seen.take
	member.join("tea")
	member.leave("tea")
	for n := range 100 {
		pub.publish("tea", numbered(n))
	}
	pub.ask(`["echo"]`)
	member.ask(`["echo"]`)
	if got := s.Done(); got.Strays != int64(len(seen.got)) || got.Strays < 20 || got.Deliveries != 0 {
		t.Errorf("done %+v, seen %d", got, len(seen.got))
	}
	member.join("tea")
	before := s.Done().Strays
	pub.publish("tea", numbered(100))
	pub.ask(`["echo"]`)
	if s.Done().Strays != before {
		t.Error("a member got a stray")
	}
}

func TestGraceLeavesNewMembersAlone(t *testing.T) {
	s := Start(t, Faults{Lose: 1, Stray: 1, Grace: time.Hour})
	member, pub := connect(t, s.URL()), connect(t, s.URL())
	var seen observed
	member.message = seen.take
	member.join("tea")
	pub.publish("tea", numbered(0))
	pub.ask(`["echo"]`)
	member.leave("tea")
	pub.publish("tea", numbered(1))
	pub.ask(`["echo"]`)
	member.ask(`["echo"]`)
	if got := s.Done(); got != (Done{Deliveries: 1}) || len(seen.got) != 1 {
		t.Errorf("done %+v, seen %v", got, seen.got)
	}
}

func TestWhatIsHeldComesBeforeTheAnswerToLeaving(t *testing.T) {
	s := Start(t, Faults{Swap: 1, HoldFor: time.Hour})
	member, pub := connect(t, s.URL()), connect(t, s.URL())
	var seen observed
	member.message = seen.take
	member.join("tea")
	pub.publish("tea", numbered(0))
	pub.ask(`["echo"]`)
	if len(seen.got) != 0 {
		t.Error("it was not held")
	}
	member.leave("tea")
	if got := s.Done(); len(seen.got) != 1 || got.Swapped != 0 {
		t.Errorf("seen %v, done %+v", seen.got, got)
	}
}

func TestMuteServersAnswerNothing(t *testing.T) {
	s := Start(t, Faults{Mute: true})
	c := connect(t, s.URL())
	c.send(`421["join","tea"]`)
	c.send(`422["publish","tea","msg",1]`)
	c.send(`423["echo"]`)
	c.send("41") // which ends the socket, when what came before has been handled
	c.send("40")
	if got := c.read(); !strings.HasPrefix(got, "40") {
		t.Errorf("answered %s", got)
	}
}
