package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// Paths of the programs under test. Immutable once TestMain has run them.
var (
	gatewayProgram string // built with the race detector
	serverProgram  string
	plainProgram   string // the gateway without it, for figures of memory
	nodeMissing    string // why the JavaScript clients can't run; empty if they can
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "causeway-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := buildAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	nodeMissing = prepareNode()
	code := redistest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: goroutines left behind:", err)
			return 1
		}
	}
	return code
}

func buildAll(dir string) error {
	for _, b := range []struct {
		program     *string
		replacement string
		pkg         string
		flags       []string
	}{
		{&gatewayProgram, os.Getenv("CAUSEWAY_E2E_GATEWAY"), "../../cmd/gateway", []string{"-race"}},
		{&plainProgram, os.Getenv("CAUSEWAY_E2E_GATEWAY"), "../../cmd/gateway", nil},
		{&serverProgram, os.Getenv("CAUSEWAY_E2E_SERVER"), "./server", []string{"-race"}},
	} {
		if b.replacement != "" {
			*b.program = b.replacement
			continue
		}
		*b.program = filepath.Join(dir, fmt.Sprintf("%s%d", filepath.Base(b.pkg), len(b.flags)))
		if err := build(*b.program, b.pkg, b.flags...); err != nil {
			return err
		}
	}
	return nil
}

func build(to, pkg string, flags ...string) error {
	args := append([]string{"build", "-o", to}, flags...)
	if out, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// prepareNode installs the clients if that has not been done, and returns why it
// can't be.
func prepareNode() string {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return tool + " is not installed"
		}
	}
	if _, err := os.Stat("js/node_modules/socket.io-client/package.json"); err == nil {
		return ""
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	install.Dir = "js"
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Sprintf("npm ci: %v\n%s", err, out)
	}
	return ""
}

// skip skips a test for want of a tool, but fails it in CI, where nothing may be
// left out.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("not run: %s", reason)
	}
	t.Skip(reason)
}

func needNode(t *testing.T) {
	t.Helper()
	if nodeMissing != "" {
		skip(t, nodeMissing)
	}
}

// program returns the path of an installed tool, or skips the test.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip(t, names[0]+" is not installed")
	return ""
}
