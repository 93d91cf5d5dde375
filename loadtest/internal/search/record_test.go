package search

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// searched is the record of a search whose runs end as the verdicts say, one after the
// other; the last stands for all that follow.
func searched(t *testing.T, c Config, ended string, verdicts ...Verdict) *Record {
	t.Helper()
	r := &Record{Version: Version, Unit: "messages/s", From: c.From, To: c.To, Ended: ended}
	s := New(c)
	for i := 0; ; i++ {
		load, try, ok := s.Next()
		if !ok || ended == Interrupted && i == len(verdicts) {
			break
		}
		run := &Run{Load: load, Try: try, Verdict: verdicts[min(i, len(verdicts)-1)], Busy: -1}
		run.Result = spec{met: run.Verdict == Met}.run(t)
		if run.Verdict == Held {
			run.Why = "the load tool used 1.95 of 2 cores"
		}
		s.Add(run.Verdict)
		r.Runs = append(r.Runs, run)
	}
	r.Conclude(s)
	return r
}

func TestConclusionSaysWhatIsKnown(t *testing.T) {
	whole := Config{From: 1000, To: 8000, Precision: .3}
	for _, tt := range []struct {
		name     string
		config   Config
		ended    string
		verdicts []Verdict
		want     string
	}{
		{"found", whole, Complete, []Verdict{Met, Unmet, Unmet, Met, Unmet},
			"highest load that met all expectations: 1,400 messages/s (1,000 and 1,400 met, 1,700 not: delivery_p99<50ms, found 80 ms)"},
		{"all", whole, Complete, []Verdict{Met},
			"highest load that met all expectations: 8,000 messages/s (4,000 and 8,000 met, which is the highest that was tried: there is room above)"},
		{"none", whole, Complete, []Verdict{Unmet},
			"not even 1,000 messages/s met all expectations: delivery_p99<50ms, found 80 ms"},
		{"the tool's limit", whole, Complete, []Verdict{Met, Held},
			"highest load that met all expectations: 1,000 messages/s (1,000 met, and 1,200 is more than this machine could make: the load tool used 1.95 of 2 cores; the server may bear more)"},
		{"the tool's from the start", whole, Complete, []Verdict{Held},
			"nothing is known of the server: even 1,000 messages/s is more than this machine could make: the load tool used 1.95 of 2 cores"},
		{"the server's once, the tool's then", whole, Complete, []Verdict{Met, Unmet, Held, Met},
			"highest load that met all expectations: 1,700 messages/s (1,400 and 1,700 met, 2,000 not: delivery_p99<50ms, found 80 ms)"},
		{"interrupted", whole, Interrupted, []Verdict{Met, Met},
			"highest load that met all expectations: 2,000 messages/s (1,000 and 2,000 met, and none above it was tried twice); the search ended early: interrupted"},
		{"interrupted at once", whole, Interrupted, nil,
			"no load was met, and none failed twice; the search ended early: interrupted"},
		{"out of runs", Config{From: 1000, To: 8000, Precision: .3, MaxRuns: 3}, OutOfRuns, []Verdict{Met, Unmet},
			"highest load that met all expectations: 1,000 messages/s (1,000 met, 2,000 not: delivery_p99<50ms, found 80 ms); the search ended early: as many runs as --max-runs allows"},
	} {
		if got := searched(t, tt.config, tt.ended, tt.verdicts...).Conclusion; got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestServerThatSharesAFullMachineMayBearMore(t *testing.T) {
	r := searched(t, Config{From: 1000, To: 8000, Precision: 1}, Complete, Met, Unmet)
	for _, run := range r.Runs[1:] {
		run.Why = "this machine was 97 % busy"
	}
	if got := r.conclusion(); !strings.HasSuffix(got, "; this machine was 97 % busy, which the server shares with the load tool: alone it may bear more") {
		t.Error(got)
	}
}

func TestBestRunIsThatOfTheLoadFound(t *testing.T) {
	r := searched(t, Config{From: 1000, To: 8000, Precision: .3}, Complete, Unmet, Met, Unmet, Unmet, Met, Unmet)
	if best := r.Best(); best == nil || best.Load != r.Found || best.Verdict != Met {
		t.Errorf("%+v", best)
	}
	r = searched(t, Config{From: 1000, To: 8000, Precision: .3}, Complete, Unmet)
	if best := r.Best(); best != r.Runs[1] {
		t.Errorf("of a search without: %+v", best)
	}
	if best := new(Record).Best(); best != nil {
		t.Errorf("of no run: %+v", best)
	}
}

func TestFileOfASearchHasEveryRun(t *testing.T) {
	r := searched(t, Config{From: 1000, To: 8000, Precision: .3}, Complete, Met, Unmet, Unmet, Met, Unmet)
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	var read Record
	if err := json.Unmarshal(b.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.Version != Version || len(read.Runs) != len(r.Runs) || read.Found != 1400 || read.Failed != 1700 || read.Conclusion != r.Conclusion {
		t.Errorf("%+v", read)
	}
	if h := read.Runs[0].Result.Latency.Delivery; h.Count() != 1 || len(read.Runs[0].Result.Intervals) != 5 {
		t.Errorf("the first run has %d deliveries, %d intervals", h.Count(), len(read.Runs[0].Result.Intervals))
	}
	if _, err := result.Read(&b); err == nil || !strings.Contains(err.Error(), "search") {
		t.Errorf("read as a single run: %v", err)
	}
}

func TestTableHasALineForEachRun(t *testing.T) {
	r := searched(t, Config{From: 1000, To: 8000, Precision: .3}, Complete, Met, Unmet, Unmet, Met, Unmet)
	var b bytes.Buffer
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != len(r.Runs)+1 {
		t.Fatalf("%v, %v", rows, err)
	}
	at := map[string]string{}
	for i, name := range rows[0] {
		at[name] = rows[2][i]
	}
	if at["load"] != "2000" || at["try"] != "1" || at["verdict"] != "not met" || at["server_cores"] != "" || at["machine_busy"] != "" || at["tool_cores"] != "0" || !strings.HasPrefix(at["p99_ms"], "80") {
		t.Errorf("%v", at)
	}
}
