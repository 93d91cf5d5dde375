package main

import (
	"context"
	"fmt"
	"math"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// longest is how many seconds a run of the lowest or the highest load takes, whichever is
// more, besides the time that clients take to connect if that has no set length.
func (l *loads) longest() float64 {
	longest := 0.0
	for _, load := range []float64{l.From, l.To} {
		p, err := l.plan(load)
		if err != nil {
			continue // one that has been made before
		}
		sum := 0.0
		for _, ph := range p.Phases {
			sum += ph.Duration.Seconds()
		}
		longest = max(longest, sum)
	}
	return longest
}

// closeEnough is how near the highest load that the machine can make is looked for.
const closeEnough = 1.01

// fit lowers the highest load to what this machine can make, and says so then. It is an
// error if it cannot make the lowest.
func (l *loads) fit(ctx context.Context) (warning string, err error) {
	able := func(load float64) error {
		p, err := l.plan(load)
		if err == nil {
			_, err = checkMachine(ctx, &p)
		}
		return err
	}
	if err := able(l.From); err != nil {
		return "", err
	}
	why := able(l.To)
	if why == nil {
		return "", nil
	}
	asked, can, cannot := l.To, l.From, l.To
	for cannot/can > closeEnough && (!l.Whole || cannot-can > 1) {
		middle := math.Sqrt(can * cannot)
		if l.Whole {
			middle = math.Floor(middle)
		}
		if able(middle) == nil {
			can = middle
		} else {
			cannot = middle
		}
	}
	l.To = can
	return fmt.Sprintf("the search ends at %s %s, and not at %s: %v", result.Number(can), l.unit, result.Number(asked), why), nil
}
