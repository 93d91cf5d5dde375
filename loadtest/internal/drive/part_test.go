package drive

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func TestPartsAddUpToTheWhole(t *testing.T) {
	for _, g := range []plan.Group{
		{Clients: 10, Publishers: 3, Rate: 100, Messages: 1000, Window: 16},
		{Clients: 1, Publishers: 1, Messages: 7},
		{Clients: 1001, Rate: 5, Messages: 100},
	} {
		for workers := 1; workers < 6; workers++ {
			var clients, publishers, messages int
			var publish float64
			for w := range workers {
				p := Part{Worker: w, Workers: workers}
				clients += p.of(g.Clients)
				publishers += p.of(g.Publishers)
				messages += p.messages(&g)
				publish += p.shares(&g).publish
			}
			if clients != g.Clients || publishers != g.Publishers || messages != g.Messages || publish < .999 || publish > 1.001 {
				t.Errorf("%d workers, %+v: %d clients, %d publishers, %d messages, %v of the rate", workers, g, clients, publishers, messages, publish)
			}
		}
	}
}

// meeting is where all parts wait for each other.
type meeting struct {
	mu    sync.Mutex
	parts int
	here  int           // guarded by mu
	all   chan struct{} // guarded by mu
}

func (m *meeting) wait() {
	m.mu.Lock()
	if m.all == nil {
		m.all = make(chan struct{})
	}
	all := m.all
	if m.here++; m.here == m.parts {
		close(all)
		m.here, m.all = 0, nil
	}
	m.mu.Unlock()
	<-all
}

// TestPartWaitsForWhatOthersSent has another part whose message never comes: it is
// waited for, and the part goes on cutting intervals while it waits for the others.
func TestPartWaitsForWhatOthersSent(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	p := of(url, plan.Group{Clients: 4, Rooms: 1, RoomsEach: 1, Rate: 50}, 300*time.Millisecond)
	p.Interval, p.Drain = 100*time.Millisecond, 400*time.Millisecond
	var waiting atomic.Bool
	cut := make(chan struct{}, 100) // while it waits
	var drained time.Time
	start := time.Now()
	res, a, err := RunPart(t.Context(), p, Part{Worker: 0, Workers: 2, Start: start}, Hooks{
		Interval: func(result.Interval, *Progress) {
			if waiting.Load() {
				cut <- struct{}{}
			}
		},
		Drained: func(a *audit.Audit) *audit.Others {
			waiting.Store(true)
			for range 3 {
				<-cut
			}
			waiting.Store(false)
			sent := audit.New(audit.Config{Run: 7, Worker: 1})
			sent.Publisher(1, nil).Stream(sent.Room("load-7-0-0")).Next(nil, 100, 0)
			others, err := a.Others(sent.Logs(), func(int) audit.Skew { return audit.Skew{} })
			if err != nil {
				t.Error(err)
			}
			drained = time.Now()
			return others
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(drained); took < p.Drain {
		t.Errorf("it waited for %v only", took)
	}
	if !res.Started.Equal(start) || len(res.Warnings) != 1 {
		t.Errorf("started at %v, warnings %q", res.Started, res.Warnings)
	}
	if s, err := a.Judge(nil, nil); err != nil || s.Delivered == 0 || s.Lost > 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAbandonedRunEndsAtOnce(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{Lose: 1})
	p := of(server.URL(), plan.Group{Clients: 2, Rooms: 1, RoomsEach: 1, Rate: 100}, time.Hour)
	p.Drain = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	res, err := Run(ctx, p, Hooks{Abandon: ctx, Interval: func(iv result.Interval, _ *Progress) {
		if iv.Counts.Published > 0 {
			cancel()
		}
	}})
	if err != nil || res.Ended != interrupted {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestLatencyTakesTheSendersClockIntoAccount(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	p := of(url, plan.Group{Clients: 4, Rooms: 1, RoomsEach: 1, Rate: 100}, 500*time.Millisecond)
	const ahead = time.Hour
	together := &meeting{parts: 2}
	var results [2]*result.Result
	var running sync.WaitGroup
	for i := range results {
		var clocks Clocks
		clocks.Set(1-i, time.Duration(2*i-1)*ahead) // the second is ahead
		part := Part{Worker: i, Workers: 2, Clock: audit.NewClock().Shifted(time.Duration(i) * ahead), Clocks: &clocks}
		running.Go(func() {
			var err error
			results[i], _, err = RunPart(t.Context(), p, part, Hooks{
				Enter:   func(context.Context, int) error { together.wait(); return nil },
				Drained: func(*audit.Audit) *audit.Others { together.wait(); return nil },
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if t.Failed() {
		return
	}
	for i, r := range results {
		if d := r.Latency.Delivery; d.Count() < 50 || d.Quantile(1) > time.Minute || d.Quantile(.5) < 10*time.Microsecond {
			t.Errorf("part %d: %d deliveries, %v to %v", i, d.Count(), d.Quantile(.5), d.Quantile(1))
		}
	}
}

func TestPartsOfARunAreAuditedTogether(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	p := of(url, plan.Group{Clients: 20, Rooms: 4, RoomsEach: 1, Rate: 200}, time.Second)
	const parts = 2
	together := &meeting{parts: parts}
	var results [parts]*result.Result
	var audits [parts]*audit.Audit
	var running sync.WaitGroup
	for i := range parts {
		running.Go(func() {
			var err error
			results[i], audits[i], err = RunPart(t.Context(), p, Part{Worker: i, Workers: parts}, Hooks{
				Enter:   func(context.Context, int) error { together.wait(); return nil },
				Drained: func(*audit.Audit) *audit.Others { together.wait(); return nil },
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if t.Failed() {
		return
	}
	var sums audit.Sums
	var counts result.Counts
	for i := range parts {
		s, err := audits[i].Judge(audits[1-i].Logs(), func(int) audit.Skew { return audit.Skew{} })
		if err != nil {
			t.Fatal(err)
		}
		sums.Add(s)
		counts.Add(results[i].Counts)
	}
	if sums.Published != 200 || sums.Due != 200*4 || sums.Delivered+sums.Unjudged != sums.Due || sums.Lost+sums.Duplicated+sums.Reordered+sums.Unknown != 0 {
		t.Errorf("%+v", sums)
	}
	if counts.Connected != 20 || counts.Published != 200 {
		t.Errorf("%+v", counts)
	}
}
