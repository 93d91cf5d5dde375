package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	yamlBlock = regexp.MustCompile("(?s)```yaml\n(url:.*?)```")
	shBlock   = regexp.MustCompile("(?s)```sh\n(.*?)```")
)

// The load tool checks what the page shows, as far as it can without a server.
func TestLoadTestsInPagesAreValid(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "loadtest")
	run(t, "go build -o "+tool+" ./loadtest")
	for _, secret := range []string{"secret.txt", "worker.key"} {
		if err := os.WriteFile(filepath.Join(dir, secret), []byte("0123456789abcdef0123456789abcdef"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dryRun := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), tool, append(args, "--dry-run")...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	files, commands := 0, 0
	for _, text := range pages(t) {
		for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
			files++
			if err := os.WriteFile(filepath.Join(dir, "evening.yaml"), []byte(m[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			dryRun("run", "--file", "evening.yaml")
		}
	}
	for _, text := range pages(t) {
		for _, m := range shBlock.FindAllStringSubmatch(text, -1) {
			for _, line := range strings.Split(strings.ReplaceAll(m[1], "\\\n", " "), "\n") {
				rest, ok := strings.CutPrefix(line, "go run ./loadtest run ")
				if !ok {
					continue
				}
				commands++
				out := run(t, `printf '%s\n' `+rest) // as the shell takes it apart
				dryRun(append([]string{"run"}, strings.Split(strings.TrimSpace(out), "\n")...)...)
			}
		}
	}
	if files == 0 || commands == 0 {
		t.Errorf("%d files and %d commands in the pages", files, commands)
	}
}
