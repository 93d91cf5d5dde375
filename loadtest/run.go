package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/causeway-rt/causeway/loadtest/internal/machine"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/report"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/verdict"
)

// runCommand loads a server and reports.
type runCommand struct {
	runFlags
	args  []string   // the whole command line, for the report
	given plan.Flags // what it says of the plan
}

// lookup bounds the time in which names of servers are looked up.
const lookup = 10 * time.Second

func (c *runCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	dry, err := c.DryRun.on("dry-run")
	if err != nil {
		return err
	}
	p, err := c.plan()
	if err != nil {
		return err
	}
	expected, err := verdict.Parse(p.Expect)
	if err != nil {
		return fmt.Errorf("%s: %w", c.expectedBy(), err)
	}
	out, err := c.outputs(stdout)
	if err != nil {
		return err
	}
	by, err := c.crew()
	if err != nil {
		return err
	}
	var ready machine.Outcome
	if by == nil { // else each worker checks its own
		if ready, err = checkMachine(ctx, &p); err != nil {
			return err
		}
	}
	if dry {
		return printPlan(stdout, p)
	}
	if by == nil {
		p.Sources = ready.Sources
	}
	people := stdout
	if out.onStdout() {
		people = stderr
	}
	watch, err := c.watch(people, p)
	if err != nil {
		return err
	}
	res, err := driveBy(ctx, p, by, watch.hooks())
	watch.close()
	if err != nil {
		return err
	}
	c.complete(res, ready.Warnings)
	res.Checks = expected.Evaluate(res)
	return finish(res, out, people)
}

// plan is what flags and file come to.
func (c *runCommand) plan() (plan.Plan, error) {
	switch len(c.File) {
	case 0:
		return plan.FromFlags(c.given)
	case 1:
		return plan.Load(c.File[0], c.given)
	}
	return plan.Plan{}, fmt.Errorf("--file=%q: want it once", c.File[1])
}

// expectedBy is what the expectations are from.
func (c *runCommand) expectedBy() string {
	if len(c.Expect) == 0 && len(c.File) > 0 {
		return c.File[0] + ": expect"
	}
	return "--expect"
}

func checkMachine(ctx context.Context, p *plan.Plan) (machine.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	return machine.Check(ctx, p, machine.Read())
}

func printPlan(w io.Writer, p plan.Plan) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(p); err != nil {
		return err
	}
	return e.Close()
}

// complete adds to a result what the engine does not know.
func (c *runCommand) complete(res *result.Result, warnings []string) {
	res.Version = result.Version
	res.Tool = tool()
	res.Command = append([]string{"loadtest"}, c.args...)
	res.Machine = machine.Describe()
	res.Warnings = append(warnings, res.Warnings...)
}

// finish writes all reports, the summary last, and returns the verdict.
func finish(res *result.Result, out outputs[*result.Result], people io.Writer) error {
	if err := out.write(res); err != nil {
		return err
	}
	if err := report.Text(people, res); err != nil {
		return err
	}
	for _, name := range out.files() {
		fmt.Fprintln(people, "written:", filepath.Clean(name))
	}
	return outcome(res)
}

// outcome is what the exit status says of a result.
func outcome(res *result.Result) error {
	switch {
	case !verdict.Met(res.Checks):
		return errUnmet
	case res.Ended != "complete" && res.Ended != "interrupted":
		return errors.New(res.Ended + mostFrequent(res.Errors))
	case lostWorkers(res) != "":
		return errors.New(lostWorkers(res))
	case len(res.Checks) == 0 && res.Counts.Attempts > 0 && res.Counts.Connected == 0:
		return fmt.Errorf("no client could connect%s", mostFrequent(res.Errors))
	}
	return nil
}

// mostFrequent ends a sentence with what went wrong, if anything.
func mostFrequent(classes []result.ErrorClass) string {
	if len(classes) == 0 {
		return ""
	}
	return " (" + classes[0].Class + ")"
}

// on is whether a switch is on.
func (t toggle) on(flag string) (bool, error) {
	on := false
	for _, s := range t {
		var err error
		if on, err = strconv.ParseBool(s); err != nil {
			return false, fmt.Errorf("--%s=%q: want true or false", flag, s)
		}
	}
	return on, nil
}
