package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// aRun of two nodes: 100 connections, 1,000 deliveries in 4 s.
func aRun() run {
	return run{before: 10 << 20, result: &result.Result{
		Counts: result.Counts{Connected: 100, Attempts: 100},
		Phases: []result.Phase{
			{Kind: plan.Ramp, To: 1, Servers: []result.Usage{{CPUSeconds: .003}, {CPUSeconds: .002}}},
			{Kind: plan.Hold, From: 1, To: 5, Counts: result.Counts{Acks: 400}, Audit: audit.Sums{Delivered: 1000},
				Servers: []result.Usage{{CPUSeconds: .01, ResidentBytes: 6 << 20}, {CPUSeconds: .03, ResidentBytes: 5 << 20}}},
		},
	}}
}

func TestFiguresAreOfTheServersTogether(t *testing.T) {
	for f, want := range map[*figure]float64{
		&memoryPerClient: 10.24, &cpuPerConnect: 50, &cpuPerDelivery: 40, &cpuPerAck: 100, &deliveries: 250, &acks: 100,
	} {
		if got := f.of(aRun()); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s, %s: %v, want %v", f.name, f.unit, got, want)
		}
	}
}

func TestWrongRunsAreToldApart(t *testing.T) {
	if bad := wrong(aRun().result); len(bad) != 0 {
		t.Errorf("nothing is wrong, and it says %v", bad)
	}
	r := aRun().result
	r.Audit.Gap, r.Audit.Lost, r.Counts.ConnectErrors = 2, 3, 7
	if bad := wrong(r); len(bad) != 2 || bad["lost"] != 5 || bad["connections failed"] != 7 {
		t.Errorf("%v", bad)
	}
}

func TestRecordIsReadBackForLaterVersions(t *testing.T) {
	w := rows{Name: "fan1", Figures: map[string]map[string][]float64{}}
	w.add("gateway", []figure{cpuPerDelivery, delivery99}, aRun()) // nothing was timed: no p99
	path := filepath.Join(t.TempDir(), "record.json")
	taken := &record{Version: 1, Taken: time.Now().UTC(), Workloads: []rows{w}}
	if err := taken.write(path); err != nil {
		t.Fatal(err)
	}
	read, err := readRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	now := rows{Name: "fan1", Figures: map[string]map[string][]float64{"cpu": {"gateway": {20, 30, 10}, "node": {40}}}}
	var out strings.Builder
	now.print(&out, workloads[1], []string{"gateway", "node"}, read)
	for _, want := range []string{"gateway        20.0", "node        40.0", "ratio   0.50", "was        40.0 (× 0.50)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
	later := filepath.Join(t.TempDir(), "later.json")
	if err := os.WriteFile(later, []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readRecord(later); err == nil || !strings.Contains(err.Error(), "form 2") {
		t.Errorf("a later form: %v", err)
	}
}

func TestMedianIsTheMiddle(t *testing.T) {
	for _, row := range []struct {
		of   []float64
		want float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}, {[]float64{7}, 7}} {
		if got := median(row.of); got != row.want {
			t.Errorf("of %v: %v", row.of, got)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("of nothing: a number")
	}
}

func TestUnknownWorkloadIsNamed(t *testing.T) {
	if _, err := choose("fan1,nonsense"); err == nil || !strings.Contains(err.Error(), `"nonsense"`) || !strings.Contains(err.Error(), "cluster-paced") {
		t.Errorf("%v", err)
	}
	if got, err := choose("paced,idle"); err != nil || len(got) != 2 || got[0].name != "paced" {
		t.Errorf("%v %v", got, err)
	}
}
