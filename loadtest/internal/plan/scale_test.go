package plan

import (
	"reflect"
	"testing"
)

const evening = `
groups:
- {name: talk, scenario: chat, clients: 100, rate: 40}
- {name: ask, scenario: ack, clients: 50, request_rate: 20}
phases:
- {kind: ramp, duration: 1s, quiet: true}
- {kind: hold, duration: 1s}
- {kind: spike, duration: 1s, clients: {talk: 200}, rate: {talk: 100}}
`

func TestLoadIsThatOfTheFullestPhase(t *testing.T) {
	p, err := parse("file", []byte(evening), nil)
	if err != nil {
		t.Fatal(err)
	}
	if rate, clients := p.Load(VaryRate), p.Load(VaryClients); rate != 120 || clients != 250 {
		t.Errorf("%v a second of %v clients", rate, clients)
	}
	if unit := p.LoadUnit(VaryRate); unit != "messages and requests/s" {
		t.Errorf("unit %q", unit)
	}
	for scenario, want := range map[string]struct {
		load float64
		unit string
	}{"fanout": {10, "messages/s"}, "ack": {0, "/s"}, "idle": {0, "/s"}} {
		p, err := FromFlags(Flags{"scenario": {scenario}})
		if err != nil {
			t.Fatal(err)
		}
		if p.Load(VaryRate) != want.load || p.LoadUnit(VaryRate) != want.unit || p.Load(VaryClients) != 100 {
			t.Errorf("%s: %v %s", scenario, p.Load(VaryRate), p.LoadUnit(VaryRate))
		}
	}
	p, err = FromFlags(Flags{"scenario": {"idle"}, "rate": {"7"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Load(VaryRate) != 7 || p.LoadUnit(VaryRate) != "arrivals/s" || p.Load(VaryClients) != 0 {
		t.Errorf("arrivals: %v %s", p.Load(VaryRate), p.LoadUnit(VaryRate))
	}
}

func TestScaledPlanHasTheLoadAndNothingElseChanged(t *testing.T) {
	p, err := parse("file", []byte(evening), Flags{"seed": {"7"}})
	if err != nil {
		t.Fatal(err)
	}
	before, err := parse("file", []byte(evening), Flags{"seed": {"7"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{VaryRate, VaryClients} {
		scaled := p.Scaled(what, 3)
		if err := scaled.Complete(); err != nil {
			t.Fatal(err)
		}
		if got := scaled.Load(what); got != 3*p.Load(what) {
			t.Errorf("%s: %v, want three times %v", what, got, p.Load(what))
		}
		if back := scaled.Scaled(what, 1./3); !reflect.DeepEqual(back, p) {
			t.Errorf("%s: more was changed: %+v, %+v", what, back, p)
		}
	}
	if !reflect.DeepEqual(p, before) {
		t.Errorf("the plan itself was changed: %+v", p)
	}
}
