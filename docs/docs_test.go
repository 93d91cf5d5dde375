// Package docs holds the documentation to the code: what it shows compiles, what
// it tells to run runs, and the flags that it names exist.
package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository, seen from this package.
const root = ".."

// pages returns the text of every Markdown file outside node_modules, by its path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(text)
		}
	}
	if len(texts) == 0 {
		t.Fatal("no pages found")
	}
	return texts
}

// run returns what a shell says to a script in the repository.
func run(t *testing.T, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%s: %v", script, out, err)
	}
	return string(out)
}

var goBlock = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")

func TestProgramsInPagesCompile(t *testing.T) {
	found := 0
	for path, text := range pages(t) {
		for _, m := range goBlock.FindAllStringSubmatch(text, -1) {
			found++
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(m[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Log(path)
			run(t, fmt.Sprintf("go vet %q && test -z \"$(gofmt -l %[1]q)\"", file))
		}
	}
	if found == 0 {
		t.Error("no page shows a program")
	}
}

func TestReadmeShowsTheExampleOfSocketio(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(root, "pkg/socketio/example_readme_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(example), "func Example() {\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	if readme := pages(t)[filepath.Join(root, "README.md")]; body == "" || !strings.Contains(readme, "func main() {\n"+body+"\n}\n") {
		t.Errorf("README.md lacks the body of pkg/socketio's Example:\n%s", body)
	}
}

var runnable = regexp.MustCompile("(?s)<!-- run -->\n```sh\n(.*?)```")

func TestCommandsInPagesRun(t *testing.T) {
	found := 0
	for _, text := range pages(t) {
		for _, m := range runnable.FindAllStringSubmatch(text, -1) {
			found++
			run(t, m[1])
		}
	}
	if found == 0 {
		t.Error("no page has a command to run")
	}
}

var (
	flagName   = regexp.MustCompile("`--([a-z][a-z-]*)")
	targetName = regexp.MustCompile("(?m)`make ([a-z]+)|^make ([a-z]+)")
)

func TestFlagsInPagesExist(t *testing.T) {
	help := run(t, "make build && bin/gateway --help && for c in run search worker compare; do bin/loadtest $c --help; done")
	for path, text := range pages(t) {
		for _, m := range flagName.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(help, "--"+m[1]) {
				t.Errorf("%s names --%s, which no help does", path, m[1])
			}
		}
	}
}

func TestMakeTargetsInPagesExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range pages(t) {
		for _, m := range targetName.FindAllStringSubmatch(text, -1) {
			if !bytes.Contains(makefile, []byte("\n"+m[1]+m[2]+":")) {
				t.Errorf("%s names make %s, which the Makefile lacks", path, m[1]+m[2])
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	for path, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			}
		}
	}
}

// Whoever looks for a message of the log finds the one that there is.
func TestMessagesInPagesAreLogged(t *testing.T) {
	page, err := os.ReadFile("operating.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := run(t, "find internal pkg cmd -name '*.go' ! -name '*_test.go' -exec cat {} +")
	_, table, _ := strings.Cut(string(page), "| message | level | when |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	found := 0
	for row := range strings.Lines(table) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(strings.SplitN(row, "|", 3)[1], -1) {
			found++
			if !strings.Contains(sources, `"`+m[1]+`"`) {
				t.Errorf("no program logs %q", m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no messages found")
	}
}
