package search

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// spec is a run of 4 s of load, at 1,000 messages a second.
type spec struct {
	met    bool
	ended  string        // "": complete
	tool   float64       // cores that the load tool used
	p99    time.Duration // 0 means 80 ms
	behind []int         // messages not sent yet, by second
	unsent int64         // in each second
	errors string        // a class of them
	group  func(*plan.Group)
	side   Side
}

func (s spec) run(t *testing.T) *result.Result {
	t.Helper()
	if s.ended == "" {
		s.ended = "complete"
	}
	if s.p99 == 0 {
		s.p99 = 80 * time.Millisecond
	}
	g := plan.Group{Name: "g", Scenario: "fanout", Clients: 1, Rooms: 1, RoomsEach: 1, Transport: []string{"websocket"}, Rate: 1000}
	if s.group != nil {
		s.group(&g)
	}
	r := &result.Result{
		Ended: s.ended, Checks: []result.Check{{Text: "delivery_p99<50ms", Found: "80 ms", OK: s.met}},
		Plan: plan.Plan{Groups: []plan.Group{g}, Phases: []plan.Phase{
			{Kind: plan.Ramp, Quiet: true}, {Kind: plan.Hold, Duration: 4 * time.Second}, {Kind: plan.Stop},
		}},
		Phases:    []result.Phase{{Kind: plan.Ramp, To: 1}, {Kind: plan.Hold, From: 1, To: 5}, {Kind: plan.Stop, From: 5, To: 6}},
		Intervals: []result.Interval{{To: 1, Tool: result.Sample{CPUSeconds: 3}}},
	}
	if s.errors != "" {
		r.Errors = []result.ErrorClass{{Class: s.errors, Count: 7}}
	}
	r.Latency.Delivery = result.NewHistogram()
	r.Latency.Delivery.Record(s.p99)
	sent := int64(0)
	for i := range 4 {
		iv := result.Interval{From: float64(i + 1), To: float64(i + 2), Phase: 1, Tool: result.Sample{CPUSeconds: 3 + s.tool*float64(i+1)}}
		iv.Counts.Unsent = s.unsent
		iv.Counts.Published = int64(i+1)*1000 - sent - s.unsent
		if i < len(s.behind) {
			iv.Counts.Published -= int64(s.behind[i])
		}
		sent += iv.Counts.Published + iv.Counts.Unsent
		r.Intervals = append(r.Intervals, iv)
	}
	return r
}

func TestLimitOfThisSideIsToldFromTheServers(t *testing.T) {
	for _, tt := range []struct {
		name string
		spec spec
		want Verdict
		why  string
	}{
		{"met", spec{met: true, tool: 2}, Met, ""},
		{"met, and interrupted", spec{met: true, ended: "interrupted"}, Unmet, ""},
		{"the server's latency", spec{tool: .5}, Unmet, ""},
		{"all cores in use by the tool", spec{tool: 1.9}, Held, "1.90 of 2 cores"},
		{"machine full, server elsewhere", spec{tool: .5, side: Side{Busy: .95}}, Held, "95 % busy"},
		{"machine full, server on it", spec{tool: .5, side: Side{Busy: .95, Local: true}}, Unmet, "95 % busy"},
		{"machine half full", spec{tool: .5, side: Side{Busy: .5, Local: true}}, Unmet, ""},
		{"machine of which nothing is known", spec{side: Side{Busy: -1}}, Unmet, ""},
		{"behind for most of the p99", spec{behind: []int{0, 62, 0, 0}}, Held, "60 ms behind"},
		{"behind for little of it", spec{behind: []int{0, 22, 0, 0}}, Unmet, ""},
		{"behind for less than chance", spec{behind: []int{0, 9, 0, 0}, p99: 12 * time.Millisecond}, Unmet, ""},
		{"behind at the end", spec{behind: []int{40, 80, 120, 160}, p99: 10 * time.Second}, Held, "not sent"},
		{"no ports left here", spec{errors: "connect: no free port"}, Held, "7 failed on this machine: connect: no free port"},
		{"connections that the server refuses", spec{errors: "connect: refused"}, Unmet, ""},
		{"met by less than the load", spec{met: true, behind: []int{40, 80, 120, 160}}, Held, "not sent 3.95 % of"},
		{"met, and behind for a moment", spec{met: true, behind: []int{0, 300, 0, 10}}, Met, ""},
		{"nothing sent that clients could not send", spec{unsent: 500}, Unmet, ""},
		{"a closed loop has no schedule", spec{behind: []int{500}, group: func(g *plan.Group) { g.Rate, g.Window = 0, 16 }}, Unmet, ""},
		{"so many messages, and then no more", spec{behind: []int{0, 900}, group: func(g *plan.Group) { g.Messages = 1100 }}, Unmet, ""},
	} {
		if tt.spec.side.Cores == 0 {
			tt.spec.side.Cores = 2
		}
		got, why := Judge(tt.spec.run(t), tt.spec.side)
		if got != tt.want || !strings.Contains(why, tt.why) || tt.why == "" && why != "" {
			t.Errorf("%s: %s, %q", tt.name, got, why)
		}
	}
}

func TestRequestsByARateHaveASchedule(t *testing.T) {
	asking := func(g *plan.Group) { g.Rate, g.Requests, g.RequestRate = 0, true, 1000 }
	r := spec{group: asking}.run(t)
	for i := range r.Intervals {
		c := &r.Intervals[i].Counts
		c.Published, c.Requests = 0, c.Published*9/10
	}
	if v, why := Judge(r, Side{Cores: 2}); v != Held {
		t.Errorf("%s, %q", v, why)
	}
	r.Plan.Groups[0].RequestRate = 0 // in turn: as many as are answered
	if v, why := Judge(r, Side{Cores: 2}); v != Unmet {
		t.Errorf("%s, %q", v, why)
	}
}

func TestToolCoresAreThoseUnderLoad(t *testing.T) {
	r := spec{tool: .75}.run(t)
	if got := ToolCores(r); got != .75 {
		t.Errorf("%v", got)
	}
	r.Intervals[2].Tool = result.NoSample()
	if got := ToolCores(r); !math.IsNaN(got) {
		t.Errorf("with a sample that is missing: %v", got)
	}
	if got := ToolCores(&result.Result{}); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}
