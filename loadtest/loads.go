package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/search"
	"github.com/causeway-rt/causeway/loadtest/internal/verdict"
)

// loads are those that a search may try, and the plan of each.
type loads struct {
	search.Config
	cmd      *searchCommand
	vary     string
	unit     string // messages/s
	base     plan.Plan
	own      float64 // the load of base
	expected verdict.Expectations
}

// The widest range that has no --to, and the finest and the coarsest precision.
const (
	widest   = 1000
	finest   = .001
	coarsest = 1
)

// loads reads the command line. An error is one line that names the flag, its value and
// what is allowed.
func (c *searchCommand) loads() (*loads, error) {
	vary, err := once("vary", c.Vary, plan.VaryRate)
	if err != nil {
		return nil, err
	}
	if vary != plan.VaryRate && vary != plan.VaryClients {
		return nil, fmt.Errorf("--vary=%q: want %s or %s", vary, plan.VaryRate, plan.VaryClients)
	}
	l := &loads{cmd: c, vary: vary}
	if l.base, err = c.plan(); err != nil {
		return nil, err
	}
	if l.expected, err = verdict.Parse(l.base.Expect); err != nil {
		return nil, fmt.Errorf("%s: %w", c.expectedBy(), err)
	}
	if len(l.expected) == 0 {
		return nil, errors.New("--expect is missing; want what each load has to meet, such as delivery_p99<50ms,lost=0")
	}
	l.own, l.Whole = l.base.Load(vary), vary == plan.VaryClients
	if err := l.varies(); err != nil {
		return nil, err
	}
	if err := l.read(); err != nil {
		return nil, err
	}
	lowest, err := l.plan(l.From)
	l.unit = lowest.LoadUnit(vary)
	return l, err
}

// varies says if the plan has no such number.
func (l *loads) varies() error {
	other := map[string]string{plan.VaryRate: plan.VaryClients, plan.VaryClients: plan.VaryRate}[l.vary]
	switch {
	case l.own > 0:
		return nil
	case len(l.cmd.File) > 0:
		return fmt.Errorf("--vary=%q: want %s: no group of %s has %s", l.vary, other, l.cmd.File[0], l.vary)
	case l.vary == plan.VaryClients:
		return fmt.Errorf("--vary=%q: want %s: the clients arrive by a rate", l.vary, other)
	case len(l.cmd.Window) > 0:
		return fmt.Errorf("--vary=%q: want %s, or no --window: with it messages come as fast as it allows", l.vary, other)
	case len(l.cmd.From) == 0:
		return fmt.Errorf("--from is missing; want the lowest load, a second: %s has no rate of its own", l.base.Groups[0].Scenario)
	}
	return nil
}

// read sets the range.
func (l *loads) read() (err error) {
	c := l.cmd
	if l.From, err = l.number("from", c.From, l.own, 0); err != nil {
		return err
	}
	if l.To, err = l.number("to", c.To, widest*l.From, l.From); err != nil {
		return err
	}
	if l.Precision, err = precision(c.Precision); err != nil {
		return err
	}
	most, err := once("max-runs", c.MaxRuns, "0")
	if err != nil {
		return err
	}
	if l.MaxRuns, err = strconv.Atoi(most); err != nil || l.MaxRuns < 1 && len(c.MaxRuns) > 0 {
		return fmt.Errorf("--max-runs=%q: want a whole number, 1 or more", most)
	}
	if len(c.To) > 0 {
		if _, err := l.plan(l.To); err != nil {
			return fmt.Errorf("--to=%q: %w", c.To[0], err)
		}
		return nil
	}
	for l.To > l.From {
		if _, err := l.plan(l.To); err == nil {
			break
		}
		l.To = math.Max(l.From, math.Floor(l.To/2))
	}
	return nil
}

// number is a load that a flag gives.
func (l *loads) number(flag string, values texts, unset, least float64) (float64, error) {
	text, err := once(flag, values, "")
	if err != nil || text == "" && len(values) == 0 {
		return unset, err
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(v > 0) || math.IsInf(v, 0):
		return 0, fmt.Errorf("--%s=%q: want a number above 0", flag, text)
	case l.Whole && v != math.Trunc(v):
		return 0, fmt.Errorf("--%s=%q: want a whole number of clients", flag, text)
	case v < least:
		return 0, fmt.Errorf("--%s=%q: want %s or more, the lowest load", flag, text, number(least))
	}
	return v, nil
}

// precision reads 5% or 0.05.
func precision(values texts) (float64, error) {
	text, err := once("precision", values, "5%")
	if err != nil {
		return 0, err
	}
	digits, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= finest && v <= coarsest) {
		return 0, fmt.Errorf("--precision=%q: want a share from 0.1%% to 100%%", text)
	}
	return v, nil
}

// plan is that of a load.
func (l *loads) plan(load float64) (p plan.Plan, err error) {
	if len(l.cmd.File) > 0 {
		p = l.base.Scaled(l.vary, load/l.own)
		err = p.Complete()
	} else {
		given := maps.Clone(l.cmd.given)
		given[l.vary] = []string{number(load)}
		p, err = plan.FromFlags(given)
	}
	p.Seed = l.base.Seed
	return p, err
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// once is the value of a flag that may be given once, or what stands for it.
func once(flag string, values texts, unset string) (string, error) {
	switch len(values) {
	case 0:
		return unset, nil
	case 1:
		return values[0], nil
	}
	return "", fmt.Errorf("--%s=%q: want it once", flag, values[1])
}
