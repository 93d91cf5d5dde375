package deploy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clients is where the end-to-end tests have the official clients and what these do.
const clients = "internal/e2e/js"

func needClients(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		skip(t, "node is not installed")
	}
	if _, err := os.Stat(filepath.Join(root, clients, "node_modules/socket.io-client/package.json")); err != nil {
		skip(t, "the official clients are not installed: npm ci in %s", clients)
	}
}

// scenario is a run of internal/e2e/js: one Node.js process with official clients, which
// says what it has come to in lines of JSON.
type scenario struct {
	t      *testing.T
	name   string
	stdin  io.Writer
	stdout *bufio.Scanner
	stderr *bytes.Buffer
}

// said is such a line.
type said struct{ Say, Error string }

// startScenario starts a scenario against url. It ends with the test.
func startScenario(t *testing.T, name, url string, more map[string]any) *scenario {
	t.Helper()
	const seconds = 90 // after which it gives up, with the name of what it waits for
	options := map[string]any{"url": url, "unique": fmt.Sprintf("%08x", rand.Uint32()), "seconds": seconds}
	maps.Copy(options, more)
	encoded, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "run.mjs", name, string(encoded))
	s := &scenario{t: t, name: name, stderr: &bytes.Buffer{}}
	cmd.Dir, cmd.Stderr = filepath.Join(root, clients), s.stderr
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdout = bufio.NewScanner(stdout)
	s.stdout.Buffer(nil, 4<<20)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc((seconds+10)*time.Second, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		watchdog.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return s
}

// expect waits for the scenario's next line, which must say what.
func (s *scenario) expect(what string) said {
	s.t.Helper()
	if !s.stdout.Scan() {
		s.t.Fatalf("%s ended before it said %q\n%s", s.name, what, s.stderr)
	}
	var line said
	if err := json.Unmarshal(s.stdout.Bytes(), &line); err != nil || line.Say != what {
		s.t.Fatalf("%s said %s, expected %q\n%s", s.name, strings.TrimSpace(s.stdout.Text()), what, s.stderr)
	}
	return line
}

// tell sends the line that the scenario waits for.
func (s *scenario) tell(what string) {
	s.t.Helper()
	if _, err := io.WriteString(s.stdin, what+"\n"); err != nil {
		s.t.Fatal(err)
	}
}
