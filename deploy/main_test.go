// Package deploy holds the files that deploy the gateway to what the gateway is: the
// manifests are built and decoded into the types of Kubernetes, numbers that depend on
// each other are compared, every setting is given to the gateway's own parser, and the
// stack of docker-compose.yml is started and used.
//
// It is a module of its own: what it needs to read manifests is no business of those
// who import the gateway's packages.
package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// root is the repository, seen from this package.
const root = ".."

// program is the gateway. Immutable once TestMain has built it.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "causeway-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "gateway")
	build := exec.Command("go", "build", "-o", program, "./cmd/gateway")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "deploy: build the gateway: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "deploy: goroutines left behind:", err)
			return 1
		}
	}
	return code
}

// gateway runs the gateway's own command with nothing in its environment but environ,
// and returns what it said.
func gateway(t *testing.T, environ []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// settings are what the gateway does where nothing is said, by flag.
func settings(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  --([a-z-]+)=(\S+) +GATEWAY_`).FindAllStringSubmatch(help(t), -1) {
		all[m[1]] = m[2]
	}
	if len(all) == 0 {
		t.Fatal("the help lists no settings")
	}
	return all
}

func help(t *testing.T) string {
	t.Helper()
	out, err := gateway(t, nil, "--help")
	if err != nil {
		t.Fatalf("--help: %v\n%s", err, out)
	}
	return out
}

// stopSlack is what a stop may take beyond the delay and the window, as the help says.
func stopSlack(t *testing.T) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`both times and (\S+) more`).FindStringSubmatch(help(t))
	if m == nil {
		t.Fatal("the help does not say how long a stop takes")
	}
	return duration(t, m[1])
}

// silence is how long a connection may be silent before the gateway ends it.
func silence(t *testing.T) time.Duration {
	t.Helper()
	s := settings(t)
	return duration(t, s["ping-interval"]) + duration(t, s["ping-timeout"])
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// skip skips a test for want of a tool, but fails it in CI, where nothing may be left
// out.
func skip(t *testing.T, format string, args ...any) {
	t.Helper()
	reason := fmt.Sprintf(format, args...)
	if os.Getenv("CI") == "true" {
		t.Fatalf("not run: %s", reason)
	}
	t.Skip(strings.TrimSpace(reason))
}
