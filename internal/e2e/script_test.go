package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// options are what a scenario in js/ is told; its own keys come beside the fixed ones.
type options map[string]any

// script is a running scenario: one Node.js process with official clients.
type script struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan said // closed at the end of its output
	err   logBuffer

	patience time.Duration // with the script's silence
}

// said is one line of a scenario's output.
type said struct {
	Say   string   `json:"say"`
	ID    string   `json:"id"`
	Error string   `json:"error"`
	Trace []string `json:"trace"`

	Account account     `json:"account"` // of talkWhileANodeIsIll
	Rollout rolloutSeen `json:"rollout"` // of clientsDuringARollout

	Recovery recoverySeen `json:"recovery"` // of membersLiveThroughIt
}

// startScript starts a scenario against url. The process ends with the test.
func startScript(t *testing.T, name, url string, more options) *script {
	t.Helper()
	needNode(t)
	all := options{"url": url, "unique": fmt.Sprintf("%08x", rand.Uint32())}
	maps.Copy(all, more)
	encoded, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, name: name, cmd: exec.Command("node", "run.mjs", name, string(encoded)), lines: make(chan said, 64), patience: time.Minute}
	s.cmd.Dir = "js"
	s.cmd.Stderr = &s.err
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.read(stdout)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-read
		_ = s.cmd.Wait()
	})
	return s
}

func (s *script) read(stdout io.Reader) {
	defer close(s.lines)
	scanner := bufio.NewScanner(stdout)
	scanner.Buffer(nil, 4<<20)
	for scanner.Scan() {
		var line said
		if json.Unmarshal(scanner.Bytes(), &line) != nil {
			line = said{Say: "unreadable", Error: scanner.Text()}
		}
		select {
		case s.lines <- line:
		case <-time.After(time.Minute): // nobody listens: the test is over
			return
		}
	}
}

// expect waits for the scenario's next line, which must say what.
func (s *script) expect(what string) said {
	s.t.Helper()
	select {
	case line, open := <-s.lines:
		switch {
		case !open:
			s.t.Fatalf("%s ended before it said %q\n%s", s.name, what, s.err.String())
		case line.Say != what:
			s.t.Fatalf("%s said %q, expected %q\n%s\n%s\n%s", s.name, line.Say, what, line.Error, strings.Join(line.Trace, "\n"), s.err.String())
		}
		return line
	case <-time.After(s.patience):
		s.t.Fatalf("%s was silent for %v, expected %q", s.name, s.patience, what)
		return said{}
	}
}

// tell sends the line that the scenario waits for.
func (s *script) tell(what string) {
	s.t.Helper()
	if _, err := io.WriteString(s.stdin, what+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// runScript runs a scenario to its end.
func runScript(t *testing.T, name, url string, more options) {
	t.Helper()
	startScript(t, name, url, more).expect("passed")
}

// kinds are the official clients and the ways they travel.
var kinds = func() (all []options) {
	for _, client := range []string{"4", "3"} {
		for _, transport := range []string{"polling", "websocket", "upgrade"} {
			all = append(all, options{"client": client, "transport": transport})
		}
	}
	return all
}()

// forEveryKind runs a scenario once for each kind of client, as parallel subtests.
func forEveryKind(t *testing.T, name, url string, more options) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(fmt.Sprintf("client %s.x %s", kind["client"], kind["transport"]), func(t *testing.T) {
			t.Parallel()
			all := maps.Clone(kind)
			maps.Copy(all, more)
			runScript(t, name, url, all)
		})
	}
}
