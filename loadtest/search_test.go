package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/crew"
	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/faulty"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/search"
)

// seek runs a search whose runs are short, where args do not say otherwise.
func seek(t *testing.T, url string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	for _, unset := range []string{"--duration=200ms", "--interval=100ms", "--drain=500ms"} {
		name, _, _ := strings.Cut(unset, "=")
		if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, name+"=") }) {
			args = append(args, unset)
		}
	}
	return invoke(t, append([]string{"search", "--url=" + url}, args...)...)
}

func readRecord(t *testing.T, from io.Reader) *search.Record {
	t.Helper()
	r := new(search.Record)
	if err := json.NewDecoder(from).Decode(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSearchFindsWhatAServerBears has a server that loses what is published to a room
// after the first 200 messages: with runs of 200 ms it bears 1,000 a second.
func TestSearchFindsWhatAServerBears(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{MostInRoom: 200})
	dir := t.TempDir()
	html, js, table := filepath.Join(dir, "s.html"), filepath.Join(dir, "s.json"), filepath.Join(dir, "s.csv")
	status, out, errs := seek(t, server.URL(), "--scenario=fanout", "--clients=3", "--from=150", "--expect=lost=0", "--html", html, "--json", js, "--csv", table)
	if status != exitOK || errs != "" {
		t.Fatalf("exit status %d: %s%s", status, out, errs)
	}
	raw, err := os.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	r := readRecord(t, bytes.NewReader(raw))
	const most = 1005 // a second: the 201st message of 200 ms
	if r.Found > most || r.Failed <= 1000 || r.Failed > r.Found*1.05 || r.Held || r.Ended != search.Complete {
		t.Errorf("found %v, failed %v, held %v, ended %q\n%s", r.Found, r.Failed, r.Held, r.Ended, out)
	}
	seeds := map[uint64]bool{}
	for i, run := range r.Runs {
		if run.Result.Plan.Load(plan.VaryRate) != run.Load || run.Result.Command[1] != "search" || len(run.Result.Checks) != 1 {
			t.Errorf("run %d of %v: %+v", i, run.Load, run.Result.Plan)
		}
		seeds[run.Result.Plan.Seed] = true
	}
	if len(seeds) != len(r.Runs) || len(r.Runs) > r.MostRuns {
		t.Errorf("%d runs of %d have %d seeds", len(r.Runs), r.MostRuns, len(seeds))
	}
	for _, want := range []string{"At most ", "NOT MET, AGAIN", "lost=0, found ", "Highest load that met all expectations: " + result.Number(r.Found) + " messages/s", "written: " + html} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if page, err := os.ReadFile(html); err != nil || !bytes.Contains(page, []byte("Highest load")) || !bytes.Contains(page, []byte("</html>")) {
		t.Errorf("%d bytes of page, %v", len(page), err)
	}
	lines, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(bytes.NewReader(lines)).ReadAll(); err != nil || len(rows) != len(r.Runs)+1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestSearchForClientsIsExact expects what only the number of clients decides.
func TestSearchForClientsIsExact(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	status, out, errs := seek(t, server.URL(), "--scenario=idle", "--vary=clients", "--from=5", "--to=1000", "--precision=1%", "--expect=attempts<=43", "--json=-", "--duration=1ms")
	if status != exitOK {
		t.Fatalf("exit status %d: %s", status, errs)
	}
	r := readRecord(t, strings.NewReader(out))
	if r.Found != 43 || r.Failed != 44 || r.Unit != "clients" {
		t.Errorf("found %v, failed %v %s", r.Found, r.Failed, r.Unit)
	}
	if !strings.Contains(errs, "Highest load that met all expectations: 43 clients") {
		t.Errorf("the sentence is not on stderr: %s", errs)
	}
}

func TestSearchOfAFileMultipliesAllGroups(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	file := writeFile(t, `
url: `+server.URL()+`
drain: 500ms
groups:
- {name: one, scenario: idle, clients: 2}
- {name: two, scenario: idle, clients: 6}
phases: [{kind: ramp, quiet: true}, {kind: hold, duration: 1ms}]
expect: attempts<=50
`)
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"search", "--file", file, "--vary=clients", "--precision=10%", "--json=-"}, &out, &errs); status != exitOK {
		t.Fatalf("exit status %d: %s", status, errs.String())
	}
	r := readRecord(t, &out)
	if r.From != 8 || r.Found < 45 || r.Found > 51 { // to a client for each group
		t.Errorf("from %v, found %v", r.From, r.Found)
	}
	groups := r.Best().Result.Plan.Groups
	if one, two := groups[0].Clients, groups[1].Clients; math.Abs(float64(two)/float64(one)-3) > .3 {
		t.Errorf("%d and %d clients", one, two)
	}
}

