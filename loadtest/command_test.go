package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// invoke runs the command, which is expected to end by itself.
func invoke(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	status = run(ctx, args, &out, &errs)
	return status, out.String(), errs.String()
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelpFitsATerminal(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"run", "--help"}, {"search", "--help"}, {"worker", "--help"}, {"compare", "-h"}, {"scenarios", "--help"}, {"version", "--help"}, {"scenarios"}, {"version"}} {
		status, out, errs := invoke(t, args...)
		if status != exitOK || errs != "" || out == "" {
			t.Errorf("%v: exit status %d, %q on stderr", args, status, errs)
		}
		for line := range strings.SplitSeq(out, "\n") {
			if n := len([]rune(line)); n > columns {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
	}
}

func TestHelpNamesEveryCommandFlagAndScenario(t *testing.T) {
	_, all, _ := invoke(t, "--help")
	for _, name := range []string{"run", "search", "worker", "compare", "scenarios", "version", "Exit status: 0", "Examples:"} {
		if !strings.Contains(all, name) {
			t.Errorf("--help does not name %s", name)
		}
	}
	_, help, _ := invoke(t, "run", "--help")
	flags := reflect.TypeFor[runFlags]()
	if listed := strings.Count(help, "\n  --"); listed != flags.NumField() {
		t.Errorf("run --help lists %d flags of %d", listed, flags.NumField())
	}
	_, help, _ = invoke(t, "search", "--help")
	if listed, all := strings.Count(help, "\n  --"), flags.NumField()+reflect.TypeFor[searchCommand]().NumField()-1; listed != all {
		t.Errorf("search --help lists %d flags of %d", listed, all)
	}
	for name := range ofSearch {
		if !strings.Contains(help, "--"+name) {
			t.Errorf("there is a text for --%s, which search does not have", name)
		}
	}
	_, scenarios, _ := invoke(t, "scenarios")
	for _, s := range plan.Scenarios {
		if !strings.Contains(scenarios, "\n"+s.Name+"\n") && !strings.HasPrefix(scenarios, s.Name+"\n") {
			t.Errorf("%s is not explained", s.Name)
		}
	}
}

// TestEveryFlagOfAPlanIsOneOfRun holds the names of the two packages together: what
// the values come to is package plan's to test.
func TestEveryFlagOfAPlanIsOneOfRun(t *testing.T) {
	for _, name := range plan.FlagNames() {
		cmd, err := parse([]string{"run", "--" + name + "=a,b", "--" + name, "-1"}, io.Discard)
		switches := []string{"insecure", "binary", "ack-publish"}
		if slices.Contains(switches, name) {
			cmd, err = parse([]string{"run", "--" + name, "--" + name + "=false"}, io.Discard)
		}
		if err != nil {
			t.Errorf("--%s: %v", name, err)
			continue
		}
		want := []string{"a,b", "-1"}
		if slices.Contains(switches, name) {
			want = []string{"true", "false"}
		}
		if got := cmd.(*runCommand).given; !reflect.DeepEqual(got, plan.Flags{name: want}) {
			t.Errorf("--%s: the plan gets %v", name, got)
		}
	}
}

func TestRefusalIsOneLineWithStatusTwo(t *testing.T) {
	plan := writeFile(t, "groups: [{scenario: chat}]\nurl: localhost\n")
	short := writeFile(t, "too short")
	expecting := writeFile(t, "groups: [{scenario: chat}]\nexpect: lots=0\n")
	notAResult := writeFile(t, "{}")
	for _, tt := range []struct {
		name string
		args string // split at spaces
		want []string
	}{
		{"unknown command", "start", []string{"start", "run, search, worker, compare, scenarios, version"}},
		{"flag without a command", "--scenario=chat", []string{"--scenario", "run, search, worker, compare"}},
		{"unknown flag", "run --scenarios", []string{"--scenarios", "--scenario", "run --help"}},
		{"argument of run", "run --scenario chat now", []string{"now", "flags"}},
		{"argument of version", "version now", []string{"now", "flags"}},
		{"flag without value", "run --url", []string{"--url", "value"}},
		{"no scenario", "run", []string{"--scenario", "--file", "mixed"}},
		{"scenario", "run --scenario=chats", []string{`--scenario="chats"`, "idle, fanout, chat, ack, churn, storm, slow, mixed"}},
		{"URL", "run --scenario=chat --url=localhost:3000", []string{"--url", "localhost:3000", "http://host:port"}},
		{"URL of nowhere", "run --scenario=chat --url=http://name.invalid:3000", []string{"--url", "name.invalid"}},
		{"number", "run --scenario=chat --clients=many", []string{`--clients="many"`, "whole number"}},
		{"duration", "run --scenario=chat --duration 30", []string{`--duration="30"`, "30s"}},
		{"expectation", "run --scenario=chat --expect=delivery_p98<5ms", []string{"--expect", "delivery_p98", "p99"}},
		{"unit of an expectation", "run --scenario=chat --expect=delivery_p99<5", []string{"--expect", "delivery_p99<5", "ms"}},
		{"file of a plan", "run --file=/does/not/exist", []string{"--file", "/does/not/exist", "YAML"}},
		{"two files", "run --file=a --file=b", []string{"--file", "once"}},
		{"file with a mistake", "run --file=" + plan, []string{plan + ":2:", "url[0]", `"localhost"`}},
		{"expectation in a file", "run --file=" + expecting, []string{expecting, "expect", "lots", "lost"}},
		{"flag beside a file", "run --rate=3 --file=" + plan, []string{`--rate="3"`, "in the file"}},
		{"directory for a report", "run --scenario=chat --html=" + t.TempDir(), []string{"--html", "directory"}},
		{"report into nowhere", "run --scenario=chat --json=/does/not/exist.json", []string{"--json", "/does/not/exist.json", "written"}},
		{"one file for two", "run --scenario=chat --json=x --csv=x", []string{`--csv="x"`, "--json"}},
		{"two for stdout", "run --scenario=chat --json=- --csv=-", []string{`--csv="-"`, "--json"}},
		{"file without name", "run --scenario=chat --csv=", []string{"--csv", `""`}},
		{"too many clients", "run --scenario=idle --clients=9999999", []string{"RLIMIT_NOFILE", "9999999"}},
		{"somebody's address", "run --scenario=idle --source=192.0.2.7", []string{`--source="192.0.2.7"`, "this machine"}},
		{"address for metrics", "run --scenario=idle --prometheus-listen=nowhere", []string{`--prometheus-listen="nowhere"`, ":9101"}},
		{"switch", "run --scenario=idle --quiet=sure", []string{`--quiet="sure"`, "true or false"}},
		{"other switch", "run --scenario=idle --dry-run=sure", []string{`--dry-run="sure"`, "true or false"}},
		{"value of two lines", "run --scenario=chat\nidle", []string{"--scenario", "chat"}},
		{"worker's address", "worker --listen=7070", []string{`--listen="7070"`, "host:port"}},
		{"worker for strangers", "worker --listen=:0", []string{`--listen=":0"`, "--worker-key-file", "loopback"}},
		{"worker twice", "worker --listen=:1 --listen=:2", []string{`--listen=":2"`, "once"}},
		{"worker's key", "worker --worker-key-file=/does/not/exist", []string{`--worker-key-file="/does/not/exist"`, "no such file"}},
		{"worker's short key", "worker --worker-key-file=" + short, []string{short, "16", "openssl rand"}},
		{"address of a worker", "run --scenario=idle --workers=localhost", []string{`--workers="localhost"`, "host:port"}},
		{"worker named twice", "run --scenario=idle --workers=localhost:1,localhost:1", []string{`--workers="localhost:1"`, "once"}},
		{"worker elsewhere", "run --scenario=idle --workers=192.0.2.7:7070", []string{`"192.0.2.7:7070"`, "--worker-key-file"}},
		{"nobody who works", "run --scenario=idle --workers=127.0.0.1:1", []string{"127.0.0.1:1", "loadtest worker"}},
		{"timeout of workers", "run --scenario=idle --workers=127.0.0.1:1 --worker-timeout=1", []string{`--worker-timeout="1"`, "5m"}},
		{"key without workers", "run --scenario=idle --worker-key-file=x", []string{"--worker-key-file", "--workers"}},
		{"compare of nothing", "compare", []string{"A.json B.json"}},
		{"compare of one", "compare a.json", []string{"A.json B.json"}},
		{"compare of three", "compare a b c", []string{"c", "two files"}},
		{"compare of what is missing", "compare /does/not/exist /neither", []string{"/does/not/exist"}},
		{"compare of something else", "compare " + notAResult + " " + notAResult, []string{notAResult, "--json"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := invoke(t, strings.Split(tt.args, " ")...)
			if status != exitNoRun {
				t.Errorf("exit status %d, want %d", status, exitNoRun)
			}
			if strings.Count(errs, "\n") != 1 || !strings.HasSuffix(errs, "\n") || out != "" {
				t.Errorf("want one line on stderr and none on stdout, got %q and %q", errs, out)
			}
			for _, part := range tt.want {
				if !strings.Contains(errs, part) {
					t.Errorf("%q does not name %q", errs, part)
				}
			}
		})
	}
}

func TestDryRunPrintsAPlanThatIsTheSame(t *testing.T) {
	for _, s := range plan.Scenarios {
		status, first, errs := invoke(t, "run", "--dry-run", "--scenario="+s.Name, "--clients=40", "--header=X-A: b")
		if status != exitOK {
			t.Fatalf("%s: %s", s.Name, errs)
		}
		status, second, errs := invoke(t, "run", "--dry-run", "--file="+writeFile(t, first))
		if status != exitOK || first != second {
			t.Errorf("%s: %s\n%s\n%s", s.Name, errs, first, second)
		}
	}
}
