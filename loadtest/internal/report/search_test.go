package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/search"
)

// anyRun is what the runs of searches are made of. Nobody changes it.
var anyRun = sync.OnceValue(func() *result.Result { return fixture.Run(fixture.Config{Seconds: 20}) })

// searchOf is a search whose runs end as verdict says, each with the latency of its load.
func searchOf(verdict func(load float64) search.Verdict) *search.Record {
	c := search.Config{From: 100, To: 20_000, Precision: .05}
	r := &search.Record{
		Version: search.Version, Tool: "causeway loadtest v0.1.0", Command: []string{"loadtest", "search", "--scenario", "fanout"},
		Started: time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC), Ended: search.Complete, Vary: "rate", Unit: "messages/s",
		From: c.From, To: c.To, Precision: c.Precision, Expect: "delivery_p99<50ms,lost=0", Metric: "delivery", Quantile: "p99", Limit: .05,
		MostRuns: c.MostRuns(), RunSeconds: 60, Plan: fixture.Empty().Plan,
	}
	s := search.New(c)
	for {
		load, try, ok := s.Next()
		if !ok {
			break
		}
		made := *anyRun()
		run := &search.Run{Load: load, Try: try, Verdict: verdict(load), Busy: .4, Result: &made}
		p99 := time.Duration(2+48*load/1300) * time.Millisecond
		run.Result.Latency.Delivery = result.NewHistogram()
		run.Result.Latency.Delivery.Record(p99)
		run.Result.Checks = []result.Check{{Text: "delivery_p99<50ms", Found: result.Time(p99), OK: run.Verdict == search.Met}, {Text: "lost=0", Found: "0", OK: true}}
		if run.Verdict == search.Held {
			run.Why = "the load tool used 1.95 of 2 cores"
		}
		s.Add(run.Verdict)
		r.Runs = append(r.Runs, run)
	}
	r.Conclude(s)
	return r
}

// upTo is a server, or a load tool, that bears loads up to a capacity.
func upTo(capacity float64, beyond search.Verdict) func(float64) search.Verdict {
	return func(load float64) search.Verdict {
		if load <= capacity {
			return search.Met
		}
		return beyond
	}
}

// searches is one of each kind. Nobody changes them.
var searches = sync.OnceValue(func() map[string]*search.Record {
	hostile := searchOf(upTo(1300, search.Unmet))
	all := strings.Join(fixture.Hostile, " ")
	hostile.Expect, hostile.Tool, hostile.Warnings, hostile.Conclusion = all, all, fixture.Hostile, all
	hostile.Plan.URLs = fixture.Hostile
	worst := fixture.Run(fixture.Config{Servers: 3, Faulty: true})
	fixture.MakeHostile(worst)
	for _, run := range hostile.Runs {
		run.Why, run.Result = all, worst
	}
	cut := searchOf(upTo(1300, search.Unmet))
	cut.Ended, cut.Runs, cut.Warnings = search.Interrupted, cut.Runs[:3], []string{"the search ends at 950 clients, and not at 10,000"}
	none := searchOf(upTo(1300, search.Unmet))
	none.Ended, none.Runs, none.Found, none.Failed = search.Interrupted, nil, 0, 0
	return map[string]*search.Record{
		"search-found": searchOf(upTo(1300, search.Unmet)), "search-none": searchOf(upTo(1, search.Unmet)), "search-all": searchOf(upTo(1e9, search.Unmet)),
		"search-held": searchOf(upTo(1300, search.Held)), "search-interrupted": cut, "search-empty": none, "search-hostile": hostile,
	}
})

// searchTexts is what a search writes to a terminal and into a page.
func searchTexts(t *testing.T, r *search.Record) (text, page string) {
	t.Helper()
	var terminal, html bytes.Buffer
	errs := []error{SearchBegin(&terminal, r)}
	for i := range r.Runs {
		soFar := *r
		soFar.Runs = r.Runs[:i+1]
		errs = append(errs, SearchRun(&terminal, &soFar))
	}
	for _, err := range append(errs, SearchEnd(&terminal, r), Search(&html, r)) {
		if err != nil {
			t.Error(err)
		}
	}
	return terminal.String(), html.String()
}

func TestEveryKindOfSearchHasAPageAndLines(t *testing.T) {
	for name, r := range searches() {
		text, page := searchTexts(t, r)
		scripts := 1
		if best := r.Best(); best != nil {
			scripts += 1 + len(charts(best.Result))
		}
		harmless(t, name, page, scripts)
		for _, s := range []string{"<script>alert", "<img", "\x1b", "\u202e", "\x00", "hunter2"} {
			if strings.Contains(page, s) {
				t.Errorf("%s: %q is in the page", name, s)
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			if len(line) > columns || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("%s: %d columns: %q", name, len(line), line)
			}
		}
		if *preview == "" {
			continue
		}
		for file, s := range map[string]string{name + ".html": page, name + ".txt": text} {
			if err := os.WriteFile(filepath.Join(*preview, file), []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestPageOfASearchShowsEveryRunAndTheBest(t *testing.T) {
	r := searches()["search-found"]
	_, page := searchTexts(t, r)
	_, best, found := strings.Cut(pageOf(t, r.Best().Result), `<section aria-label="Key figures"`)
	if !found || !strings.Contains(page, best) {
		t.Error("the report of the best run is not in it whole")
	}
	if n := strings.Count(page, `class="spot `); n != len(r.Runs)+2 { // and two of the legend
		t.Errorf("%d marks for %d runs", n, len(r.Runs))
	}
	if n := strings.Count(page, `<tr class="best">`); n != 1 {
		t.Errorf("%d runs are the best", n)
	}
	for _, want := range []string{"1,280 messages/s</h2>", "allowed: 50 ms", "not met, again", "delivery_p99&lt;50ms, found ", "Delivery p99 by load"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

func TestStateOfASearchIsSeen(t *testing.T) {
	for name, want := range map[string][2]string{
		"search-found": {"pass", "1,280 messages/s"}, "search-all": {"pass", "20,000 messages/s"}, "search-none": {"fail", "Not even 100 messages/s"},
		"search-held": {"broken", "1,280 messages/s"}, "search-interrupted": {"broken", "1,280 messages/s"}, "search-empty": {"broken", "Nothing found"},
	} {
		if v := searchVerdict(searches()[name]); v.State != want[0] || v.Word != want[1] {
			t.Errorf("%s: %s, %s", name, v.State, v.Word)
		}
	}
}

func TestLinesOfASearchAreATable(t *testing.T) {
	text, _ := searchTexts(t, searches()["search-held"])
	for _, want := range []string{
		"How many messages/s fanout on http://localhost:3000 bears with",
		" run   messages/s  verdict             p50       p99  deliveries/s  server  tool\n",
		"   1          100  met                5 ms      5 ms",
		"HELD UP, AGAIN",
		"the load tool used 1.95 of 2 cores",
		"the server may bear more",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestScaleAroundLoadsHasTicksWithin(t *testing.T) {
	for _, tt := range [][2]float64{{100, 100}, {1000, 1300}, {43, 44}, {1, 1e6}, {.5, 40}} {
		s := around(tt[0], tt[1])
		if len(s.ticks) == 0 || s.place(tt[0]) < .01 || s.place(tt[1]) > .99 {
			t.Errorf("%v: %+v", tt, s)
		}
		for _, tick := range s.ticks {
			if tick.at < 0 || tick.at > 1 {
				t.Errorf("%v: tick %+v", tt, tick)
			}
		}
	}
}
