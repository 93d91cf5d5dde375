package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// load runs the command against a server, for half a second.
func load(t *testing.T, url string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	status = run(ctx, append([]string{"run", "--url=" + url, "--scenario=fanout", "--clients=10", "--rate=100", "--duration=500ms", "--interval=100ms"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

func TestRunLeavesEveryReport(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	dir := t.TempDir()
	html, js, table := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.json"), filepath.Join(dir, "r.csv")
	status, out, errs := load(t, server.URL(), "--html", html, "--json", js, "--csv", table, "--expect=lost=0,connect_errors=0", "--seed=7")
	if status != exitOK || errs != "" {
		t.Fatalf("exit status %d: %s%s", status, out, errs)
	}
	r, err := result.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts.Connected != 11 || r.Audit.Delivered != 10*r.Audit.Published || r.Audit.Published == 0 || r.Ended != "complete" {
		t.Errorf("%+v, %+v, ended %s", r.Counts, r.Audit, r.Ended)
	}
	if r.Plan.Seed != 7 || r.Machine.Cores == 0 || !strings.HasPrefix(r.Tool, "loadtest ") || r.Command[0] != "loadtest" || r.Command[1] != "run" || len(r.Checks) != 2 {
		t.Errorf("%+v, %+v, %s, %v, %v", r.Plan, r.Machine, r.Tool, r.Command, r.Checks)
	}
	if page, err := os.ReadFile(html); err != nil || !bytes.Contains(page, []byte("</html>")) {
		t.Errorf("%d bytes of page, %v", len(page), err)
	}
	raw, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll(); err != nil || len(rows) < 4 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for _, want := range []string{"PASSED", html, js, table, "delivery"} {
		if !strings.Contains(out, want) {
			t.Errorf("the summary does not name %s:\n%s", want, out)
		}
	}
	status, same, errs := invoke(t, "compare", js, js)
	if status != exitOK || !strings.Contains(same, "delivered_per_s") {
		t.Errorf("compare: exit status %d, %s%s", status, same, errs)
	}
	if status, tables, _ := invoke(t, "compare", "--markdown", js, js); status != exitOK || !strings.Contains(tables, "|") {
		t.Errorf("compare --markdown: exit status %d, %s", status, tables)
	}
}

func TestUnmetExpectationIsStatusOne(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{Lose: .2, Seed: 1})
	status, out, errs := load(t, server.URL(), "--expect=lost=0", "--quiet", "--drain=300ms")
	if status != exitUnmet || errs != "" {
		t.Errorf("exit status %d: %s%s", status, out, errs)
	}
	if !strings.Contains(out, "FAILED") {
		t.Errorf("the summary does not say so:\n%s", out)
	}
}

func TestServerThatNobodyCanConnectToIsStatusTwo(t *testing.T) {
	url := faulty.StartBad(t, faulty.Refuses)
	js := filepath.Join(t.TempDir(), "r.json")
	status, out, errs := load(t, url, "--json", js)
	if status != exitNoRun || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "refused") {
		t.Errorf("exit status %d, %q", status, errs)
	}
	if r, err := result.ReadFile(js); err != nil || r.Counts.ConnectErrors != r.Counts.Attempts || r.Counts.Attempts == 0 {
		t.Errorf("the result: %v\n%s", err, out)
	}
	if status, _, _ := load(t, url, "--expect=connect_errors=0"); status != exitUnmet {
		t.Errorf("with an expectation: exit status %d, want %d", status, exitUnmet)
	}
}

func TestResultOnStdoutIsAlone(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	status, out, errs := load(t, server.URL(), "--json=-")
	if status != exitOK {
		t.Fatalf("exit status %d: %s", status, errs)
	}
	if r, err := result.Read(strings.NewReader(out)); err != nil || r.Counts.Connected != 11 {
		t.Errorf("%v: %.200s", err, out)
	}
	if !strings.Contains(errs, "delivery_p99") || !strings.Contains(errs, "deliver") {
		t.Errorf("intervals and summary are not on stderr: %s", errs)
	}
}

func TestQuietSaysNothingBeforeTheSummary(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	_, loud, _ := load(t, server.URL())
	_, quiet, _ := load(t, server.URL(), "--quiet")
	if !strings.Contains(loud, "phase load") || strings.Contains(quiet, "phase load") || !strings.Contains(quiet, "fanout on ") {
		t.Errorf("loud:\n%s\nquiet:\n%s", loud, quiet)
	}
}

func TestFileOfSeveralGroupsRuns(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	file := writeFile(t, `
url: `+server.URL()+`
groups:
- {name: talk, scenario: chat, clients: 10, rate: 50}
- {name: ask, scenario: ack, clients: 5, request_rate: 50}
phases:
- {kind: ramp, duration: 200ms, quiet: true}
- {kind: hold, duration: 300ms}
- {kind: spike, duration: 300ms, clients: {talk: 20}, rate: {talk: 100}}
expect: lost=0,connect_errors=0
`)
	js := filepath.Join(t.TempDir(), "r.json")
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"run", "--file", file, "--json", js, "--quiet"}, &out, &errs); status != exitOK {
		t.Fatalf("exit status %d: %s%s", status, out.String(), errs.String())
	}
	r, err := result.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Phases) != 4 || r.Counts.Connected != 25 || r.Counts.Acks == 0 || r.Audit.Delivered == 0 {
		t.Errorf("%d phases, %+v, %+v", len(r.Phases), r.Counts, r.Audit)
	}
}

