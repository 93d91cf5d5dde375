package crew

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// wire is the network before a worker, that can fail.
type wire struct {
	address string
	target  string
	// What comes from the worker, or goes to it, is taken and not passed on.
	deaf, mute atomic.Bool

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func wireTo(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: l.Addr().String(), target: target}
	var copying sync.WaitGroup
	copying.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", target)
			if err != nil {
				from.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, from, to)
			w.mu.Unlock()
			copying.Go(func() { w.copy(to, from, &w.mute) })
			copying.Go(func() { w.copy(from, to, &w.deaf) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.cut()
		copying.Wait()
	})
	return w
}

func (w *wire) copy(to, from net.Conn, failing *atomic.Bool) {
	_, _ = io.Copy(failer{to, failing}, from)
	to.Close()
	from.Close()
}

type failer struct {
	io.Writer
	failing *atomic.Bool
}

func (f failer) Write(b []byte) (int, error) {
	if f.failing.Load() {
		return len(b), nil
	}
	return f.Writer.Write(b)
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// chat is a run with traffic between all workers.
func chat(url string, length time.Duration) plan.Plan {
	p := of(url, plan.Group{Clients: 12, Rooms: 2, RoomsEach: 1, Rate: 120, Payload: plan.Size(100)}, length)
	p.Interval, p.Drain = 100*time.Millisecond, time.Second
	return p
}

// onTraffic does something once, when messages have been received.
func onTraffic(h drive.Hooks, do func()) drive.Hooks {
	var once sync.Once
	received := int64(0)
	interval := h.Interval
	h.Interval = func(iv result.Interval, p *drive.Progress) {
		interval(iv, p)
		if received += iv.Counts.Received; received > 100 {
			once.Do(do)
		}
	}
	return h
}

func TestLostWorkerIsToldAndTheOthersGoOn(t *testing.T) {
	for name, tt := range map[string]struct {
		lose func(*wire, func())
		want string
	}{
		"killed":  {func(w *wire, _ func()) { w.cut() }, "it closed the connection"},
		"silent":  {func(w *wire, _ func()) { w.deaf.Store(true) }, "no word for 500ms"},
		"stopped": {func(_ *wire, stop func()) { stop() }, "the worker was stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := faulty.Start(t, faulty.Faults{})
			there := workers(t, 2)
			address, stop := serve(t, &Worker{Tool: "loadtest test"})
			w := wireTo(t, address)
			s := &seen{}
			var stopping sync.WaitGroup
			defer stopping.Wait()
			h := onTraffic(s.hooks(t), func() { stopping.Go(func() { tt.lose(w, stop) }) })
			r, err := Run(t.Context(), chat(server.URL(), 1500*time.Millisecond), Config{Workers: append(there, w.address), Tool: "loadtest test", Silence: 500 * time.Millisecond}, h)
			if err != nil {
				t.Fatal(err)
			}
			balanced(t, r)
			lost := r.Workers[2]
			if !strings.Contains(lost.Lost, tt.want) || r.Workers[0].Lost+r.Workers[1].Lost != "" || lost.Clients != 4 {
				t.Errorf("%+v", r.Workers)
			}
			warned := strings.Join(r.Warnings, "\n")
			if !strings.Contains(warned, "The worker "+w.address+" was lost") || !strings.Contains(warned, "4 clients") {
				t.Errorf("warnings: %s", warned)
			}
			if r.Ended != "complete" || r.Seconds < 1.5 || r.Counts.Connected != 12 {
				t.Errorf("ended %q after %v s, %d clients", r.Ended, r.Seconds, r.Counts.Connected)
			}
			// The server is correct, and what the lost one published last may not have reached it.
			if a := r.Audit; a.Lost+a.Duplicated+a.Reordered+a.Corrupted+a.Unknown != 0 || a.Delivered == 0 {
				t.Errorf("%+v", a)
			}
			last := s.intervals[len(s.intervals)-3]
			if last.Wanted != 8 {
				t.Errorf("%d clients are wanted at the end: %+v", last.Wanted, last)
			}
		})
	}
}

func TestRunWithoutWorkersLeftEndsWithAResult(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	a := workers(t, 1)
	w := wireTo(t, a[0])
	s := &seen{}
	r, err := Run(t.Context(), chat(server.URL(), time.Hour), Config{Workers: []string{w.address}}, onTraffic(s.hooks(t), w.cut))
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, r)
	if r.Ended != "given up: no worker is left" || r.Counts.Received == 0 || r.Workers[0].Lost == "" {
		t.Errorf("ended %q, %+v, %+v", r.Ended, r.Counts, r.Workers)
	}
}

