package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asCommand makes the test binary be the command.
const asCommand = "CAUSEWAY_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// process is a running gateway.
type process struct {
	*exec.Cmd
	line             string // what it said when it served
	public, internal string // URLs
	rest             *bufio.Reader
}

const patience = 20 * time.Second

// launch starts the command on free ports and waits for its line.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stderr = io.Discard
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		watchdog.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	p := &process{Cmd: cmd, rest: bufio.NewReader(stdout)}
	if p.line, err = p.rest.ReadString('\n'); err != nil {
		t.Fatalf("no line: %v", err)
	}
	found := lineForm.FindStringSubmatch(p.line)
	if found == nil {
		t.Fatalf("the line is %q", p.line)
	}
	p.public, p.internal = found[1], found[2]
	return p
}

var lineForm = regexp.MustCompile(`^gateway serving (http://127\.0\.0\.1:\d+)/socket\.io/, internal (http://127\.0\.0\.1:\d+), node [A-Za-z0-9_-]{4}, adapter memory(?:; demo page: (http://127\.0\.0\.1:\d+)/)?\n$`)

func TestOneLineSaysWhereItServes(t *testing.T) {
	p := launch(t, "--dev")
	for url, want := range map[string]int{
		p.public + "/": 200, // the demo page
		p.public + "/socket.io/?EIO=4&transport=polling": 200,
		p.internal + "/livez":                            200,
		p.internal + "/readyz":                           200,
		p.internal + "/metrics":                          200,
		p.internal + "/":                                 404,
		p.public + "/metrics":                            404,
		p.public + "/readyz":                             404,
	} {
		if got := status(t, url); got != want {
			t.Errorf("%s: %d, want %d", url, got, want)
		}
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	more, _ := io.ReadAll(p.rest)
	if err := p.Wait(); err != nil || len(more) > 0 {
		t.Errorf("ended with %v and %q on stdout after its line", err, more)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := launch(t, "--drain-delay=10m")
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); status(t, p.internal+"/readyz") != http.StatusServiceUnavailable; {
		if time.Now().After(deadline) {
			t.Fatal("the first signal did not begin a drain")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := p.Wait()
	if state, _ := p.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() || state.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, want by the signal", err)
	}
}

func TestAddressInUseIsOneLine(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, flag := range []string{"--listen", "--internal-listen"} {
		args := []string{"--listen=127.0.0.1:0", "--internal-listen=127.0.0.1:0", flag + "=" + ln.Addr().String()}
		var stdout, stderr strings.Builder
		if got := run(t.Context(), args, nil, &stdout, &stderr); got != exitFailed {
			t.Errorf("exit status %d, want %d", got, exitFailed)
		}
		want := fmt.Sprintf("gateway: %s=%q: ", flag, ln.Addr())
		if line := stderr.String(); !strings.HasPrefix(line, want) || !strings.Contains(line, "address already in use") || strings.Count(line, "\n") != 1 || stdout.Len() > 0 {
			t.Errorf("stderr %q, stdout %q; want one line that begins with %q", line, stdout.String(), want)
		}
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}