func TestLowestLoadThatIsNotMetIsStatusOne(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{Lose: 1})
	status, out, errs := seek(t, server.URL(), "--scenario=fanout", "--clients=3", "--from=100", "--expect=lost=0", "--drain=50ms", "--quiet")
	if status != exitUnmet || errs != "" || !strings.Contains(out, "Not even 100 messages/s met all expectations: lost=0, found") || strings.Contains(out, "At most") {
		t.Errorf("exit status %d: %s%s", status, out, errs)
	}
}

func TestServerThatIsNotThereEndsTheSearch(t *testing.T) {
	js := filepath.Join(t.TempDir(), "s.json")
	status, _, errs := seek(t, faulty.StartBad(t, faulty.Refuses), "--scenario=fanout", "--clients=3", "--expect=connect_errors=0", "--json", js)
	if status != exitNoRun || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "no client could connect (connect: refused)") {
		t.Errorf("exit status %d: %s", status, errs)
	}
	raw, err := os.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	if r := readRecord(t, bytes.NewReader(raw)); len(r.Runs) != 1 || !strings.Contains(r.Ended, "no client") {
		t.Errorf("%d runs, ended %q", len(r.Runs), r.Ended)
	}
}

// TestInterruptedSearchSaysWhatIsKnown interrupts the second run.
func TestInterruptedSearchSaysWhatIsKnown(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out := &when{text: " met ", then: cancel}
	var errs bytes.Buffer
	status := run(ctx, []string{"search", "--url=" + server.URL(), "--scenario=fanout", "--clients=3", "--from=100", "--duration=200ms", "--expect=lost=0"}, out, &errs)
	if status != exitOK || !strings.Contains(out.said.String(), "Highest load that met all expectations: 100 messages/s") || !strings.Contains(out.said.String(), "interrupted") {
		t.Errorf("exit status %d: %s%s", status, out.said.String(), errs.String())
	}
}

// when calls then when a text is written.
type when struct {
	text string
	then func()
	said bytes.Buffer
}

func (w *when) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.text)) {
		w.then()
	}
	return w.said.Write(b)
}

