package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/calm"
	"github.com/causeway-rt/causeway/loadtest/internal/crew"
	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/live"
	"github.com/causeway-rt/causeway/loadtest/internal/machine"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/report"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/search"
)

// rest is how long servers are waited for between two runs, at most.
const rest = 30 * time.Second

// searching is a search while it is made.
type searching struct {
	*loads
	by *crew.Config // who makes the runs; nil: this process
	// drive makes one: it is driveBy.
	drive    func(context.Context, plan.Plan, *crew.Config, drive.Hooks) (*result.Result, error)
	strategy *search.Strategy
	record   *search.Record
	watch    *watch
	people   io.Writer
	terminal *os.File // people, if a view of each run is to be drawn there
	quiet    bool     // nothing is told before the end
	local    bool     // all servers are on this machine
}

// begin makes ready what a search needs besides loads. watch is the caller's to close.
func (c *searchCommand) begin(l *loads, by *crew.Config, people io.Writer) (*searching, error) {
	s := &searching{loads: l, by: by, drive: driveBy, strategy: search.New(l.Config), watch: &watch{}, people: people}
	var err error
	if s.quiet, err = c.Quiet.on("quiet"); err != nil {
		return nil, err
	}
	lines, err := c.NoLive.on("no-live")
	if err != nil {
		return nil, err
	}
	if file, ok := people.(*os.File); ok && !lines && !s.quiet && live.Capable(file) {
		s.terminal = file
	}
	s.record = &search.Record{
		Version: search.Version, Tool: tool(), Command: append([]string{"loadtest"}, c.args...), Started: time.Now(),
		Vary: l.vary, Unit: l.unit, From: l.From, To: l.To, Precision: l.Precision, Expect: l.base.Expect,
		MostRuns: l.MostRuns(), RunSeconds: l.longest(), Plan: l.base,
	}
	s.record.Metric, s.record.Quantile, s.record.Limit = l.expected.Time()
	if s.record.Metric == "" {
		s.record.Quantile = "p99"
	}
	return s, s.watch.serve(c.PrometheusListen)
}

// warn notes what a reader must know.
func (s *searching) warn(text string) {
	if text != "" {
		s.record.Warnings = append(s.record.Warnings, text)
	}
}

// announce says what is going to be done, at most.
func (s *searching) announce() error {
	if s.quiet {
		return nil
	}
	return report.SearchBegin(s.people, s.record)
}

// all makes all runs. The error is for a search that could not even begin: what is known
// of others is in the record.
func (s *searching) all(ctx context.Context) error {
	if err := s.announce(); err != nil {
		return err
	}
	s.local = machine.Local(ctx, s.base.URLs)
	servers, err := calm.Watch(ctx, &s.base)
	if err != nil {
		return err
	}
	defer servers.Close()
	defer func() {
		s.record.Seconds = time.Since(s.record.Started).Seconds()
		s.record.Conclude(s.strategy)
	}()
	for {
		load, try, ok := s.strategy.Next()
		switch {
		case ctx.Err() != nil:
			s.record.Ended = search.Interrupted
			return nil
		case !ok && s.strategy.Precise():
			s.record.Ended = search.Complete
			return nil
		case !ok:
			s.record.Ended = search.OutOfRuns
			return nil
		}
		if s.record.Ended, err = s.one(ctx, servers, load, try); s.record.Ended != "" {
			return err
		}
	}
}

// one makes a run of a load when the servers are ready for it. ended is why there can be
// no other after it.
func (s *searching) one(ctx context.Context, servers *calm.Servers, load float64, try int) (ended string, err error) {
	if len(s.record.Runs) > 0 {
		if ended := s.calm(ctx, servers); ended != "" {
			return ended, nil
		}
	}
	p, err := s.plan(load)
	if err != nil {
		return err.Error(), err
	}
	p.Seed += uint64(len(s.record.Runs)) // rooms of their own
	var ready machine.Outcome
	if s.by == nil {
		if ready, err = checkMachine(ctx, &p); err != nil {
			return err.Error(), err
		}
		p.Sources = ready.Sources
	}
	var busy busy
	res, err := s.drive(ctx, p, s.by, s.show(p, load, &busy))
	s.watch.erase()
	if err != nil {
		return err.Error(), err
	}
	if res.Ended == "interrupted" {
		return search.Interrupted, nil
	}
	s.cmd.complete(res, ready.Warnings)
	res.Checks = s.expected.Evaluate(res)
	return s.add(&search.Run{Load: load, Try: try, Busy: busy.sum.Share(), Result: res})
}

// calm waits for the servers after a run.
func (s *searching) calm(ctx context.Context, servers *calm.Servers) (ended string) {
	err := servers.Wait(ctx, rest)
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return search.Interrupted
	case errors.Is(err, calm.ErrNoAnswer):
		return fmt.Sprintf("%v, %v after the run before", err, rest)
	}
	s.warn(fmt.Sprintf("run %d began although the servers were not at rest after %v: %v", len(s.record.Runs)+1, rest, err))
	return ""
}

// add judges a run and tells of it.
func (s *searching) add(r *search.Run) (ended string, err error) {
	r.Verdict, r.Why = search.Judge(r.Result, s.side(r))
	first := len(s.record.Runs) == 0
	s.record.Runs = append(s.record.Runs, r)
	s.strategy.Add(r.Verdict)
	if !s.quiet {
		if err := report.SearchRun(s.people, s.record); err != nil {
			return err.Error(), err
		}
	}
	if first && r.Result.Counts.Attempts > 0 && r.Result.Counts.Connected == 0 {
		ended = "no client could connect" + mostFrequent(r.Result.Errors)
		return ended, errors.New(ended)
	}
	return "", nil
}

// side is what is known of where a run came from: of the workers' machines nothing but
// whether the load was made.
func (s *searching) side(r *search.Run) search.Side {
	if s.by != nil {
		return search.Side{Cores: math.MaxInt32, Busy: -1}
	}
	return search.Side{Cores: runtime.GOMAXPROCS(0), Busy: r.Busy, Local: s.local}
}

// show begins what is seen of a run.
func (s *searching) show(p plan.Plan, load float64, b *busy) drive.Hooks {
	if s.terminal != nil {
		s.watch.view = live.New(s.terminal, p)
	}
	hooks := s.watch.hooks()
	interval, log := hooks.Interval, hooks.Log
	head := fmt.Sprintf("run %d of at most %d, %s %s: ", len(s.record.Runs)+1, s.record.MostRuns, result.Number(load), s.unit)
	b.last = machine.ReadTicks()
	hooks.Interval = func(iv result.Interval, progress *drive.Progress) {
		b.add(p.Phases[iv.Phase])
		interval(iv, progress)
	}
	hooks.Log = func(line string) { log(head + line) }
	return hooks
}

// erase takes a run's view away.
func (w *watch) erase() {
	if w.view != nil {
		w.view.Erase()
		w.view = nil
	}
}

// busy is what this machine does under load.
type busy struct{ last, sum machine.Ticks }

// add counts the interval that ends now.
func (b *busy) add(ph plan.Phase) {
	now := machine.ReadTicks()
	if done := now.Since(b.last); !ph.Quiet && (ph.Kind == plan.Hold || ph.Kind == plan.Spike) {
		b.sum.Busy += done.Busy
		b.sum.All += done.All
	}
	b.last = now
}
