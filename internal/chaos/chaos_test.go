package main

import (
	"bytes"
	"os"
	"os/exec"
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

// short is a run that a test can wait for.
func short() config {
	return config{
		Clients: 30, Nodes: 3, Duration: 12 * time.Second, Seed: 1, Rate: 60, Scale: 0.1,
		Fsync: "always", Quiet: 30 * time.Second, Race: true,
	}
}

// Without recovery a cluster loses messages in silence when Redis drops its subscribers. That is
// how this run looks when promises are broken.
func TestLossOfAServiceWithoutRecoveryIsFound(t *testing.T) {
	t.Parallel()
	needRedis(t)
	cfg := short()
	cfg.Duration, cfg.Rate, cfg.Only = 4*time.Second, 200, "lose-redis,drop-pubsub"
	r, err := run(t.Context(), cfg, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(r.dir) })
	if r.verdict.Broken[checker.SilentLoss] == 0 || !r.failed() {
		t.Errorf("nothing was lost:\n%s", r.verdict)
	}
	var report bytes.Buffer
	r.report(&report, cfg)
	for _, text := range []string{"FAILED with seed 1", "silently lost: client", "drop-pubsub 0.000 s begins", "came first at"} {
		if !bytes.Contains(report.Bytes(), []byte(text)) {
			t.Errorf("no %q in the report:\n%s", text, &report)
		}
	}
}
