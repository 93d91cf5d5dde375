package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// I4: bodies that are too large, that never end, and that come too slowly.
func TestBodiesAreBoundedInSizeAndTime(t *testing.T) {
	w := start(t, func(c *Config) { c.MaxBodyBytes, c.BodyTimeout = 10_000, 100*time.Millisecond })
	send := func(header string, body io.Reader) (int, bool) {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, "POST /api/v1/emit HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n\r\n", allKey, header)
		go func() { _, _ = io.Copy(conn, body) }() // ends with the connection
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Close
	}
	slow := iotest.OneByteReader(&pacedReader{pause: 10 * time.Millisecond})
	for _, tt := range []struct {
		name, header string
		body         io.Reader
		status       int
	}{
		{"said to be large", "Content-Length: 10001", strings.NewReader("{"), 413},
		{"endless in chunks", "Transfer-Encoding: chunked", &endless{}, 413},
		{"byte by byte", "Content-Length: 9000", slow, 408},
		{"never", "Content-Length: 9", strings.NewReader(""), 408},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, closed := send(tt.header, tt.body)
			if status != tt.status || !closed {
				t.Errorf("%d, closed: %v; want %d", status, closed, tt.status)
			}
			if got := w.counted(fmt.Sprintf(`gateway_api_requests_total{code="%d",route="emit"}`, tt.status)); got == "0" {
				t.Error("it was not counted")
			}
		})
	}
	w.post("emit", anEmit).is(http.StatusOK, toCluster)
}

// A body that nobody will read is not waited for.
func TestRefusedRequestsBodyIsNotWaitedFor(t *testing.T) {
	w := start(t, nil)
	for _, request := range []string{
		"POST /api/v1/emit HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
		"POST /api/v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
		"GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + allKey + "\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, request)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || !resp.Close {
			t.Errorf("%q: %v", request, err)
		} else {
			resp.Body.Close()
		}
		conn.Close()
	}
}

func TestBackendThatDoesNotReadItsAnswerIsGivenUp(t *testing.T) {
	w := start(t, func(c *Config) { c.WriteTimeout = 100 * time.Millisecond })
	began := make(chan struct{})
	w.routes[Path+"large"] = &route{name: "large", method: http.MethodGet, status: http.StatusOK, do: func(*call) (any, *problem) {
		close(began)
		return strings.Repeat("x", 32<<20), nil
	}}
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /api/v1/large HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.API.Close() // waits for the request
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("it is still being written to")
	}
}

// pacedReader gives spaces, after a pause each.
type pacedReader struct{ pause time.Duration }

func (p *pacedReader) Read(b []byte) (int, error) {
	time.Sleep(p.pause)
	b[0] = ' '
	return 1, nil
}

// endless gives chunks of spaces.
type endless struct{ rest []byte }

func (e *endless) Read(b []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = []byte("400\r\n" + strings.Repeat(" ", 0x400) + "\r\n")
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// I13: neither methods nor paths nor anything else that is sent grows the metrics.
func TestRequestsDoNotGrowTheMetrics(t *testing.T) {
	w := start(t, nil)
	odd := func(from, to int) {
		for i := from; i < to; i++ {
			w.send(fmt.Sprintf("M%d", i), "emit", "").problem(http.StatusMethodNotAllowed, "wrong-method", "")
			w.send(http.MethodGet, fmt.Sprintf("p%d", i), "").problem(http.StatusNotFound, "not-found", "")
			w.send(http.MethodPost, "emit", "", "Authorization", fmt.Sprintf("Bearer %d", i)).problem(http.StatusUnauthorized, "unauthorized", "")
			w.post("emit", fmt.Sprintf(`{"target":{"rooms":["r%d"]},"event":"e%d"}`, i, i), "Idempotency-Key", fmt.Sprint(i))
		}
	}
	odd(0, 1)
	before := strings.Count(w.scrape(), "\n")
	odd(1, 50)
	if after := strings.Count(w.scrape(), "\n"); after != before {
		t.Errorf("%d lines became %d", before, after)
	}
}

func TestWrongMethodSaysTheRightOne(t *testing.T) {
	w := start(t, nil)
	for path, r := range newRoutes() {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodDelete} {
			if method == r.method {
				continue
			}
			got := w.send(method, strings.TrimPrefix(path, Path), "", "Authorization", "Bearer "+allKey)
			if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != r.method {
				t.Errorf("%s %s: %d, Allow: %q", method, path, got.status, got.header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{"", "emit/", "emit/x", "Emit", "../../metrics", url.PathEscape("emit\x00")} {
		w.send(http.MethodPost, path, "").problem(http.StatusNotFound, "not-found", "")
	}
}

func TestRequestsOfOneKeyAreBounded(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", "")
	done := make(chan reply, maxUnderWay)
	for range maxUnderWay {
		go func() {
			r, err := w.try(http.MethodPost, "emit", `{"target":{"all":true},"event":"ask","ack_timeout_ms":60000}`,
				"Authorization", "Bearer "+emitKey, "Content-Type", "application/json")
			if err != nil {
				t.Error(err)
			}
			done <- r
		}()
	}
	for range maxUnderWay {
		c.hears("ask()")
	}
	if got := w.counted("gateway_api_requests"); got != fmt.Sprint(maxUnderWay) {
		t.Errorf("%s under way", got)
	}
	r := w.post("emit", anEmit, "Authorization", "Bearer "+emitKey)
	r.problem(http.StatusTooManyRequests, "too-many-requests", "")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.post("emit", anEmit).is(http.StatusOK, toCluster) // another key
	c.hears("e()")
	c.Cut() // who has gone is not waited for
	for range maxUnderWay {
		if r := <-done; r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	w.post("emit", anEmit, "Authorization", "Bearer "+emitKey).is(http.StatusOK, toCluster)
}

func TestCloseEndsWaits(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", "")
	done := make(chan error)
	for _, id := range []string{"", "k"} {
		headers := []string{"Authorization", "Bearer " + allKey, "Content-Type", "application/json"}
		if id != "" {
			headers = append(headers, "Idempotency-Key", id)
		}
		go func() {
			_, err := w.try(http.MethodPost, "emit", `{"target":{"all":true},"event":"ask","ack_timeout_ms":60000}`, headers...)
			done <- err
		}()
		c.hears("ask()")
	}
	w.API.Close()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	resp, err := http.Get(w.url + Path + "nodes")
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("afterwards: %v", err)
	}
	resp.Body.Close()
}

func TestPanicIsAnswered(t *testing.T) {
	w := start(t, func(c *Config) { c.Drain = func() { panic("oh") } })
	w.post("drain", "").problem(http.StatusInternalServerError, "internal", "")
	if log := w.log.String(); !strings.Contains(log, "api panicked") || !strings.Contains(log, "node.go") {
		t.Errorf("the log has no stack: %s", log)
	}
	w.post("emit", anEmit).is(http.StatusOK, toCluster)
}

func TestMetricsAreWellNamed(t *testing.T) {
	w := start(t, nil)
	w.post("emit", anEmit)
	r := prometheus.NewRegistry()
	r.MustRegister(w.API)
	problems, err := testutil.GatherAndLint(r)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
