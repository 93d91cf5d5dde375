package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ask runs healthcheck and returns its status and the one line that it must say, on
// stdout if all is well and on stderr otherwise.
func ask(ctx context.Context, t *testing.T, environ []string, args ...string) (status int, line string) {
	t.Helper()
	var stdout, stderr strings.Builder
	status = run(ctx, append([]string{"healthcheck"}, args...), environ, &stdout, &stderr)
	line, other := stdout.String(), stderr.String()
	if status != exitOK {
		line, other = other, line
	}
	if strings.Count(line, "\n") != 1 || other != "" {
		t.Errorf("exit status %d with %q on stdout and %q on stderr; want one line", status, stdout.String(), stderr.String())
	}
	return status, line
}

func TestHealthcheckSaysWhatTheNodeSays(t *testing.T) {
	p := launch(t, "--drain-delay=10m")
	// Of what the node was given, healthcheck has to know its address alone.
	environ := []string{"GATEWAY_INTERNAL_LISTEN=" + strings.TrimPrefix(p.internal, "http://"), "GATEWAY_REDIS_URL=redis://elsewhere"}
	for path, want := range map[string]string{"livez": ": 200 OK, process ok\n", "readyz": ": 200 OK, drain ok\n"} {
		if status, line := ask(t.Context(), t, environ, path); status != exitOK || line != p.internal+"/"+path+want {
			t.Errorf("%s: exit status %d, %q", path, status, line)
		}
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		status, line := ask(t.Context(), t, environ, "readyz")
		if status == exitFailed && strings.HasSuffix(line, ": 503 Service Unavailable, drain draining\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a node that drains: exit status %d, %q", status, line)
		}
	}
	if status, line := ask(t.Context(), t, environ); status != exitOK {
		t.Errorf("alive while it drains: exit status %d, %q", status, line)
	}
}

func TestHealthcheckOfNobodyFailsInOneLine(t *testing.T) {
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for _, tt := range []struct {
		name, listen, want string
		args               []string
	}{
		{"nobody listens", nobody.Addr().String(), "connection refused", nil},
		{"somebody else listens", stranger.Listener.Addr().String(), "404 Not Found", nil},
		{"port unknown", ":0", `GATEWAY_INTERNAL_LISTEN=":0": want the port that the node listens on`, nil},
		{"no address", "9090", "GATEWAY_INTERNAL_LISTEN", nil},
		{"no such check", ":9090", "want livez or readyz", []string{"healthz"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, line := ask(t.Context(), t, []string{"GATEWAY_INTERNAL_LISTEN=" + tt.listen}, tt.args...); status != exitFailed || !strings.Contains(line, tt.want) {
				t.Errorf("exit status %d, %q; want %d and %q", status, line, exitFailed, tt.want)
			}
		})
	}
}

func TestHealthcheckOfANodeThatHangsEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and answers none
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // sooner than healthTimeout
	defer cancel()
	if status, line := ask(ctx, t, []string{"GATEWAY_INTERNAL_LISTEN=" + ln.Addr().String()}); status != exitFailed || !strings.Contains(line, "deadline exceeded") {
		t.Errorf("exit status %d, %q", status, line)
	}
}
