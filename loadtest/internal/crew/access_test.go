package crew

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

const (
	secret  = "correct horse battery staple"
	another = "incorrect horse battery staple"
)

func TestRunNeedsTheWorkersKey(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	p := chat(server.URL(), 100*time.Millisecond)
	for name, tt := range map[string]struct{ worker, run, want string }{
		"the same":         {secret, secret, ""},
		"another":          {secret, another, "not the same"},
		"none":             {secret, "", "the worker has a key"},
		"one for nobody":   {"", secret, "the worker has no key"},
		"none for nobody":  {"", "", ""},
		"the start of it":  {secret, secret[:20], "not the same"},
		"more than all it": {secret, secret + "!", "not the same"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := serve(t, &Worker{Key: []byte(tt.worker)})
			_, err := Run(t.Context(), p, Config{Workers: []string{address}, Key: []byte(tt.run)}, drive.Hooks{})
			isRefused(t, err, address, tt.want)
		})
	}
}

// isRefused checks for an error of one line that names the worker, or none.
func isRefused(t *testing.T, err error, address, want string) {
	t.Helper()
	switch {
	case want == "" && err == nil:
	case want == "" || err == nil:
		t.Errorf("error %v, want %q", err, want)
	case !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "worker "+address+": ") || strings.ContainsAny(err.Error(), "\n\x1b"):
		t.Errorf("%q does not say %q of %s in one line", err, want, address)
	}
}

func TestKeyIsReadFromItsFileOnly(t *testing.T) {
	for content, want := range map[string]string{
		secret + "\n":                secret,
		secret + "\r\n":              secret,
		strings.Repeat("k", 16):      strings.Repeat("k", 16),
		strings.Repeat("k", 15):      "",
		strings.Repeat("k", 5000):    "",
		"\n\n\n\n\n\n\n\n\n\n\n\n\n": "",
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadKey(file)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%.30q: %q, %v", content, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "kkk") {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	for address, want := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "127.9.9.9:1": true, ":1": false, "0.0.0.0:1": false, "10.0.0.1:1": false, "[::]:1": false, "localhost.example:1": false, "nonsense": false} {
		if Private(address) != want {
			t.Errorf("%s: private is %v", address, !want)
		}
	}
}

func TestSecondCoordinatorIsRefused(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	there := workers(t, 1)
	second := make(chan error, 1)
	var asking sync.WaitGroup
	defer asking.Wait()
	s := &seen{}
	h := onTraffic(s.hooks(t), func() {
		asking.Go(func() {
			_, err := Run(ctx, chat(server.URL(), time.Second), Config{Workers: there}, drive.Hooks{})
			second <- err
			cancel()
		})
	})
	r, err := Run(ctx, chat(server.URL(), time.Hour), Config{Workers: there}, h)
	if err != nil || r.Ended != "interrupted" || r.Workers[0].Lost != "" {
		t.Errorf("the first: %+v, %v", r, err)
	}
	isRefused(t, <-second, there[0], "it is making a run for 127.0.0.1:")
}

