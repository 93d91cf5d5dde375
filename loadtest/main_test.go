package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
)

// asCommand makes the test binary be the command.
const asCommand = "CAUSEWAY_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

const patience = 20 * time.Second

// process is a running command.
type process struct {
	*exec.Cmd
	output io.Reader // of both
	said   strings.Builder
}

func launch(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, args...)}
	p.Env = append(os.Environ(), asCommand+"=1")
	if p.output, err = p.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	p.Stderr = p.Stdout
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(patience, func() { _ = p.Process.Kill() })
	t.Cleanup(func() {
		watchdog.Stop()
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	return p
}

// until reads what the command says up to a text.
func (p *process) until(t *testing.T, text string) {
	t.Helper()
	b := make([]byte, 1024)
	for !strings.Contains(p.said.String(), text) {
		n, err := p.output.Read(b)
		p.said.Write(b[:n])
		if err != nil {
			t.Fatalf("it never said %q: %v\n%s", text, err, p.said.String())
		}
	}
}

func (p *process) interrupt(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// end waits for the end.
func (p *process) end(t *testing.T) *os.ProcessState {
	t.Helper()
	rest, err := io.ReadAll(p.output)
	if err != nil {
		t.Fatal(err)
	}
	p.said.Write(rest)
	_ = p.Wait()
	return p.ProcessState
}

func TestFirstInterruptEndsWithAReport(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	p := launch(t, "run", "--scenario=fanout", "--clients=5", "--duration=1h", "--interval=100ms", "--url="+server.URL())
	p.until(t, "delivery_p99")
	p.interrupt(t)
	if state := p.end(t); state.ExitCode() != exitOK || !strings.Contains(p.said.String(), "fanout on "+server.URL()) {
		t.Errorf("%v: %s", state, p.said.String())
	}
}

// TestSecondInterruptEndsAtOnce has a server that delivers nothing, so that the clean
// end that the first one begins takes an hour.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{Lose: 1})
	p := launch(t, "run", "--scenario=fanout", "--clients=5", "--duration=1h", "--interval=100ms", "--drain=1h", "--url="+server.URL())
	p.until(t, "published/s")
	p.interrupt(t)
	p.until(t, "stop: stop")
	p.interrupt(t)
	state := p.end(t)
	if status, ok := state.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v: %s", state, p.said.String())
	}
}
