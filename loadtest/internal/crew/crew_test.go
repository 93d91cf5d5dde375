package crew

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = 20 * time.Second

// serve has a worker serve until the test ends, or stop is called.
func serve(t *testing.T, w *Worker) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if w.Log == nil {
		name := l.Addr().String()
		w.Log = func(s string) { t.Log(name, s) }
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := w.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	stop = func() {
		cancel()
		serving.Wait()
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// workers has so many serve, whose clocks are an hour apart.
func workers(t *testing.T, n int) (addresses []string) {
	for i := range n {
		a, _ := serve(t, &Worker{Tool: "loadtest test", clock: audit.NewClock().Shifted(time.Duration(i) * time.Hour)})
		addresses = append(addresses, a)
	}
	return addresses
}

// of is a plan of one group that comes in quiet, does what it does for a while, and goes.
func of(url string, g plan.Group, length time.Duration) plan.Plan {
	g.Scenario, g.Name, g.Transport = "idle", "group", []string{"websocket"}
	return plan.Plan{
		URLs: []string{url}, Groups: []plan.Group{g}, Seed: 7,
		Phases: []plan.Phase{
			{Name: "arrive", Kind: plan.Ramp, Quiet: true},
			{Name: "load", Kind: plan.Hold, Duration: length},
			{Name: "stop", Kind: plan.Stop},
		},
		Interval: 200 * time.Millisecond, ConnectTimeout: 5 * time.Second, AckTimeout: 5 * time.Second, Drain: 2 * time.Second,
	}
}

// seen is what hooks were told.
type seen struct {
	mu        sync.Mutex
	intervals []result.Interval
	lines     []string
}

func (s *seen) hooks(t *testing.T) drive.Hooks {
	return drive.Hooks{
		Interval: func(iv result.Interval, p *drive.Progress) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.intervals = append(s.intervals, iv)
			if p.Phase != iv.Phase {
				t.Errorf("interval of phase %d, and progress of %d", iv.Phase, p.Phase)
			}
		},
		Log: func(line string) {
			t.Log(line)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lines = append(s.lines, line)
		},
	}
}

// make runs a plan that must be possible.
func makeRun(t *testing.T, p plan.Plan, c Config) (*result.Result, *seen) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if c.Tool == "" {
		c.Tool = "loadtest test"
	}
	s := &seen{}
	res, err := Run(ctx, p, c, s.hooks(t))
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, res)
	return res, s
}

// balanced checks what holds of every result.
func balanced(t *testing.T, r *result.Result) {
	t.Helper()
	for _, wrong := range fixture.Imbalances(r) {
		t.Error(wrong)
	}
}
