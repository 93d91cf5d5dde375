package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const drainKey = "0123456789abcdef-drain"

// keyFiles writes a configuration with a key that may drain and one that may not, and a
// file for each key.
func keyFiles(t *testing.T) (config, mayDrain, mayRead string) {
	t.Helper()
	dir := t.TempDir()
	config, mayDrain, mayRead = filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "drain"), filepath.Join(dir, "read")
	for path, text := range map[string]string{
		mayDrain: drainKey + "\n",
		mayRead:  "0123456789abcdef-read",
		config: "api:\n  keys:\n" +
			"    - {name: reader, key_file: " + mayRead + ", scopes: [read]}\n" +
			"    - {name: hook, key_file: " + mayDrain + ", scopes: [drain]}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config, mayDrain, mayRead
}

// drain runs the command and returns its exit status and output.
func drain(ctx context.Context, internal string, args ...string) (status int, stdout, stderr string) {
	var out, err strings.Builder
	args = append([]string{"drain", "--internal-listen", strings.TrimPrefix(internal, "http://")}, args...)
	status = run(ctx, args, nil, &out, &err)
	return status, out.String(), err.String()
}

// reap waits for the process, so that nothing is left of it when it has ended.
func (p *process) reap() <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, _ = io.Copy(io.Discard, p.rest)
		ended <- p.Wait()
	}()
	return ended
}

var drainOutput = regexp.MustCompile(`^draining, 3 sessions left\n(draining, [0-2] sessions left\n)*drained in [\d.]+m?s\n$`)

func TestDrainWaitsForTheNode(t *testing.T) {
	t.Parallel()
	config, mayDrain, _ := keyFiles(t)
	for name, how := range map[string]func(*process) []string{
		"with a key of the configuration": func(*process) []string { return []string{"--config", config} },
		"with a key in a file":            func(*process) []string { return []string{"--api-key-file", mayDrain} },
		"by a signal":                     func(p *process) []string { return []string{"--pid", strconv.Itoa(p.Process.Pid)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := launch(t, "--config", config, "--drain-delay=300ms", "--drain-window=200ms")
			for range 3 {
				if got := status(t, p.public+"/socket.io/?EIO=4&transport=polling"); got != http.StatusOK {
					t.Fatalf("handshake: %d", got)
				}
			}
			ended := p.reap()
			code, stdout, stderr := drain(t.Context(), p.internal, how(p)...)
			if code != exitOK || !drainOutput.MatchString(stdout) || stderr != "" {
				t.Errorf("exit status %d, %q, %q", code, stdout, stderr)
			}
			if err := <-ended; err != nil {
				t.Errorf("the node ended with %v", err)
			}
		})
	}
}

// A node that drains already gets no second signal, which would end it at once.
func TestDrainOfADrainingNodeWaits(t *testing.T) {
	t.Parallel()
	p := launch(t, "--drain-delay=1s", "--drain-window=0s")
	ended := p.reap()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); status(t, p.internal+"/readyz") != http.StatusServiceUnavailable; {
		if time.Now().After(deadline) {
			t.Fatal("no drain")
		}
	}
	if code, stdout, stderr := drain(t.Context(), p.internal, "--pid", strconv.Itoa(p.Process.Pid)); code != exitOK {
		t.Errorf("exit status %d, %q, %q", code, stdout, stderr)
	}
	if err := <-ended; err != nil {
		t.Errorf("the node ended with %v", err)
	}
}

func TestDrainThatFailsSaysWhyInOneLine(t *testing.T) {
	config, mayDrain, mayRead := keyFiles(t)
	withAPI, without := launch(t, "--config", config, "--drain-delay=10m"), launch(t)
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	key, pid := "--api-key-file="+mayDrain, "--pid="+strconv.Itoa(withAPI.Process.Pid)
	for _, tt := range []struct {
		name, internal string
		args           []string
		want           string
	}{
		{"nobody listens", nobody.Addr().String(), []string{key}, "connection refused"},
		{"somebody else listens", stranger.URL, []string{key}, "want a gateway's internal listener"},
		{"port unknown", ":0", []string{key}, "want the port that the node listens on"},
		{"no key", withAPI.internal, nil, "no key: want --config"},
		{"no such file", withAPI.internal, []string{"--api-key-file=/nowhere"}, `--api-key-file="/nowhere"`},
		{"key that may not", withAPI.internal, []string{"--api-key-file=" + mayRead}, "scope"},
		{"no API", without.internal, []string{key}, "want a node with the server API"},
		{"no process", withAPI.internal, []string{"--pid=0"}, `--pid="0"`},
		{"key and process", withAPI.internal, []string{key, pid}, "not both"},
		{"not in time", withAPI.internal, []string{key, "--timeout=1s"}, "not done within 1s, 0 sessions left: the node goes on"}, // last: it begins the drain
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := drain(t.Context(), tt.internal, tt.args...)
			if code != exitFailed || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 || strings.Contains(stdout, "drained") {
				t.Errorf("exit status %d, stdout %q, stderr %q; want %q", code, stdout, stderr, tt.want)
			}
			if strings.Contains(stderr, drainKey) {
				t.Errorf("shows a key: %q", stderr)
			}
		})
	}
}

func TestInterruptedDrainSaysThatTheNodeGoesOn(t *testing.T) {
	t.Parallel()
	config, _, _ := keyFiles(t)
	p := launch(t, "--config", config, "--drain-delay=10m")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stderr strings.Builder
	args := []string{"drain", "--internal-listen", strings.TrimPrefix(p.internal, "http://"), "--config", config}
	if code := run(ctx, args, nil, onWrite(cancel), &stderr); code != exitFailed || !strings.Contains(stderr.String(), "interrupted, 0 sessions left: the node goes on") {
		t.Errorf("exit status %d, %q", code, stderr.String())
	}
	if got := status(t, p.internal+"/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("the node is ready: %d", got)
	}
}

// onWrite is called for whatever is written.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}
