package result

import (
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

func merge(t *testing.T, parts ...*Result) *Result {
	t.Helper()
	m, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMergedCountsAreSumsAndHistogramsWhole(t *testing.T) {
	a, b := sample(0), sample(0)
	slow := time.Minute
	b.Latency.Delivery.Record(slow)
	b.Phases[1].Latency.Delivery.Record(slow)
	m := merge(t, a, b)
	if m.Counts.Attempts != 66 || m.Audit.Delivered != 800 || m.Audit.Lost != 8 || m.Phases[1].Audit.Delivered != 800 {
		t.Errorf("counts %+v, audit %+v", m.Counts, m.Audit)
	}
	want := new(Histogram)
	want.Merge(a.Latency.Delivery)
	want.Merge(b.Latency.Delivery)
	equal(t, m.Latency.Delivery, want)
	equal(t, m.Phases[1].Latency.Delivery, want)
	if a.Latency.Delivery.Count() != 8 {
		t.Error("a part was changed")
	}
}

func TestIntervalsOfWorkersAreAlignedByTime(t *testing.T) {
	for name, tt := range map[string]struct {
		later time.Duration
		steps int
		first float64 // start of the step in which both are
		both  int
	}{
		"at once":          {0, 8, 0, 0},
		"a little later":   {100 * time.Millisecond, 8, .05, 0},
		"half an interval": {500 * time.Millisecond, 9, .75, 1},
		"two intervals":    {2 * time.Second, 10, 2, 2},
		"two and a bit":    {2300 * time.Millisecond, 10, 2.15, 2},
		"after the first":  {9 * time.Second, 16, 0, -1},
		"a little earlier": {-100 * time.Millisecond, 8, .05, 0},
		"a minute later":   {time.Minute, 16, 0, -1},
	} {
		t.Run(name, func(t *testing.T) {
			m := merge(t, sample(0), sample(tt.later))
			if len(m.Intervals) != tt.steps {
				t.Fatalf("%d steps, want %d", len(m.Intervals), tt.steps)
			}
			var all audit.Sums
			for i, iv := range m.Intervals {
				all.Add(iv.Audit)
				if i > 0 && iv.From < m.Intervals[i-1].From {
					t.Errorf("step %d begins before the one before it", i)
				}
			}
			if all != m.Audit {
				t.Errorf("the steps have %+v, the whole %+v", all, m.Audit)
			}
			if tt.both < 0 {
				return
			}
			iv := m.Intervals[tt.both]
			if iv.Open != 60 || iv.Wanted != 60 || iv.Tool.ResidentBytes != 2000 || iv.From < tt.first-1e-6 || iv.From > tt.first+1e-6 {
				t.Errorf("the step of both is %+v, want one from %v", iv, tt.first)
			}
		})
	}
}

// A sum over fewer workers would look as if all had used less, and then as much again.
func TestWhatTheToolUsesIsOfAllWorkersOrNotKnown(t *testing.T) {
	short := sample(0)
	short.Intervals = short.Intervals[:5]
	m := merge(t, short, sample(0))
	for i, iv := range m.Intervals {
		switch {
		case i < 5 && iv.Tool.ResidentBytes != 2000:
			t.Errorf("step %d: %+v", i, iv.Tool)
		case i >= 5 && iv.Tool != NoSample():
			t.Errorf("step %d is of one worker: %+v", i, iv.Tool)
		}
	}
}

func TestLateIntervalIsOfItsWorkerOnlyOnce(t *testing.T) {
	late := sample(0)
	late.Intervals[3].To, late.Intervals[4].From = 4.3, 4.3 // was cut late
	late.Intervals[4].To, late.Intervals[5].From = 4.4, 4.4
	m := merge(t, late, sample(0))
	if len(m.Intervals) != 8 {
		t.Fatalf("%d steps, want 8", len(m.Intervals))
	}
	for i, iv := range m.Intervals {
		want := int64(60)
		if i == 5 {
			want = 30 // the late one has none of its own here
		}
		if iv.Open != want {
			t.Errorf("step %d has %d connections, want %d", i, iv.Open, want)
		}
	}
	if got := m.Intervals[4]; got.Audit.Delivered != 300 || got.Latency.Delivery.Count() != 6 {
		t.Errorf("the step with three intervals has %d deliveries, %d times", got.Audit.Delivered, got.Latency.Delivery.Count())
	}
}

func TestServerThatTwoWorkersWatchedIsInTheResultOnce(t *testing.T) {
	a, b := sample(0), sample(0)
	b.Servers = []Server{{Name: "10.0.0.2:9090", Source: "metrics"}, a.Servers[0]}
	b.Before = []Sample{{ResidentBytes: 5}, {ResidentBytes: 6}}
	for i := range b.Intervals {
		b.Intervals[i].Servers = []Sample{{QueueBytes: 77}, {QueueBytes: 88}}
	}
	for i := range b.Phases {
		b.Phases[i].Servers = []Usage{{CPUSeconds: 100}, {CPUSeconds: 200}}
	}
	m := merge(t, a, b)
	if len(m.Servers) != 2 || m.Servers[0] != a.Servers[0] || m.Servers[1] != b.Servers[0] {
		t.Fatalf("servers %+v", m.Servers)
	}
	if len(m.Before) != 2 || m.Before[0].ResidentBytes != 1<<20 || m.Before[1].ResidentBytes != 5 {
		t.Errorf("before %+v", m.Before)
	}
	iv := m.Intervals[5].Servers
	if len(iv) != 2 || iv[0].QueueBytes != 5 || iv[1].QueueBytes != 77 {
		t.Errorf("in an interval %+v", iv)
	}
	p := m.Phases[1].Servers
	if len(p) != 2 || p[0].CPUSeconds != 2 || p[1].CPUSeconds != 100 {
		t.Errorf("in a phase %+v", p)
	}
}

func TestMergeKeepsWhatWentWrong(t *testing.T) {
	a, b := sample(2*time.Second), sample(0)
	a.Warnings, b.Warnings = []string{"ports are scarce"}, []string{"ports are scarce", "clocks 3 ms apart"}
	b.Ended = "interrupted"
	b.Errors = append(b.Errors, ErrorClass{Class: "ack: timeout", Count: 9, First: 4})
	b.Errors[0].Example = "first of all"
	b.Workers = []Worker{{Address: "b", Lost: "went silent"}}
	m := merge(t, a, b)
	if m.Ended != "interrupted" || len(m.Warnings) != 2 || len(m.Workers) != 1 {
		t.Errorf("ended %q, warnings %q, workers %+v", m.Ended, m.Warnings, m.Workers)
	}
	want := []ErrorClass{{Class: "ack: timeout", Count: 9, First: 4}, {Class: "connect: refused", Count: 4, Example: "first of all", First: 1}}
	if len(m.Errors) != 2 || m.Errors[0] != want[0] || m.Errors[1] != want[1] {
		t.Errorf("errors %+v, want %+v", m.Errors, want)
	}
	if !m.Started.Equal(b.Started) || m.Seconds != 10 || m.Phases[1].From != 3 || m.Phases[1].To != 9 {
		t.Errorf("from %v for %v s; load from %v to %v", m.Started, m.Seconds, m.Phases[1].From, m.Phases[1].To)
	}
}

func TestNothingAndDamagedPartsAreNotMerged(t *testing.T) {
	if _, err := Merge(nil); err == nil {
		t.Error("no parts were merged")
	}
	bad := sample(0)
	bad.Servers = nil
	if _, err := Merge([]*Result{sample(0), bad}); err == nil {
		t.Error("a damaged part was merged")
	}
}

func TestMergedResultSurvivesItsFile(t *testing.T) {
	m := merge(t, sample(0), sample(time.Second))
	if got := merge(t, m); text(t, got) != text(t, m) {
		t.Error("merging one result changes it")
	}
}
