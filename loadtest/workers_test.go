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

func TestThreeProcessesMakeOneRun(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	key := writeFile(t, "what only these three know\n")
	var workers []*process
	var addresses []string
	for range 3 {
		p, address := worker(t, key)
		workers, addresses = append(workers, p), append(addresses, address)
	}
	dir := t.TempDir()
	js, html := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	chat := func(args ...string) (status int, out, errs string) {
		return invoke(t, append([]string{"run", "--scenario=chat", "--clients=30", "--rate=150", "--url=" + server.URL(), "--interval=100ms",
			"--workers=" + strings.Join(addresses, ","), "--worker-key-file=" + key, "--worker-timeout=1s", "--json=" + js, "--html=" + html}, args...)...)
	}

	status, out, errs := chat("--duration=1s", "--expect=lost=0,duplicated=0,connect_errors=0")
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
		if w.Address != addresses[i] || w.Clients != 10 || w.Lost != "" || w.Clock <= 0 {
			t.Errorf("%+v", w)
		}
		if !strings.Contains(out, addresses[i]) || !bytes.Contains(page, []byte(addresses[i])) {
			t.Errorf("the reports do not name %s", addresses[i])
		}
	}

	// One stops, as a machine that is suspended, and another is killed.
	if err := workers[0].Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if status, _, errs = chat("--duration=1s"); status != exitNoRun || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, addresses[0]) {
		t.Errorf("a worker that does not answer: exit status %d, %s", status, errs)
	}
	if err := workers[0].Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	lose := &whenLoaded{do: func() {
		_ = workers[0].Process.Signal(syscall.SIGSTOP)
		_ = workers[1].Process.Kill()
	}}
	var errs2 bytes.Buffer
	status = run(t.Context(), []string{"run", "--scenario=chat", "--clients=30", "--rate=150", "--url=" + server.URL(), "--interval=100ms", "--duration=3s", "--json=" + js,
		"--workers=" + strings.Join(addresses, ","), "--worker-key-file=" + key, "--worker-timeout=1s", "--expect=lost=0"}, lose, &errs2)
	if status != exitUnmet {
		t.Errorf("exit status %d: %s%s", status, lose.String(), errs2.String())
	}
	if r, err = result.ReadFile(js); err != nil {
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
	if !strings.Contains(lose.String(), "not all measured") || strings.Count(lose.String(), "   LOST") != 2 {
		t.Errorf("the summary:\n%s", lose.String())
	}

	// The one that stopped finds its coordinator gone, and is ready for the next; one that
	// is interrupted ends.
	if err := workers[0].Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	workers[0].until(t, "was given up: ")
	addresses = []string{addresses[0], addresses[2]}
	if status, out, errs = chat("--duration=100ms"); status != exitOK {
		t.Errorf("the next run: exit status %d: %s%s", status, out, errs)
	}
	workers[2].interrupt(t)
	if state := workers[2].end(t); state.ExitCode() != exitOK {
		t.Errorf("%v: %s", state, workers[2].said.String())
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
