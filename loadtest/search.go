package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/causeway-rt/causeway/loadtest/internal/report"
	"github.com/causeway-rt/causeway/loadtest/internal/search"
)

// searchCommand finds the highest load that meets all expectations: it makes a run of one
// load after the other.
type searchCommand struct {
	runCommand
	Vary      texts `group:"search" placeholder:"rate" help:"Which number is the load: rate or clients, as if the flag of that name had one value after the other. Of a file, those of all groups and phases are multiplied."`
	From      texts `group:"search" placeholder:"N" help:"The lowest load, which is tried first. Unset: what --rate or --clients, the scenario or the file says."`
	To        texts `group:"search" placeholder:"N" help:"The highest load that is tried. Unset: a thousand times the lowest."`
	Precision texts `group:"search" placeholder:"5%" help:"How far apart the highest load that is met and the lowest that is not may be in the end."`
	MaxRuns   texts `group:"search" placeholder:"N" help:"End after so many runs. Unset: when the load is found."`
}

func (c *searchCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	dry, err := c.DryRun.on("dry-run")
	if err != nil {
		return err
	}
	loads, err := c.loads()
	if err != nil {
		return err
	}
	out, err := prepare(&c.runFlags, stdout, report.Search,
		func(w io.Writer, r *search.Record) error { return r.Write(w) },
		func(w io.Writer, r *search.Record) error { return r.WriteCSV(w) })
	if err != nil {
		return err
	}
	by, err := c.crew()
	if err != nil {
		return err
	}
	cut := ""
	if by == nil { // else each worker checks its own machine, for each run
		if cut, err = loads.fit(ctx); err != nil {
			return err
		}
	}
	people := stdout
	if out.onStdout() || dry {
		people = stderr
	}
	s, err := c.begin(loads, by, people)
	if err != nil {
		return err
	}
	defer s.watch.close()
	s.warn(cut)
	if dry {
		p, err := loads.plan(loads.From)
		if err != nil {
			return err
		}
		return errors.Join(s.announce(), printPlan(stdout, p))
	}
	failed := s.all(ctx)
	if err := out.write(s.record); err != nil {
		return err
	}
	if err := s.conclude(out.files()); failed == nil {
		return err
	}
	return failed
}

// conclude tells what came of the search, and returns what the exit status says of it.
func (s *searching) conclude(files []string) error {
	if err := report.SearchEnd(s.people, s.record); err != nil {
		return err
	}
	for _, name := range files {
		fmt.Fprintln(s.people, "written:", filepath.Clean(name))
	}
	r := s.record
	last := r.Best()
	switch {
	case r.Found > 0:
		return nil
	case last != nil && !r.Held && last.Verdict == search.Unmet:
		return errUnmet
	}
	return errors.New(r.Conclusion)
}