func TestInterruptBeforeAnythingIsKnownIsStatusTwo(t *testing.T) {
	server := faulty.Start(t, faulty.Faults{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	status := run(ctx, []string{"search", "--url=" + server.URL(), "--scenario=fanout", "--expect=lost=0"}, &out, &errs)
	if status != exitNoRun || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit status %d: %s%s", status, out.String(), errs.String())
	}
}

// made is a search whose runs are made up: each is as answer says.
func made(t *testing.T, answer func(load float64, r *result.Result), args ...string) (*searching, error) {
	t.Helper()
	cmd, err := parse(append([]string{"search", "--scenario=fanout", "--expect=lost=0", "--url=" + faulty.Start(t, faulty.Faults{}).URL()}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c := cmd.(*searchCommand)
	l, err := c.loads()
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.begin(l, nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s.drive = func(_ context.Context, p plan.Plan, _ *crew.Config, _ drive.Hooks) (*result.Result, error) {
		r := &result.Result{Ended: "complete", Plan: p, Seconds: 1, Counts: result.Counts{Attempts: 1, Connected: 1},
			Phases:    []result.Phase{{Kind: plan.Ramp}, {Kind: plan.Hold, To: 1}, {Kind: plan.Stop}},
			Intervals: []result.Interval{{To: .1, Phase: 1}, {From: .1, To: 1, Phase: 1}}}
		load := p.Load(plan.VaryRate)
		r.Audit.Due = 1
		r.Intervals[1].Counts.Published = int64(load)
		answer(load, r)
		return r, nil
	}
	return s, s.all(t.Context())
}

func TestLimitOfTheToolIsNotTakenForTheServers(t *testing.T) {
	tool := func(above float64) func(float64, *result.Result) {
		return func(load float64, r *result.Result) {
			if load > above {
				r.Audit.Lost = 1
				r.Intervals[1].Tool.CPUSeconds = 1e4 // more than any machine has
			}
		}
	}
	s, err := made(t, tool(300), "--from=100")
	if err != nil || s.record.Found == 0 || s.record.Found > 300 || !s.record.Held || s.conclude(nil) != nil {
		t.Errorf("%v, %+v", err, s.record.Conclusion)
	}
	s, err = made(t, tool(10), "--from=100")
	if err != nil || s.record.Found != 0 || !s.record.Held {
		t.Errorf("%v, %+v", err, s.record.Conclusion)
	}
	if err := s.conclude(nil); err == nil || !strings.Contains(err.Error(), "nothing is known of the server") {
		t.Errorf("the lowest load is more than the tool can make: %v", err)
	}
}

func TestSearchEndsWithMaxRuns(t *testing.T) {
	s, err := made(t, func(float64, *result.Result) {}, "--from=100", "--max-runs=3")
	if err != nil || len(s.record.Runs) != 3 || s.record.Found != 400 || s.record.Ended != search.OutOfRuns || s.record.MostRuns != 3 {
		t.Errorf("%v, %d runs, found %v, ended %q", err, len(s.record.Runs), s.record.Found, s.record.Ended)
	}
}

func TestBoundIsToldBeforehand(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--from=10 --to=100 --duration=10s", "At most 18 runs of 10 s: 3 min"},
		{"--from=10 --to=10 --duration=10s", "At most 2 runs of 10 s: 20 s"},
		{"--from=10 --max-runs=7 --duration=20m", "At most 7 runs of 20 min: 2 h 20 min"},
	} {
		status, plan, told := invoke(t, append([]string{"search", "--scenario=fanout", "--expect=lost=0", "--dry-run"}, strings.Fields(tt.args)...)...)
		if status != exitOK || !strings.Contains(told, tt.want) || !strings.Contains(plan, "rate: 10\n") {
			t.Errorf("%s: exit status %d, %s%s", tt.args, status, told, plan)
		}
	}
}

// TestRangeIsCutToWhatTheMachineAllows asks for more clients than there can be descriptors.
func TestRangeIsCutToWhatTheMachineAllows(t *testing.T) {
	status, _, told := invoke(t, "search", "--scenario=idle", "--vary=clients", "--from=10", "--to=9999999", "--expect=connect_errors=0", "--dry-run")
	joined := strings.Join(strings.Fields(told), " ")
	if status != exitOK || !strings.Contains(joined, "Warning: the search ends at ") || !strings.Contains(joined, "and not at 9,999,999: 9999999 connections need") || strings.Contains(joined, "from 10 to 9,999,999") {
		t.Errorf("exit status %d: %s", status, told)
	}
}

func TestSearchThatCannotBeIsOneLineWithStatusTwo(t *testing.T) {
	noRate := writeFile(t, "groups: [{scenario: idle}]\n")
	arriving := writeFile(t, "groups: [{scenario: idle, arrivals: 5}]\n")
	for _, tt := range []struct {
		name string
		args string
		want []string
	}{
		{"no expectation", "--scenario=fanout", []string{"--expect", "delivery_p99<50ms"}},
		{"empty expectation", "--scenario=fanout --expect=", []string{"--expect", "delivery_p99<50ms"}},
		{"no scenario", "--expect=lost=0", []string{"--scenario", "--file"}},
		{"unknown flag", "--scenario=fanout --expect=lost=0 --steps=3", []string{"--steps", "search --help"}},
		{"expectation", "--scenario=fanout --expect=lots=0", []string{"--expect", "lots"}},
		{"vary", "--scenario=fanout --expect=lost=0 --vary=payload", []string{`--vary="payload"`, "rate or clients"}},
		{"vary twice", "--scenario=fanout --expect=lost=0 --vary=rate --vary=clients", []string{"--vary", "once"}},
		{"rate of a window", "--scenario=fanout --expect=lost=0 --window=16", []string{`--vary="rate"`, "--window"}},
		{"rate without one", "--scenario=ack --expect=ack_p99<5ms", []string{"--from is missing", "ack"}},
		{"rate of a file without one", "--expect=connected>0 --file=" + noRate, []string{`--vary="rate"`, "clients", noRate}},
		{"clients that arrive", "--scenario=idle --arrivals=5 --vary=clients --expect=connected>0", []string{`--vary="clients"`, "rate", "arrive"}},
		{"clients of a file that arrive", "--vary=clients --expect=connected>0 --file=" + arriving, []string{`--vary="clients"`, "rate", arriving}},
		{"from above to", "--scenario=fanout --expect=lost=0 --from=100 --to=50", []string{`--to="50"`, "100 or more"}},
		{"to below the scenario's own", "--scenario=fanout --expect=lost=0 --to=5", []string{`--to="5"`, "10 or more"}},
		{"from", "--scenario=fanout --expect=lost=0 --from=0", []string{`--from="0"`, "above 0"}},
		{"no number", "--scenario=fanout --expect=lost=0 --to=many", []string{`--to="many"`, "number"}},
		{"half a client", "--scenario=idle --expect=connected>0 --vary=clients --from=1.5", []string{`--from="1.5"`, "whole"}},
		{"highest above all", "--scenario=fanout --expect=lost=0 --to=1e12", []string{`--to="1e12"`, "100000000"}},
		{"precision", "--scenario=fanout --expect=lost=0 --precision=0%", []string{`--precision="0%"`, "0.1%"}},
		{"coarse precision", "--scenario=fanout --expect=lost=0 --precision=5", []string{`--precision="5"`, "100%"}},
		{"runs", "--scenario=fanout --expect=lost=0 --max-runs=0", []string{`--max-runs="0"`, "1 or more"}},
		{"runs that are no number", "--scenario=fanout --expect=lost=0 --max-runs=few", []string{`--max-runs="few"`, "whole number"}},
		{"report into nowhere", "--scenario=fanout --expect=lost=0 --html=/does/not/exist.html", []string{"--html", "written"}},
		{"lowest that the machine cannot make", "--scenario=idle --expect=connected>0 --vary=clients --from=9999999", []string{"RLIMIT_NOFILE"}},
		{"switch", "--scenario=fanout --expect=lost=0 --quiet=sure", []string{`--quiet="sure"`, "true or false"}},
		{"address for metrics", "--scenario=fanout --expect=lost=0 --prometheus-listen=nowhere", []string{`--prometheus-listen="nowhere"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := invoke(t, append([]string{"search"}, strings.Fields(tt.args)...)...)
			if status != exitNoRun || strings.Count(errs, "\n") != 1 || out != "" {
				t.Errorf("exit status %d, %q, %q", status, errs, out)
			}
			for _, part := range tt.want {
				if !strings.Contains(errs, part) {
					t.Errorf("%q does not name %q", errs, part)
				}
			}
		})
	}
}
