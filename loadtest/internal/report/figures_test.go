package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func TestVerdictIsWhatTheChecksAndTheEndSay(t *testing.T) {
	met, missed := result.Check{Text: "lost=0", Found: "0", OK: true}, result.Check{Text: "lost=0", Found: "3"}
	for name, row := range map[string]struct {
		ended       string
		checks      []result.Check
		state, word string
		reason      string
	}{
		"nothing expected":            {"complete", nil, "open", "Measured", "No expectations were set, so there is nothing to pass or to fail."},
		"met":                         {"complete", []result.Check{met}, "pass", "Passed", "The one expectation was met."},
		"all met":                     {"complete", []result.Check{met, met}, "pass", "Passed", "All 2 expectations were met."},
		"one missed":                  {"complete", []result.Check{met, missed}, "fail", "Failed", "1 of 2 expectations were not met."},
		"the only one missed":         {"complete", []result.Check{missed}, "fail", "Failed", "1 of 1 expectation was not met."},
		"interrupted":                 {"interrupted", []result.Check{met}, "broken", "Interrupted", "The run was interrupted after 1:05. The one expectation was met."},
		"interrupted, nothing":        {"interrupted", nil, "broken", "Interrupted", "The run was interrupted after 1:05. No expectations were set, so there is nothing to pass or to fail."},
		"interrupted, already missed": {"interrupted", []result.Check{missed}, "fail", "Failed", "The run was interrupted after 1:05. 1 of 1 expectation was not met."},
		"given up":                    {"no server", []result.Check{met}, "fail", "Given up", "The run was given up after 1:05: no server."},
	} {
		v := judge(&result.Result{Ended: row.ended, Seconds: 65, Checks: row.checks})
		if v.State != row.state || v.Word != row.word || v.Reason != row.reason {
			t.Errorf("%s: %s, %q, %q", name, v.State, v.Word, v.Reason)
		}
	}
}

func TestBalanceAddsUpOrSaysThatItDoesNot(t *testing.T) {
	res := fixture.Run(fixture.Config{Faulty: true})
	rows := balance(res)
	if last := rows[len(rows)-1]; last.Name != "Due" || last.Count != "1,140,000" || last.Share != "100 %" {
		t.Errorf("last row %+v", last)
	}
	res.Audit.Due += 3
	rows = balance(res)
	if last := rows[len(rows)-1]; last.State != "bad" || !strings.Contains(last.Meaning, "off by 3") {
		t.Errorf("a balance that is off by 3 ends in %+v", last)
	}
}

func TestAuditSentenceSaysWhatHappened(t *testing.T) {
	for name, row := range map[string]struct {
		sums audit.Sums
		want string
	}{
		"nothing":        {audit.Sums{}, "Nothing was published, so there is nothing to compare."},
		"nobody there":   {audit.Sums{Published: 2}, "2 messages were published, to be delivered 0 times in all. Nobody was there to receive one. None was lost, repeated, out of order or changed."},
		"all well":       {audit.Sums{Published: 1, Due: 2000, Delivered: 2000}, "1 message was published, to be delivered 2,000 times in all. All of them arrived. None was lost, repeated, out of order or changed."},
		"one lost":       {audit.Sums{Published: 5, Due: 5, Delivered: 4, Lost: 1}, "5 messages were published, to be delivered 5 times in all. 4 arrived (80 %). 1 was lost. None was repeated, out of order or changed."},
		"only repeated":  {audit.Sums{Published: 5, Due: 5, Delivered: 5, Duplicated: 2}, "5 messages were published, to be delivered 5 times in all. All of them arrived. None was lost, but 2 arrived again."},
		"all went wrong": {audit.Sums{Published: 5, Due: 5, Delivered: 3, Lost: 2, Duplicated: 1, Reordered: 1, Corrupted: 1}, "5 messages were published, to be delivered 5 times in all. 3 arrived (60 %). 2 were lost; 1 arrived again, 1 out of order and 1 changed."},
	} {
		if got := auditSentence(&result.Result{Audit: row.sums}); got != row.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, row.want)
		}
		lost := []result.Worker{{Address: "a", Lost: "why"}}
		if got := auditSentence(&result.Result{Audit: row.sums, Workers: lost}); row.sums.Published > 0 && got != "A worker was lost; this is what the others know, and it had told. "+row.want {
			t.Errorf("%s, with a worker lost:\n%s", name, got)
		}
	}
}

func TestKeyFiguresAreOfWhatTheRunWasAbout(t *testing.T) {
	res := &result.Result{Latency: result.Latency{Connect: result.NewHistogram()}}
	res.Latency.Connect.Record(5 * time.Millisecond)
	rows := keyFigures(res)
	if len(rows) != 1 || rows[0][1].Name != "Connect p50" || rows[0][1].Value != "5 ms" || rows[0][1].Note != "of only 1" {
		t.Errorf("of a run that only connected: %+v", rows)
	}
	rows = keyFigures(fixture.Run(fixture.Config{}))
	if len(rows) != 2 || rows[0][1].Name != "Deliveries per second" || rows[0][3].Name != "Delivery p99" || rows[1][0].Value != "0" || rows[1][0].Bad {
		t.Errorf("of a run that delivered: %+v", rows)
	}
}

func TestDeliveryRateIsTheOneOfAllReports(t *testing.T) {
	res := fixture.Run(fixture.Config{})
	mean, peak := deliveryRate(res)
	if mean != figureOf(res, "delivered_per_s") || math.Abs(mean-25333) > 1 || peak != 60000 {
		t.Errorf("%v and at most %v, want 25,333 and 60,000", mean, peak)
	}
	if !math.IsNaN(figureOf(res, "no such figure")) {
		t.Error("a figure that does not exist is a number")
	}
}
