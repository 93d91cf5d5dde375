package result

import (
	"math"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

func figure(t *testing.T, r *Result, name string) float64 {
	t.Helper()
	for _, f := range Figures {
		if f.Name == name {
			return f.Of(r)
		}
	}
	t.Fatalf("there is no figure %s", name)
	return 0
}

func TestFiguresAreOfTheLoadOnly(t *testing.T) {
	for name, want := range map[string]float64{
		"published_per_s": 10, "delivered_per_s": 100, "received_per_s": 101, "acks_per_s": 0, "connects_per_s": 10,
		"cpu_percent": 50, "cpu_us_per_delivery": 5000, "cpu_us_per_ack": math.NaN(), "cpu_us_per_connect": 10_000,
		"kib_per_conn": 1, "queue_bytes_max": 7,
	} {
		if got := figure(t, sample(0), name); math.Abs(got-want) > 1e-9 || math.IsNaN(got) != math.IsNaN(want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestFiguresOfServersAreMissingRatherThanWrong(t *testing.T) {
	for name, change := range map[string]func(*Result){
		"one server unknown": func(r *Result) {
			r.Servers = append(r.Servers, Server{Name: "other"})
			for i := range r.Phases {
				r.Phases[i].Servers = append(r.Phases[i].Servers, Usage{Missing, Missing, Missing})
			}
		},
		"none watched": func(r *Result) {
			r.Servers, r.Before = nil, nil
			for i := range r.Phases {
				r.Phases[i].Servers = nil
			}
			for i := range r.Intervals {
				r.Intervals[i].Servers = nil
			}
		},
		"empty": func(r *Result) { *r = Result{} },
	} {
		t.Run(name, func(t *testing.T) {
			r := sample(0)
			change(r)
			for _, f := range []string{"cpu_percent", "cpu_us_per_delivery", "cpu_us_per_connect", "kib_per_conn"} {
				if got := figure(t, r, f); !math.IsNaN(got) {
					t.Errorf("%s is %v", f, got)
				}
			}
		})
	}
}

func TestInterruptedRampHasFigures(t *testing.T) {
	r := sample(0)
	r.Phases = r.Phases[:1]
	r.Intervals = r.Intervals[:3]
	if got := r.Loaded(); len(got) != 1 || got[0] != 0 {
		t.Errorf("loaded are %v, want the ramp", got)
	}
	r.Plan.Phases = []plan.Phase{{Kind: plan.Hold, Quiet: true}, {Kind: plan.Spike}}
	r.Phases = []Phase{{Kind: plan.Hold, To: 1}, {Kind: plan.Spike, From: 1, To: 2}}
	if got := r.Loaded(); len(got) != 1 || got[0] != 1 {
		t.Errorf("loaded are %v, want the spike", got)
	}
}

func TestRestartedServerHasNoNegativeUse(t *testing.T) {
	at := func(cpu float64) Sample { return Sample{CPUSeconds: cpu} }
	for _, tt := range []struct{ before, after, want float64 }{{1, 3, 2}, {5, 2, 2}, {-1, 3, -1}, {3, -1, -1}, {2, 2, 0}} {
		if got := CPUBetween(at(tt.before), at(tt.after)); got != tt.want {
			t.Errorf("from %v to %v: %v, want %v", tt.before, tt.after, got, tt.want)
		}
	}
	if got := CPUPercent(at(1), at(2), 2); got != 50 {
		t.Errorf("1 s in 2 s is %v %%", got)
	}
	if got := CPUPercent(at(-1), at(2), 2); !math.IsNaN(got) {
		t.Errorf("of an unknown: %v %%", got)
	}
}
