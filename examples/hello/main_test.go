package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const clientDir = "node_modules/socket.io-client/dist"

// output is what somebody prints, to be waited for.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer  // guarded by mu
	more chan struct{} // holds a token when text has grown
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await returns when text has been printed.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.more:
		case <-limit:
			t.Fatalf("no %q in:\n%s", text, o)
		}
	}
}

// start serves the example, and returns its URL and its log.
func start(t *testing.T) (url string, logged *output) {
	t.Helper()
	logged = newOutput()
	log.SetOutput(logged)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, ln, clientDir) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		log.SetOutput(os.Stderr)
	})
	return "http://" + ln.Addr().String(), logged
}

// node runs the Node.js client. stop ends it as Ctrl-C does.
func node(t *testing.T, url string) (said *output, stop func()) {
	t.Helper()
	said = newOutput()
	cmd := exec.Command("node", "client.mjs", url)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		kill := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v\n%s", err, said)
		}
	})
	t.Cleanup(stop)
	return said, stop
}

func needClient(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs node")
	}
	if _, err := os.Stat(clientDir); err != nil {
		t.Skip("needs the official client: npm ci in examples/hello")
	}
}

func TestNodeClientIsGreetedAndAnnounced(t *testing.T) {
	needClient(t)
	url, logged := start(t)

	first, _ := node(t, url)
	first.await(t, "message: Hello World")
	logged.await(t, "connected from 127.0.0.1")
	logged.await(t, "replied: Hello from Node.js")

	second, stop := node(t, url)
	second.await(t, "message: Hello World")
	first.await(t, "joined: ")
	if strings.Contains(second.String(), "joined: ") {
		t.Error("the newcomer was announced to itself")
	}

	stop()
	logged.await(t, "left: client namespace disconnect")
}

func TestPageHasItsClient(t *testing.T) {
	needClient(t)
	url, _ := start(t)
	for path, want := range map[string]string{"/": "/client/socket.io.min.js", "/client/socket.io.min.js": "Socket.IO"} {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d, %v, %d bytes without %q", path, res.StatusCode, err, len(body), want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestPageGreetsInABrowser(t *testing.T) {
	needClient(t)
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("needs chromium")
	}
	url, logged := start(t)
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // and its children
		cmd.Wait()
	})
	logged.await(t, "replied: Hello from a browser")
}
