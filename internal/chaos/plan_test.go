package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPlanFollowsFromTheSeed(t *testing.T) {
	cfg := config{Clients: 200, Nodes: 3, Duration: 30 * time.Minute, Scale: 1, Seed: 1}
	first := plan(cfg)
	if !reflect.DeepEqual(first, plan(cfg)) {
		t.Error("the same seed makes other faults")
	}
	cfg.Seed = 2
	if reflect.DeepEqual(first, plan(cfg)) {
		t.Error("another seed makes the same faults")
	}
}

func TestPlanHasAllFaultsWithinItsTime(t *testing.T) {
	for _, cfg := range []config{
		{Clients: 200, Nodes: 3, Duration: 30 * time.Minute, Scale: 1, Seed: 3},
		{Clients: 30, Nodes: 3, Duration: 3 * time.Minute, Scale: 0.1, Seed: 4},
	} {
		seen := map[kind]int{}
		overlapping := 0
		var last fault
		for _, f := range plan(cfg) {
			s := shapes[f.Kind]
			longest := max(time.Duration(float64(s.longest)*cfg.Scale), time.Millisecond)
			if f.At < last.At || f.At+f.For > cfg.Duration || f.For < 0 || f.For > longest {
				t.Errorf("%s at %v, after one at %v", f, f.At, last.At)
			}
			if f.At < last.At+last.For {
				overlapping++
			}
			if f.Kind == cutUpgrade && cfg.transport(f.Whom) != "upgrade" {
				t.Errorf("%s, which does not upgrade", f)
			}
			seen[f.Kind]++
			last = f
		}
		if len(seen) != len(shapes) || overlapping == 0 {
			t.Errorf("%d of %d kinds, %d overlap: %v", len(seen), len(shapes), overlapping, seen)
		}
	}
}

func TestPlanKeepsToTheKindsThatAreWanted(t *testing.T) {
	cfg := config{Clients: 20, Nodes: 3, Duration: time.Hour, Scale: 1, Rate: 1, Only: "switch,kill-node"}
	if err := cfg.validate(); err != nil {
		t.Fatal(err)
	}
	faults := plan(cfg)
	for _, f := range faults {
		if f.Kind != switched && f.Kind != killNode {
			t.Fatal(f)
		}
	}
	if len(faults) < 100 {
		t.Errorf("only %d", len(faults))
	}
}

func TestCommandSaysWhatIsWrong(t *testing.T) {
	for _, args := range []string{"--clients 3", "--nodes 0", "--only flood", "--seeds x", "--rate 0", "--nonsense"} {
		var out bytes.Buffer
		if got := command(t.Context(), strings.Fields(args), &out, &out); got != 2 || out.Len() == 0 {
			t.Errorf("%s: status %d, %s", args, got, &out)
		}
	}
}
