package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a running program that serves Socket.IO: the gateway, or the one in
// server/. It ends with its test.
type server struct {
	t        *testing.T
	program  string
	flags    []string
	public   string // host:port of the Socket.IO listener
	internal string // host:port of health and metrics
	log      *logBuffer

	cmd    *exec.Cmd
	exited chan struct{} // closed once cmd has been waited for
	killed bool          // by the test, so that its exit status says nothing
}

// Timings for tests that wait for timeouts: the values of the official suites.
var quick = []string{
	"--ping-interval", "300ms", "--ping-timeout", "1s", // a raced server and its clients share two cores with other tests
	"--connect-timeout", "1s", "--upgrade-timeout", "1s",
}

// startGateway starts the gateway with --dev and more flags.
func startGateway(t *testing.T, flags ...string) *server {
	t.Helper()
	return start(t, gatewayProgram, append([]string{"--dev"}, flags...)...)
}

// startStrict starts the gateway as it is without --dev, but for its drain, which
// a test does not wait for.
func startStrict(t *testing.T, flags ...string) *server {
	t.Helper()
	return start(t, gatewayProgram, append([]string{"--drain-delay", "0s", "--drain-window", "100ms"}, flags...)...)
}

// startServer starts the program in server/.
func startServer(t *testing.T, flags ...string) *server {
	t.Helper()
	return start(t, serverProgram, flags...)
}

func start(t *testing.T, program string, flags ...string) *server {
	t.Helper()
	s := &server{t: t, program: program, flags: flags, public: freeAddress(t), internal: freeAddress(t), log: &logBuffer{}}
	t.Cleanup(s.end)
	s.launch()
	return s
}

// launch starts the program on the server's addresses and waits until it is ready.
func (s *server) launch() {
	s.t.Helper()
	flags := append([]string{"--listen", s.public, "--internal-listen", s.internal}, s.flags...)
	s.cmd = exec.Command(s.program, flags...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=0 atexit_sleep_ms=0")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.exited, s.killed = make(chan struct{}), false
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(s.cmd, s.exited)
	eventually(s.t, 20*time.Second, s.program+" to be ready", func() error {
		select {
		case <-s.exited:
			s.t.Fatalf("%s ended at its start: %v\n%s", s.program, s.cmd.ProcessState, s.log)
		default:
		}
		_, err := s.get("/readyz")
		return err
	})
}

func (s *server) url() string { return "http://" + s.public }

// get asks the internal listener.
func (s *server) get(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.internal+path, nil)
	if err != nil {
		return "", err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	return string(body), err
}

func (s *server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// kill ends the process at once, as a crash does.
func (s *server) kill() {
	s.killed = true
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// terminate asks the process to drain and checks that it ends well.
func (s *server) terminate() { s.terminateWithin(15 * time.Second) }

func (s *server) terminateWithin(limit time.Duration) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	select {
	case <-s.exited:
	case <-time.After(limit):
		s.kill()
		s.t.Errorf("%s did not end within %v of SIGTERM", s.program, limit)
		return
	}
	if state := s.cmd.ProcessState; !state.Success() {
		s.t.Errorf("%s ended with %v", s.program, state)
	}
}

// end is the cleanup: it stops the process if it still runs and judges its log.
func (s *server) end() {
	switch {
	case s.cmd == nil || s.cmd.Process == nil || s.killed:
	case !s.running():
		if !s.cmd.ProcessState.Success() {
			s.t.Errorf("%s ended by itself: %v", s.program, s.cmd.ProcessState)
		}
	default:
		s.terminate()
	}
	text := s.log.String()
	if strings.Contains(text, "WARNING: DATA RACE") || strings.Contains(text, "\npanic: ") || strings.Contains(text, "fatal error: ") {
		s.t.Errorf("%s reported a race or a panic", s.program)
	}
	if s.t.Failed() {
		s.t.Logf("log of %s on %s:\n%s", s.program, s.public, shorten(text))
	}
}

// shorten keeps the ends of a long log.
func shorten(text string) string {
	const half = 8 << 10
	if len(text) <= 2*half {
		return text
	}
	return text[:half] + "\n…\n" + text[len(text)-half:]
}

// logBuffer keeps what a process writes, up to a limit. It may be used from any
// goroutine.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // Guarded by mu.
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() < 16<<20 {
		l.buf.Write(p)
	}
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// freeAddress returns a loopback address that nobody listens on. It is outside
// the range from which the kernel gives ports to connecting clients, so that
// none of them takes it while a node restarts.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no free port among 100")
	return ""
}

// eventually waits until check returns nil; the last error says what was missing.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %v", limit, what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
