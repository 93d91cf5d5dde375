package crew

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

const (
	defaultSilence = 10 * time.Second
	leastSilence   = 100 * time.Millisecond
	mostSilence    = 5 * time.Minute
)

// Config is who makes a run.
type Config struct {
	// Workers are their addresses, host:port: 1 to 256, each once.
	Workers []string
	// Key is the secret that they have too; nil: they have none.
	Key []byte
	// Tool is this program's name and version.
	Tool string
	// Silence is after how long without a word a worker is lost, or is not there in the
	// first place, and this process for the workers: 100 ms to 5 min. 0 means 10 s.
	Silence time.Duration
}

func (c Config) silence() time.Duration { return cmp.Or(c.Silence, defaultSilence) }

// crew is one run of several workers.
type crew struct {
	Config
	plan     *plan.Plan
	hooks    drive.Hooks
	clock    *audit.Clock
	members  []*member
	events   chan event
	begun    chan struct{} // closed when all members are there
	over     chan struct{} // closed when nobody hears events any more
	reading  sync.WaitGroup
	observer *observer

	// Owned by the goroutine of Run.
	began   int64 // by our clock
	entered int   // the last phase that was; -1: none
	settled bool  // all have heard what the others have sent
	judged  bool  // and all of it
	steps   steps
	stopped bool // early
}

// Run has the workers run the plan. It returns when the run is over, with one result of
// all; a worker that was lost on the way is in Result.Workers, with why. When ctx is
// cancelled, it ends in order, as drive.Run does. Of the hooks, Interval and Log are
// called, with what all workers did.
//
// The error, of one line, is for a run that did not begin: a worker that cannot be
// reached, does not have the key or not what the plan takes. It names the worker.
func Run(ctx context.Context, p plan.Plan, c Config, h drive.Hooks) (*result.Result, error) {
	if err := check(&p, c); err != nil {
		return nil, err
	}
	r := &crew{Config: c, plan: &p, hooks: h, clock: audit.NewClock(), events: make(chan event), begun: make(chan struct{}), over: make(chan struct{}), entered: -1}
	var err error
	if r.observer, err = newObserver(&p); err != nil {
		return nil, err
	}
	defer r.observer.end()
	if err := r.gather(ctx); err != nil {
		r.dismiss()
		return nil, err
	}
	r.begin()
	r.direct(ctx)
	r.dismiss()
	r.observer.end()
	return r.result()
}

// check says what is wrong with a crew for a plan.
func check(p *plan.Plan, c Config) error {
	if err := p.Complete(); err != nil {
		return err
	}
	n := len(c.Workers)
	if n < 1 || n > audit.MaxWorkers {
		return fmt.Errorf("%d workers: want 1 to %d", n, audit.MaxWorkers)
	}
	last := drive.Part{Worker: n - 1, Workers: n}
	if last.Clients(p) == 0 {
		return fmt.Errorf("%d workers have less than one client each: use fewer, or more clients", n)
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		least := n
		if g.Publishers == 0 {
			least = 2 * n
		}
		if g.Rate == 0 && g.Window > 0 && p.Most(i)-g.Publishers < least {
			return fmt.Errorf("%s is a closed loop, in which each worker waits for its own clients: want %d clients or more for %d workers", g.Name, least, n)
		}
	}
	if c.Silence != 0 && (c.Silence < leastSilence || c.Silence > mostSilence) {
		return fmt.Errorf("a worker's silence of %v: want %v to %v", c.Silence, leastSilence, mostSilence)
	}
	return nil
}

// gather connects to all workers, and hears that they can do what the plan wants.
func (c *crew) gather(ctx context.Context) error {
	var key []byte
	if c.plan.Token != nil {
		var err error
		if key, err = c.plan.Token.Key(); err != nil {
			return err
		}
	}
	for i, address := range c.Workers {
		c.members = append(c.members, &member{address: address, number: i, phase: -1})
	}
	errs := make([]error, len(c.members))
	var preparing sync.WaitGroup
	for i, m := range c.members {
		preparing.Go(func() { errs[i] = m.prepare(ctx, c, key) })
	}
	preparing.Wait()
	for i, m := range c.members {
		switch err := cmp.Or(errs[i], m.gone()); {
		case ctx.Err() != nil:
			return errors.New("interrupted before the run began")
		case err != nil:
			return fmt.Errorf("worker %s: %w", m.address, err)
		}
	}
	return nil
}

// begin starts the run everywhere.
func (c *crew) begin() {
	c.observer.begin()
	c.began = c.clock.Now()
	c.observer.start(c.clock.Time(c.began))
	for _, m := range c.members {
		_ = m.link.send(kindStart, start{At: c.began + int64(m.clock.ahead()), clocks: c.clocksOf(m)})
	}
	close(c.begun)
}

// clocksOf is by how much those of all workers are behind that of m.
func (c *crew) clocksOf(m *member) clocks {
	out := clocks{Behind: make([]time.Duration, len(c.members))}
	for i, other := range c.members {
		out.Behind[i] = m.clock.ahead() - other.clock.ahead()
	}
	return out
}

// skewsOf is what m judges by.
func (c *crew) skewsOf(m *member) skews {
	now := c.clock.Now()
	mine, _ := m.clock.overall(now)
	out := skews{Of: make([]audit.Skew, len(c.members)), Known: make([]bool, len(c.members))}
	for i, other := range c.members {
		theirs, _ := other.clock.overall(now)
		out.Of[i], out.Known[i] = between(mine, theirs), other.drained
	}
	return out
}

// dismiss ends all connections, and waits for the goroutines that have them.
func (c *crew) dismiss() {
	close(c.over)
	for _, m := range c.members {
		if m.link != nil {
			m.link.close()
		}
	}
	c.reading.Wait()
}

func (c *crew) log(format string, args ...any) {
	if c.hooks.Log != nil {
		c.hooks.Log(fmt.Sprintf(format, args...))
	}
}
