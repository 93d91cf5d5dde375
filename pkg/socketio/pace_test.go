package socketio

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// flood says n packets from a goroutine, as a session's reader does, and tells when all
// have been taken.
func (c *client) flood(n int, packet func(i int) string) (over <-chan time.Time) {
	done := make(chan time.Time, 1)
	go func() {
		for i := range n {
			c.say(packet(i))
		}
		done <- time.Now()
	}()
	return done
}

func TestFloodIsHeldBackAndLosesNothing(t *testing.T) {
	const perSecond, burst, n = 100, 200, 1200
	inWorld(t, Config{MaxEventsPerSecond: perSecond}, func(w *world) {
		var got []string // of the flooder; its handlers run one at a time
		w.server.On("n", func(e *Event) { got = append(got, string(e.Arg(0).JSON())) })
		w.server.On("ask", func(e *Event) { _ = e.Ack() })
		flooder, other := w.joined(), w.joined()
		start := time.Now()
		over := flooder.flood(n, func(i int) string { return fmt.Sprintf(`2["n",%d]`, i) })
		synctest.Wait()
		if len(got) != burst-1 { // its CONNECT was the first
			t.Errorf("%d were taken at once", len(got))
		}
		for i := range 50 { // nobody else is held back
			other.say(fmt.Sprintf(`2%d["ask"]`, i))
			other.hears(fmt.Sprintf(`3%d[]`, i))
		}
		took := (<-over).Sub(start)
		if want := (n - burst + 1) * time.Second / perSecond; took < want || took > want+leastPause {
			t.Errorf("it took %v, want %v", took, want)
		}
		synctest.Wait()
		for i, arg := range got {
			if arg != fmt.Sprint(i) {
				t.Fatalf("event %d is %s", i, arg)
			}
		}
		if len(got) != n {
			t.Errorf("%d of %d arrived", len(got), n)
		}
		st := w.server.Stats()
		if st.Throttled == 0 || st.Throttled > int64(took/leastPause)+1 || st.ThrottledFor < took*9/10 || st.ThrottledFor > took {
			t.Errorf("throttled %d times, for %v of %v", st.Throttled, st.ThrottledFor, took)
		}
	})
}

func TestHeldBackClientCanGoAtOnce(t *testing.T) {
	inWorld(t, Config{MaxEventsPerSecond: 1, EventBurst: 2}, func(w *world) {
		var events int
		w.server.On("n", func(*Event) { events++ })
		c := w.joined()
		start := time.Now()
		over := c.flood(10, func(int) string { return `2["n"]` })
		synctest.Wait()
		c.Close(engineio.ReasonTransportClose)
		if took := (<-over).Sub(start); took > 0 {
			t.Errorf("its reader ended after %v", took)
		}
		synctest.Wait()
		if events != 1 {
			t.Errorf("%d events, want 1", events)
		}
	})
}

func TestSmallBurstStillGetsTheRate(t *testing.T) {
	inWorld(t, Config{MaxEventsPerSecond: 1000, EventBurst: 1}, func(w *world) {
		c := w.joined()
		start := time.Now()
		took := (<-c.flood(1000, func(int) string { return `2["n"]` })).Sub(start)
		if took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("1000 events at 1000 a second took %v", took)
		}
	})
}

// TestEveryKindOfFloodIsHeldBack has what a client can send in place of events.
func TestEveryKindOfFloodIsHeldBack(t *testing.T) {
	for name, packet := range map[string]func(i int) string{
		"events":            func(int) string { return `2["n"]` },
		"acks of nothing":   func(i int) string { return fmt.Sprintf("3%d[]", i) },
		"joins and leaves":  func(i int) string { return string('0'+byte(i%2)) + "/side," },
		"events with acks":  func(i int) string { return fmt.Sprintf(`2%d["n"]`, i) },
		"events with names": func(i int) string { return fmt.Sprintf(`2["%d"]`, i) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Config{MaxEventsPerSecond: 10, EventBurst: 20}, func(w *world) {
				w.server.Of("/side")
				c := w.joined()
				start := time.Now()
				if took := (<-c.flood(100, packet)).Sub(start); took < 7*time.Second {
					t.Errorf("100 at 10 a second took %v", took)
				}
			})
		})
	}
}

func TestAcksThatAreWaitedForAreNotHeldBack(t *testing.T) {
	inWorld(t, Config{MaxEventsPerSecond: 1, EventBurst: 1}, func(w *world) {
		c := w.joined()
		s := w.server.main.local(Target{})[0]
		start := time.Now()
		for i := range 50 {
			answered := make(chan error, 1)
			go func() {
				_, err := s.EmitWithAck(w.Context(), "ask")
				answered <- err
			}()
			c.hears(fmt.Sprintf(`2%d["ask"]`, i))
			c.say(fmt.Sprintf(`3%d[]`, i))
			if err := <-answered; err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("50 acks took %v", took)
		}
	})
}

func TestTooManyNamespacesAreRefusedWithACode(t *testing.T) {
	inWorld(t, Config{MaxNamespaces: 2}, func(w *world) {
		for _, name := range []string{"/a", "/b"} {
			w.server.Of(name)
		}
		c := w.joined("/", "/a")
		c.say("0/b,")
		c.hears(`4/b,{"message":"Too many namespaces","data":{"code":"limit"}}`)
		if st := w.server.Stats(); st.NamespacesRefused != 1 || st.Rejected != 1 {
			t.Errorf("counted %d of %d", st.NamespacesRefused, st.Rejected)
		}
	})
}

func TestNothingIsHeldBackWithoutALimit(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.joined()
		start := time.Now()
		c.say(strings.Fields(strings.Repeat(`2["n"] `, 5000))...)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}
