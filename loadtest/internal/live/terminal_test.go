//go:build unix

package live

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/causeway-rt/causeway/internal/terminal"
)

// onTerminal is a program on a terminal of its own.
type onTerminal struct {
	*testing.T
	cmd  *exec.Cmd
	tty  *os.File
	gone chan struct{} // the terminal has nothing more to say

	mu     sync.Mutex
	screen *terminal.Screen // guarded by mu
	news   chan struct{}    // of one: the screen has changed
}

// runAs starts this test binary as a program, and waits until it says that it is ready.
func runAs(t *testing.T, how string) *onTerminal {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"="+how, "TERM=xterm", "LC_ALL=C.UTF-8", "NO_COLOR=")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 100, Rows: 50})
	if err != nil {
		t.Fatal(err)
	}
	o := &onTerminal{T: t, cmd: cmd, tty: tty, gone: make(chan struct{}), screen: terminal.New(100, 50), news: make(chan struct{}, 1)}
	go o.read()
	t.Cleanup(func() {
		tty.Close()
		<-o.gone
	})
	return o
}

func (o *onTerminal) read() {
	defer close(o.gone)
	b := make([]byte, 4096)
	for {
		n, err := o.tty.Read(b)
		o.mu.Lock()
		_, _ = o.screen.Write(b[:n])
		o.mu.Unlock()
		select {
		case o.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// see waits until text is seen, and returns all that is.
func (o *onTerminal) see(text string) string {
	o.Helper()
	late := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		all := strings.Join(o.screen.Lines(), "\n")
		o.mu.Unlock()
		if strings.Contains(all, text) {
			return all
		}
		select {
		case <-o.news:
		case <-late:
			o.Fatalf("no %q in\n%s", text, all)
		}
	}
}

// end waits for the program's end.
func (o *onTerminal) end() *os.ProcessState {
	o.Helper()
	if err := o.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		o.Fatal(err)
	}
	return o.cmd.ProcessState
}

func (o *onTerminal) press(key string) {
	o.Helper()
	if _, err := io.WriteString(o.tty, key); err != nil {
		o.Fatal(err)
	}
}

func (o *onTerminal) modes() *term.State {
	o.Helper()
	state, err := term.GetState(int(o.tty.Fd()))
	if err != nil {
		o.Fatal(err)
	}
	return state
}

func (o *onTerminal) unknown() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.screen.Unknown
}

const ctrlC = "\x03"

func TestCtrlCEndsTheRunAndLeavesTheLastFrame(t *testing.T) {
	o := runAs(t, "run")
	before := o.modes()
	o.see("ready")
	if !reflect.DeepEqual(o.modes(), before) {
		t.Error("the view has changed the terminal's modes")
	}
	o.press(ctrlC)
	all := o.see("summary")
	if state := o.end(); !state.Success() {
		t.Errorf("ended with %v", state)
	}
	if !strings.Contains(all, "phase 5 of 5") || !strings.Contains(all, "ending\nsummary") {
		t.Errorf("the last frame and then the summary are not seen in\n%s", all)
	}
	<-o.gone
	if u := o.unknown(); len(u) > 0 {
		t.Errorf("sequences that would have to be taken back: %q", u)
	}
}

func TestSecondCtrlCEndsAtOnce(t *testing.T) {
	o := runAs(t, "deaf")
	o.see("ready")
	o.press(ctrlC)
	o.see("ending")
	o.press(ctrlC)
	status, _ := o.end().Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v, want by the signal", o.cmd.ProcessState)
	}
}

func TestPanicLeavesTheTerminalAsItWas(t *testing.T) {
	o := runAs(t, "panic")
	before := o.modes()
	all := o.see("panic: broken on purpose")
	o.end()
	if !reflect.DeepEqual(o.modes(), before) {
		t.Error("the terminal's modes have changed")
	}
	<-o.gone
	if u := o.unknown(); len(u) > 0 {
		t.Errorf("sequences that would have to be taken back: %q", u)
	}
	if !strings.Contains(all, "phase 5 of 5") {
		t.Errorf("the last frame is gone:\n%s", all)
	}
}

func TestDumbTerminalsAndFilesGetLines(t *testing.T) {
	tty, own, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	defer own.Close()
	if !capable(own, environment("TERM=xterm")) {
		t.Error("no frame on a terminal")
	}
	if capable(own, environment("TERM=dumb")) {
		t.Error("a frame on a terminal that cannot move its cursor")
	}
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if capable(file, environment("TERM=xterm")) {
		t.Error("a frame in a file")
	}
}
