package main

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/gateway"
)

// recoveryOf reads the recovery of single namespaces from a file, after settings on the
// left margin.
func recoveryOf(t *testing.T, top, section string) (map[string]gateway.Recovery, error) {
	t.Helper()
	cmd, err := parse([]string{"--config", writeFile(t, top+"\nrecovery_namespaces:\n  "+section+"\n")}, sources{sections: allSections}, io.Discard)
	return cmd.cfg.RecoveryOf, err
}

func TestRecoveryOfANamespaceIsThatOfAllButForWhatItSays(t *testing.T) {
	got, err := recoveryOf(t, "recovery: 2m\nrecovery_max_bytes: 5000", strings.Join([]string{
		"/: {}",
		"/chat: {window: 30s, max_events: 7}",
		"/log: {max_bytes: 8}",
		"/prices: {window: 0s}",
	}, "\n  "))
	want := map[string]gateway.Recovery{
		"/":       {Window: 2 * time.Minute, MaxEvents: 1000, MaxBytes: 5000},
		"/chat":   {Window: 30 * time.Second, MaxEvents: 7, MaxBytes: 5000},
		"/log":    {Window: 2 * time.Minute, MaxEvents: 1000, MaxBytes: 8},
		"/prices": {MaxEvents: 1000, MaxBytes: 5000},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestNothingIsRecoveredUnlessItIsSaid(t *testing.T) {
	cmd, err := parse(nil, sources{}, io.Discard)
	want := gateway.Recovery{MaxEvents: 1000, MaxBytes: 1 << 20}
	if err != nil || cmd.cfg.Recovery != want || cmd.cfg.RecoveryOf != nil {
		t.Errorf("%+v, %+v, %v", cmd.cfg.Recovery, cmd.cfg.RecoveryOf, err)
	}
}

func TestImpossibleRecoveryIsRefused(t *testing.T) {
	cluster := "dev: true\nredis_url: redis://:hunter2@a:6379,b:6379"
	for _, tt := range []struct{ top, section, want string }{
		{"", "/chat: {window: -1s}", "recovery_namespaces./chat.window: "},
		{"", "/chat: {window: 500ms}", "from 1s to 24h"},
		{"", "/chat: {window: 25h}", "recovery_namespaces./chat.window: "},
		{"", "/chat: {max_events: 0}", "from 1 to 16384"},
		{"", "/chat: {max_bytes: 2000000000}", "from 1 to 1073741824"},
		{"", "/chat: 2m", "want keys below it"},
		{"", "/chat: {windows: 2m}", "allowed: window, max_events, max_bytes"},
		{"", "chat: {window: 2m}", `"chat"; want a name such as / or /chat`},
		{cluster, "/chat: {window: 2m}", "Redis Cluster"},
	} {
		if _, err := recoveryOf(t, tt.top, tt.section); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q in it", tt.section, err, tt.want)
		}
	}
	if _, err := recoveryOf(t, cluster, "/chat: {window: 0s, max_events: 5}"); err != nil {
		t.Errorf("off with a Redis Cluster: %v", err)
	}
}

func TestLimitThatIsNeverReachedIsWarnedOf(t *testing.T) {
	for args, want := range map[string]int{
		"--recovery=2m --recovery-max-bytes=2000000":                     1,
		"--recovery=2m --recovery-max-bytes=2000000 --max-queue=2000000": 0,
		"--recovery-max-bytes=2000000":                                   0,
		"--recovery=2m":                                                  0,
	} {
		cmd, err := parse(strings.Fields(args), sources{}, io.Discard)
		if err != nil || len(cmd.cfg.Warnings) != want || want > 0 && !strings.Contains(cmd.cfg.Warnings[0], "1048576") {
			t.Errorf("%s: %v, %v", args, cmd.cfg.Warnings, err)
		}
	}
}
