package drive

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
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
