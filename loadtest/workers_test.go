package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// worker launches one, with the key in the file.
func worker(t *testing.T, key string) (p *process, address string) {
	t.Helper()
	p = launch(t, "worker", "--listen=127.0.0.1:0", "--worker-key-file="+key)
	const before = "worker listening on "
	p.until(t, "for those who have the key\n")
	_, after, _ := strings.Cut(p.said.String(), before)
	address, _, _ = strings.Cut(after, ",")
	return p, address
}

// three are workers and what to say to run a chat by them.
type three struct {
	workers   []*process
	addresses []string
	key, url  string
}

func startThree(t *testing.T, url string) *three {
	c := &three{key: writeFile(t, "what only these three know\n"), url: url}
	for range 3 {
		p, address := worker(t, c.key)
		c.workers, c.addresses = append(c.workers, p), append(c.addresses, address)
	}
	return c
}

func (c *three) chat(args ...string) []string {
	return append([]string{"run", "--scenario=chat", "--clients=30", "--rate=150", "--url=" + c.url, "--interval=100ms",
		"--workers=" + strings.Join(c.addresses, ","), "--worker-key-file=" + c.key, "--worker-timeout=1s"}, args...)
}

func (c *three) signal(t *testing.T, i int, s os.Signal) {
	t.Helper()
	if err := c.workers[i].Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestThreeProcessesMakeOneRun(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	c := startThree(t, server.URL())
	dir := t.TempDir()
	js, html := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	status, out, errs := invoke(t, c.chat("--duration=1s", "--expect=lost=0,duplicated=0,connect_errors=0", "--json="+js, "--html="+html)...)
	if status != exitOK || errs != "" {
		t.Fatalf("exit status %d: %s%s", status, out, errs)
	}
	r, err := result.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	did := server.Done()
	if r.Counts.Connected != 30 || r.Audit.Due != did.Deliveries || r.Audit.Delivered != did.Deliveries || did.Deliveries < 500 {
		t.Errorf("%+v, %+v, the server did %+v", r.Counts, r.Audit, did)
	}
	page, err := os.ReadFile(html)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range r.Workers {
		if w.Address != c.addresses[i] || w.Clients != 10 || w.Lost != "" || w.Clock <= 0 {
			t.Errorf("%+v", w)
		}
		if !strings.Contains(out, w.Address) || !bytes.Contains(page, []byte(w.Address)) {
			t.Errorf("the reports do not name %s", w.Address)
		}
	}
	c.workers[2].interrupt(t)
	if state := c.workers[2].end(t); state.ExitCode() != exitOK {
		t.Errorf("%v: %s", state, c.workers[2].said.String())
	}
	status, _, errs = invoke(t, c.chat()...)
	if status != exitNoRun || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.addresses[2]+": nobody listens there") {
		t.Errorf("a worker that has ended: exit status %d, %s", status, errs)
	}
}

// TestLostProcessesAreToldInTheReport has one that stops, as a machine that is suspended,
// and one that is killed.
func TestLostProcessesAreToldInTheReport(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	c := startThree(t, server.URL())
	js := filepath.Join(t.TempDir(), "r.json")
	out := &whenLoaded{do: func() {
		c.signal(t, 0, syscall.SIGSTOP)
		c.signal(t, 1, syscall.SIGKILL)
	}}
	var errs bytes.Buffer
	status := run(t.Context(), c.chat("--duration=2s", "--json="+js, "--expect=lost=0"), out, &errs)
	if status != exitUnmet {
		t.Errorf("exit status %d: %s%s", status, out.String(), errs.String())
	}
	r, err := result.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"no word for 1s", "it closed the connection", ""} {
		if got := r.Workers[i].Lost; !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("worker %d: lost %q, want %q", i, got, want)
		}
	}
	if r.Audit.Lost > 0 || r.Ended != "complete" || r.Checks[0].OK {
		t.Errorf("%+v, ended %q, %+v", r.Audit, r.Ended, r.Checks)
	}
	if !strings.Contains(out.String(), "not all measured") || strings.Count(out.String(), "   LOST") != 2 {
		t.Errorf("the summary:\n%s", out.String())
	}

	// The one that stopped does not answer; when it goes on, it finds its coordinator gone,
	// and is ready for the next.
	c.addresses = []string{c.addresses[0], c.addresses[2]}
	status, _, one := invoke(t, c.chat()...)
	if status != exitNoRun || strings.Count(one, "\n") != 1 || !strings.Contains(one, c.addresses[0]+": it accepted the connection and says nothing") {
		t.Errorf("a worker that does not answer: exit status %d, %s", status, one)
	}
	c.signal(t, 0, syscall.SIGCONT)
	c.workers[0].until(t, "was given up: ")
	if status, out, errs := invoke(t, c.chat("--duration=100ms")...); status != exitOK {
		t.Errorf("the next run: exit status %d: %s%s", status, out, errs)
	}
}

// whenLoaded does something once, when the load has shown in an interval.
type whenLoaded struct {
	bytes.Buffer
	do func()
}

func (w *whenLoaded) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("delivery_p99")) && w.do != nil {
		w.do()
		w.do = nil
	}
	return w.Buffer.Write(b)
}

func TestWorkersMakeTheRunsOfASearch(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	c := startThree(t, server.URL())
	status, out, errs := seek(t, server.URL(), "--scenario=fanout", "--clients=6", "--from=30", "--max-runs=2", "--expect=lost=0,connect_errors=0",
		"--workers="+strings.Join(c.addresses, ","), "--worker-key-file="+c.key, "--json=-")
	if status != exitOK {
		t.Fatalf("exit status %d: %s%s", status, out, errs)
	}
	r := readRecord(t, strings.NewReader(out))
	if len(r.Runs) != 2 || r.Found != 60 {
		t.Errorf("%d runs, found %v: %s\n%s", len(r.Runs), r.Found, r.Conclusion, errs)
	}
	for _, one := range r.Runs {
		if len(one.Result.Workers) != 3 || one.Result.Counts.Connected != 7 {
			t.Errorf("%s clients, workers %+v", result.Whole(one.Result.Counts.Connected), one.Result.Workers)
		}
	}
}

func TestKeyOfWorkersComesFromTheEnvironment(t *testing.T) {
	t.Setenv(keyVariable, "short")
	if _, err := workerKey(nil); err == nil || !strings.Contains(err.Error(), keyVariable) || strings.Contains(err.Error(), "short") {
		t.Errorf("a short one: %v", err)
	}
	t.Setenv(keyVariable, "what only these three know")
	if key, err := workerKey(nil); string(key) != "what only these three know" || err != nil {
		t.Errorf("%s, %v", key, err)
	}
	file := writeFile(t, "what is in the file\n")
	if key, err := workerKey(texts{file}); string(key) != "what is in the file" || err != nil {
		t.Errorf("beside a file: %s, %v", key, err)
	}
	c := runFlags{Workers: texts{"127.0.0.1:1, 127.0.0.1:2", "127.0.0.1:3"}, WorkerTimeout: texts{"30s"}}
	by, err := c.crew()
	if err != nil || fmt.Sprint(by.Workers) != "[127.0.0.1:1 127.0.0.1:2 127.0.0.1:3]" || by.Silence.Seconds() != 30 || len(by.Key) == 0 {
		t.Errorf("%+v, %v", by, err)
	}
}
