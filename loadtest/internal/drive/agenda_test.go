package drive

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAgendaDoesThingsAtTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		clock := func() time.Duration { return time.Since(start) }
		a := newAgenda(clock)
		ctx, cancel := context.WithCancel(t.Context())
		var done []time.Duration
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.run(ctx, func(d dueThing) {
				if clock() != d.at {
					t.Errorf("done at %v instead of %v", clock(), d.at)
				}
				done = append(done, d.at)
				if d.at == time.Second {
					a.add(dueThing{at: 1500 * time.Millisecond}) // by the one who does things
				}
			})
		}()
		a.add(dueThing{at: 3 * time.Second})
		a.add(dueThing{at: time.Second})
		time.Sleep(500 * time.Millisecond)
		a.add(dueThing{at: 700 * time.Millisecond}) // earlier than what is waited for
		time.Sleep(5 * time.Second)
		cancel()
		<-ended
		want := []time.Duration{700 * time.Millisecond, time.Second, 1500 * time.Millisecond, 3 * time.Second}
		if len(done) != len(want) {
			t.Fatalf("done at %v, not %v", done, want)
		}
		for i := range want {
			if done[i] != want[i] {
				t.Fatalf("done at %v, not %v", done, want)
			}
		}
	})
}

func TestGateLetsThroughWhileItIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		go func() {
			time.Sleep(time.Second)
			g.set(true)
		}()
		if !g.pass(ctx) || time.Since(start) != time.Second {
			t.Fatalf("passed after %v", time.Since(start))
		}
		if !g.pass(ctx) || time.Since(start) != time.Second {
			t.Fatal("it is not open any more")
		}
		g.set(false)
		if g.pass(ctx) || time.Since(start) != 10*time.Second {
			t.Fatalf("passed after %v, through a gate that is shut", time.Since(start))
		}
	})
}