func TestInterruptedRunHasAResult(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	js := filepath.Join(t.TempDir(), "r.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &untilIntervals{enough: cancel}
	var errs bytes.Buffer
	status := run(ctx, []string{"run", "--url=" + server.URL(), "--scenario=fanout", "--clients=10", "--rate=100", "--duration=1h", "--interval=100ms", "--json", js}, out, &errs)
	if status != exitOK {
		t.Errorf("exit status %d: %s", status, errs.String())
	}
	r, err := result.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ended != "interrupted" || r.Audit.Delivered != 10*r.Audit.Published || r.Seconds > patience.Seconds() {
		t.Errorf("ended %q after %v s: %+v", r.Ended, r.Seconds, r.Audit)
	}
}

// untilIntervals calls enough when the load has shown in an interval.
type untilIntervals struct {
	bytes.Buffer
	enough func()
}

func (w *untilIntervals) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("delivery_p99")) {
		w.enough()
	}
	return w.Buffer.Write(b)
}

func TestStatusFollowsFromTheResult(t *testing.T) {
	some, none := result.Counts{Attempts: 5, Connected: 3}, result.Counts{Attempts: 5}
	met, unmet := []result.Check{{OK: true}}, []result.Check{{OK: true}, {}}
	for _, tt := range []struct {
		name string
		res  result.Result
		want string // of the error
	}{
		{"complete", result.Result{Ended: "complete", Counts: some}, ""},
		{"interrupted", result.Result{Ended: "interrupted", Counts: some}, ""},
		{"as expected", result.Result{Ended: "complete", Counts: none, Checks: met}, ""},
		{"not as expected", result.Result{Ended: "complete", Counts: some, Checks: unmet}, errUnmet.Error()},
		{"given up", result.Result{Ended: "given up: why", Counts: some, Checks: met}, "given up: why"},
		{"given up, and not as expected", result.Result{Ended: "given up: why", Counts: some, Checks: unmet}, errUnmet.Error()},
		{"a worker was lost", result.Result{Ended: "complete", Counts: some, Workers: []result.Worker{{Address: "a:1"}, {Address: "b:1", Lost: "why"}}}, "the worker b:1 was lost"},
		{"two workers were lost", result.Result{Ended: "complete", Counts: some, Workers: []result.Worker{{Address: "a:1", Lost: "why"}, {Address: "b:1", Lost: "why"}}}, "the workers a:1, b:1 were lost"},
		{"nobody", result.Result{Ended: "complete", Counts: none, Errors: []result.ErrorClass{{Class: "connect: refused"}}}, "no client could connect (connect: refused)"},
		{"interrupted before anybody tried", result.Result{Ended: "interrupted"}, ""},
	} {
		got := ""
		if err := outcome(&tt.res); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMetricsAreShownWhileItRuns(t *testing.T) {
	c := runCommand{runFlags: runFlags{PrometheusListen: texts{"127.0.0.1:0"}, Quiet: toggle{"true"}}}
	w, err := c.watch(io.Discard, plan.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.hooks().Interval(result.Interval{To: 1, Counts: result.Counts{Published: 77}}, nil)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	answer, err := client.Get("http://" + w.server.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(page, []byte("loadtest_published_total 77\n")) {
		t.Errorf("%v: %s", err, page)
	}
}