// TestTokensAreSignedWithTheCoordinatorsKey has workers that cannot read the file.
func TestTokensAreSignedWithTheCoordinatorsKey(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	p := chat(server.URL(), 100*time.Millisecond)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("a secret that signs"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Token = &plan.Token{KeyFile: file}
	address, _ := serve(t, &Worker{Log: func(string) { // before the run begins, and after the plan has come
		_ = os.Remove(file)
	}})
	r, err := Run(t.Context(), p, Config{Workers: []string{address}}, drive.Hooks{})
	if err != nil || r.Counts.Connected != 12 || r.Ended != "complete" {
		t.Errorf("%+v, %v", r, err)
	}
}

// answering listens and does something with each connection.
func answering(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				do(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// pretending is a worker up to its hello, and then something else.
func pretending(t *testing.T, then func(*tls.Conn)) string {
	cert, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	return answering(t, func(raw net.Conn) {
		c := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{cert}})
		if _, _, _, err := readFrame(c, mostUnknown); err == nil {
			then(c)
		}
		_, _ = io.Copy(io.Discard, c)
	})
}

func speak(t *testing.T, c *tls.Conn, k kind, body any) {
	b, err := frame(k, body)
	if err != nil {
		t.Error(err)
	}
	_, _ = c.Write(b)
}

func TestWhatIsNoWorkerIsNamedInOneLine(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	hi := hello{Protocol: protocol, Tool: "loadtest test"}
	for name, tt := range map[string]struct{ address, want string }{
		"nobody":          {closed.Addr().String(), "nobody listens there"},
		"no such host":    {"name.invalid:7070", "the name name.invalid has no address"},
		"closes":          {answering(t, func(net.Conn) {}), "closed the connection"},
		"says nothing":    {answering(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "says nothing"},
		"a web server":    {answering(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "no loadtest worker"},
		"noise":           {answering(t, func(c net.Conn) { _, _ = c.Write(make([]byte, 1<<20)) }), "no loadtest worker"},
		"TLS, and noise":  {pretending(t, func(c *tls.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "no loadtest worker"},
		"another version": {pretending(t, func(c *tls.Conn) { speak(t, c, kindHello, hello{Protocol: 99, Tool: "loadtest v99\x1b[2J"}) }), `\x1b[2J" speaks version 99`},
		"refuses oddly":   {pretending(t, func(c *tls.Conn) { speak(t, c, kindFault, fault{Text: "no\n\x1b[2J"}) }), `no\n\x1b[2J`},
		"endless": {pretending(t, func(c *tls.Conn) {
			speak(t, c, kindHello, hi)
			_, _ = c.Write(binary.BigEndian.AppendUint32(nil, 1<<31))
			_, _ = c.Write([]byte{byte(kindReady)})
		}), "longer than it may be"},
		"out of order": {pretending(t, func(c *tls.Conn) { speak(t, c, kindHello, hi); speak(t, c, kindResult, outcome{}) }), "does not belong there"},
		"nonsense":     {pretending(t, func(c *tls.Conn) { speak(t, c, kindHello, hi); speak(t, c, kindReady, "what?") }), "cannot be understood"},
		"no clock": {pretending(t, func(c *tls.Conn) {
			speak(t, c, kindHello, hi)
			speak(t, c, kindReady, ready{})
			for range rounds {
				speak(t, c, kindPong, pong{Received: 5})
			}
		}), "does not belong there"},
		"silent later": {pretending(t, func(c *tls.Conn) { speak(t, c, kindHello, hi) }), "no word for 500ms"},
		"gone later":   {pretending(t, func(c *tls.Conn) { speak(t, c, kindHello, hi); c.Close() }), "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			c := Config{Workers: []string{tt.address}, Silence: 500 * time.Millisecond}
			_, err := Run(t.Context(), chat("http://127.0.0.1:1", time.Second), c, drive.Hooks{})
			isRefused(t, err, tt.address, tt.want)
			if took := time.Since(start); took > patience/2 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestStrangersDoNotDisturbAWorker has all sorts of them, during a run and before one.
func TestStrangersDoNotDisturbAWorker(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	address, _ := serve(t, &Worker{Key: []byte(secret)})
	to := func(do func(net.Conn)) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		do(c)
	}
	overTLS := func(do func(*tls.Conn)) {
		to(func(c net.Conn) {
			s := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			if err := s.Handshake(); err != nil {
				t.Error(err)
			}
			do(s)
		})
	}
	strangers := func() {
		to(func(net.Conn) {})
		to(func(c net.Conn) {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		})
		overTLS(func(c *tls.Conn) {
			speak(t, c, kindPlan, assignment{Workers: 1})
			_, _ = io.Copy(io.Discard, c)
		})
		overTLS(func(c *tls.Conn) { // more than a stranger may say
			_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, mostUnknown+1), byte(kindHello)))
			if n, _ := io.Copy(io.Discard, c); n > 0 {
				t.Errorf("it answered %d bytes", n)
			}
		})
		overTLS(func(c *tls.Conn) { // a proof of another connection
			speak(t, c, kindHello, hello{Protocol: protocol, Proof: make([]byte, 32)})
			if k, body, _, err := readFrame(bufio.NewReader(c), mostUnknown); err != nil || k != kindFault {
				t.Errorf("%d %s, %v", k, body, err)
			}
		})
	}
	strangers()
	s := &seen{}
	c := Config{Workers: []string{address}, Key: []byte(secret)}
	r, err := Run(t.Context(), chat(server.URL(), 500*time.Millisecond), c, onTraffic(s.hooks(t), strangers))
	if err != nil || r.Ended != "complete" || r.Workers[0].Lost != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPlanThatCannotBeRunThereIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	good := chat("http://127.0.0.1:1", time.Second)
	for name, tt := range map[string]struct {
		change func(*plan.Plan)
		source []string
		want   string
	}{
		"too many clients":   {func(p *plan.Plan) { p.Groups[0].Clients = 3_000_000; p.Groups[0].Rate = 0 }, nil, "RLIMIT_NOFILE"},
		"a name":             {func(p *plan.Plan) { p.URLs = []string{"http://name.invalid"} }, nil, "name.invalid"},
		"somebody's address": {func(*plan.Plan) {}, []string{"192.0.2.7"}, `"192.0.2.7"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := serve(t, &Worker{Sources: tt.source})
			p := good
			p.Groups = append([]plan.Group{}, good.Groups...)
			tt.change(&p)
			_, err := Run(t.Context(), p, Config{Workers: []string{address}}, drive.Hooks{})
			isRefused(t, err, address, tt.want)
		})
	}
}

func TestCrewThatDoesNotSuitThePlanIsRefused(t *testing.T) {
	window := chat("http://127.0.0.1:1", time.Second)
	window.Groups[0].Rate, window.Groups[0].Window, window.Groups[0].Clients = 0, 4, 5
	few := chat("http://127.0.0.1:1", time.Second)
	few.Groups[0].Clients = 2
	three := []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}
	for name, tt := range map[string]struct {
		plan plan.Plan
		c    Config
		want string
	}{
		"none":                      {few, Config{}, "0 workers"},
		"too many":                  {few, Config{Workers: make([]string, 257)}, "257 workers"},
		"more than clients":         {few, Config{Workers: three}, "less than one client each"},
		"closed loop of too few":    {window, Config{Workers: three}, "6 clients or more for 3 workers"},
		"silence that is too short": {window, Config{Workers: three[:1], Silence: time.Millisecond}, "100ms to 5m0s"},
	} {
		if _, err := Run(t.Context(), tt.plan, tt.c, drive.Hooks{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestServerIsWatchedFromTheCoordinator(t *testing.T) {
	t.Parallel()
	server := faulty.Start(t, faulty.Faults{})
	asked := make(chan string, 1000)
	address := answering(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			asked <- "yes"
			body := "process_cpu_seconds_total 5\nprocess_resident_memory_bytes 1048576\n"
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n"+body)
		}
	})
	p := chat(server.URL(), 2*time.Second)
	p.Interval = 500 * time.Millisecond
	p.Metrics, p.PIDs = []string{"http://" + address + "/metrics"}, []int{os.Getpid()}
	r, s := makeRun(t, p, Config{Workers: workers(t, 2)})
	if len(r.Servers) != 2 || r.Servers[0].Name != address || len(r.Before) != 2 || r.Before[0].ResidentBytes != 1<<20 {
		t.Errorf("servers %+v, before %+v", r.Servers, r.Before)
	}
	if got := r.Intervals[len(r.Intervals)/2].Servers; len(got) != 2 || got[0].CPUSeconds != 5 || got[1].CPUSeconds <= 0 {
		t.Errorf("in an interval: %+v", got)
	}
	if got := r.Phases[1].Servers; len(got) != 2 || got[0].ResidentBytes != 1<<20 || got[1].CPUSeconds <= 0 {
		t.Errorf("in a phase: %+v", got)
	}
	if got := s.intervals[len(s.intervals)/2].Servers; len(got) != 2 {
		t.Errorf("while it ran: %+v", got)
	}
	// One process asks, not each worker: once at the start, and once in each interval.
	if n := len(asked); n > int(r.Seconds/p.Interval.Seconds())+3 {
		t.Errorf("asked %d times in %v s", n, r.Seconds)
	}
}