// TestWorkersWithoutACoordinatorAreReadyForTheNext has one that dies in a run of an hour,
// whose last messages would be waited for as long.
func TestWorkersWithoutACoordinatorAreReadyForTheNext(t *testing.T) {
	for name, silent := range map[string]bool{"gone": false, "silent": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := faulty.Start(t, faulty.Faults{Lose: 1})
			direct := workers(t, 2)
			var wires []*wire
			var through []string
			for _, a := range direct {
				w := wireTo(t, a)
				wires, through = append(wires, w), append(through, w.address)
			}
			p := of(server.URL(), plan.Group{Clients: 4, Rooms: 1, RoomsEach: 1, Rate: 100, Payload: plan.Size(100)}, time.Hour)
			p.Drain = time.Hour
			s := &seen{}
			h := s.hooks(t)
			interval := h.Interval
			h.Interval = func(iv result.Interval, pr *drive.Progress) {
				interval(iv, pr)
				if iv.Counts.Published > 0 {
					for _, w := range wires {
						if w.mute.Store(true); !silent {
							w.cut()
						}
					}
				}
			}
			r, err := Run(t.Context(), p, Config{Workers: through, Silence: 500 * time.Millisecond}, h)
			if err != nil || r.Ended != "given up: no worker is left" {
				t.Fatalf("%+v, %v", r, err)
			}
			healthy := faulty.Start(t, faulty.Faults{})
			next, err := again(t, chat(healthy.URL(), 200*time.Millisecond), Config{Workers: direct, Tool: "loadtest test"})
			if err != nil || next.Ended != "complete" || next.Counts.Connected != 12 {
				t.Errorf("the next run: %+v, %v", next, err)
			}
		})
	}
}

// again makes a run as soon as the workers have noticed that the last one is over.
func again(t *testing.T, p plan.Plan, c Config) (r *result.Result, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		r, err = Run(ctx, p, c, drive.Hooks{})
		if err == nil || !strings.Contains(err.Error(), "it is making a run") {
			return r, err
		}
	}
}

func TestInterruptedRunEndsInOrderEverywhere(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &seen{}
	r, err := Run(ctx, chat(server.URL(), time.Hour), Config{Workers: workers(t, 2), Tool: "loadtest test"}, onTraffic(s.hooks(t), cancel))
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, r)
	if did := server.Done(); r.Ended != "interrupted" || r.Audit.Due != did.Deliveries || r.Audit.Delivered != did.Deliveries || len(r.Warnings) > 0 {
		t.Errorf("ended %q, %+v of %+v, warnings %q", r.Ended, r.Audit, did, r.Warnings)
	}
}

func TestFiguresOfWorkersAreAddedUp(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	r, s := makeRun(t, chat(server.URL(), time.Second), Config{Workers: workers(t, 3)})
	var counts result.Counts
	var latency result.Latency
	for _, iv := range s.intervals {
		counts.Add(iv.Counts)
		latency.Merge(iv.Latency)
	}
	if counts != r.Counts {
		t.Errorf("while it ran %+v was shown, the result has %+v", counts, r.Counts)
	}
	for _, f := range result.LatencyFields {
		shown, err := (*f.Of(&latency)).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (*f.Of(&r.Latency)).MarshalJSON(); err != nil || string(got) != string(shown) {
			t.Errorf("%s: %s is not the sum of all intervals, %s (%v)", f.Name, got, shown, err)
		}
	}
	// The clocks are hours apart.
	if d := r.Latency.Delivery; d.Count() != r.Audit.Delivered || d.Quantile(1) > 5*time.Second || d.Quantile(.5) < 10*time.Microsecond {
		t.Errorf("%d latencies of %d deliveries, %v to %v", d.Count(), r.Audit.Delivered, d.Quantile(.5), d.Quantile(1))
	}
	if full := s.intervals[len(s.intervals)/2]; full.Open != 12 || full.Wanted != 12 {
		t.Errorf("an interval in the middle has %d of %d connections", full.Open, full.Wanted)
	}
	for _, w := range r.Workers {
		if w.Clients != 4 || !(w.Clock > 0 && w.Clock < .5) || w.Machine.Cores == 0 {
			t.Errorf("%+v", w)
		}
	}
}
