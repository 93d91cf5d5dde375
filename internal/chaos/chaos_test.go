package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/checker"
)

// needRedis skips the test where there is no Redis to kill, but in CI nothing is.
func needRedis(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("redis-server is not installed")
	}
	t.Skip("redis-server is not installed")
}

// build returns a gateway.
func build(t *testing.T, tags string, race bool) string {
	t.Helper()
	w := &world{dir: t.TempDir(), cfg: config{Tags: tags, Race: race}}
	if err := w.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.gateway
}

// short is a run that a test can wait for.
func short(gateway string) config {
	return config{
		Clients: 30, Nodes: 3, Duration: 15 * time.Second, Seed: 1, Rate: 60, Scale: 0.1, Recovery: 2 * time.Minute,
		Fsync: "always", Quiet: time.Minute, Gateway: gateway,
	}
}

// tried makes a run, whose logs end with the test.
func tried(t *testing.T, cfg config) *result {
	t.Helper()
	r, err := run(t.Context(), cfg, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(r.dir) })
	return r
}

// The short form of make chaos, with faults of every kind.
func TestPromisesAreKeptWhileThingsFail(t *testing.T) {
	t.Parallel()
	needRedis(t)
	cfg := short(build(t, "", true))
	cfg.MinRecovered = 0.5
	r := tried(t, cfg)
	if r.failed() {
		t.Error("a promise was broken")
	}
	var report bytes.Buffer
	r.report(&report, cfg)
	t.Log(report.String())
	if r.verdict.Recovered == 0 || len(r.faults) < len(shapes)/2 {
		t.Errorf("%d recovered from %d kinds of faults", r.verdict.Recovered, len(r.faults))
	}
}

// What keeps the promises is taken away, one at a time, and the checker finds it out.
func TestBrokenPromisesAreFound(t *testing.T) {
	t.Parallel()
	needRedis(t)
	gateway := build(t, "sabotage", false)
	for what, c := range map[string]struct {
		only  string
		scale float64
		set   func(*config)
		want  []checker.Kind // one of them
	}{
		"catch-up": {"lose-redis,drop-pubsub", 0.03, func(*config) {}, []checker.Kind{checker.SilentLoss}},
		// Something must be on its way while a node catches up.
		"dedupe": {"drop-pubsub", 0.02, func(c *config) { c.Rate = 300 }, []checker.Kind{checker.Twice}},
		// Somebody else must write to the session of one that has changed its rooms.
		"fencing": {"switch", 0.01, func(c *config) {
			c.Recovery, c.ChangeEvery, c.Duration = 2*time.Second, 500*time.Millisecond, 10*time.Second
		}, []checker.Kind{checker.SilentLoss, checker.Outside}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			cfg := short(gateway)
			cfg.Only, cfg.Scale, cfg.Rate, cfg.Duration, cfg.Quiet = c.only, c.scale, 100, 6*time.Second, 5*time.Second
			c.set(&cfg)
			cfg.sabotage(what)
			r := tried(t, cfg)
			t.Logf("%s", r.verdict)
			found := slices.IndexFunc(c.want, func(k checker.Kind) bool { return r.verdict.Broken[k] > 0 })
			if found < 0 {
				t.Fatalf("%q was not found", c.want)
			}
			var report bytes.Buffer
			r.report(&report, cfg)
			for _, text := range []string{"FAILED with seed 1", string(c.want[found]) + ": client", "timeline:", " begins"} {
				if !bytes.Contains(report.Bytes(), []byte(text)) {
					t.Errorf("no %q in the report:\n%s", text, &report)
				}
			}
		})
	}
}
