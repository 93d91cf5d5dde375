package compare

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// fanout is a result of 10 s in which each delivery took so many milliseconds, and cost
// the server so many microseconds of CPU.
func fanout(url string, latency int, cpu float64) *result.Result {
	h := result.NewHistogram()
	for i := range 20_000 {
		h.Record(time.Duration(latency+i%10) * time.Millisecond)
	}
	sums := audit.Sums{Published: 1000, Due: 1_000_000, Delivered: 1_000_000}
	counts := result.Counts{Attempts: 1000, Connected: 1000, Published: 1000, Received: 1_000_000}
	return &result.Result{
		Ended: "complete",
		Plan: plan.Plan{
			URLs: []string{url}, Seed: uint64(latency),
			Groups: []plan.Group{{Name: "fanout", Scenario: "fanout", Clients: 1000, Transport: []string{"websocket"}, Rooms: 1, Window: 16}},
			Phases: []plan.Phase{{Kind: plan.Hold, Duration: 10 * time.Second}},
		},
		Machine: result.Machine{OS: "linux", Arch: "amd64", Cores: 2, CPU: "Xeon"},
		Counts:  counts, Audit: sums, Latency: result.Latency{Delivery: h},
		Servers: []result.Server{{Name: url}},
		Before:  []result.Sample{{ResidentBytes: 30 << 20}},
		Phases: []result.Phase{{
			Kind: plan.Hold, To: 10, Counts: counts, Audit: sums,
			Servers: []result.Usage{{CPUSeconds: cpu, ResidentBytes: 40 << 20}},
		}},
		Intervals: []result.Interval{{To: 10, Open: 1000, Servers: []result.Sample{{ResidentBytes: 40 << 20, QueueBytes: result.Missing}}}},
	}
}

// find returns a row by its section's beginning and its name.
func find(t *testing.T, c *Comparison, section, name string) Row {
	t.Helper()
	for _, s := range c.Sections {
		if !strings.HasPrefix(s.Title, section) {
			continue
		}
		for _, r := range s.Rows {
			if r.Name == name {
				return r
			}
		}
	}
	t.Fatalf("there is no %s in %s", name, section)
	return Row{}
}

func TestTableIsAsInItsFile(t *testing.T) {
	a, b := fanout("http://127.0.0.1:3000", 5, .8), fanout("http://127.0.0.1:4000", 100, 7.6)
	b.Audit.Lost, b.Audit.Delivered = 3, 999_997
	b.Phases[0].Audit = b.Audit
	b.Errors = []result.ErrorClass{{Class: "connect: refused", Count: 5}}
	b.Counts.ConnectErrors = 5
	a.Checks = []result.Check{{Text: "lost=0", Found: "0 of 1,000,000", OK: true}}
	b.Checks = []result.Check{{Text: "lost=0", Found: "3 of 1,000,000"}}
	c := Compare(a, b, "gateway", "node")
	for file, write := range map[string]func(*bytes.Buffer) error{
		"testdata/table.txt": func(w *bytes.Buffer) error { return c.Text(w) },
		"testdata/table.md":  func(w *bytes.Buffer) error { return c.Markdown(w) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s is not\n%s", file, got.String())
		}
	}
}

func TestSameRunHasNothingBetterOrWorse(t *testing.T) {
	c := Compare(fanout("http://a", 5, 1), fanout("http://a", 5, 1), "a", "b")
	if c.Reasons != nil {
		t.Errorf("reasons %q", c.Reasons)
	}
	for _, s := range c.Sections {
		for _, r := range s.Rows {
			if r.Mark != Same || strings.HasPrefix(s.Title, "configuration") {
				t.Errorf("%s: %+v", s.Title, r)
			}
		}
	}
}

func TestDifferencesBelowTheNoiseAreNotMarked(t *testing.T) {
	for cpu, want := range map[float64]Mark{1: Same, 1.04: Same, .96: Same, 1.2: Worse, .8: Better} {
		c := Compare(fanout("http://a", 5, 1), fanout("http://a", 5, cpu), "a", "b")
		if got := find(t, c, "servers", "cpu_us_per_delivery").Mark; got != want {
			t.Errorf("%v times the CPU is %q, want %q", cpu, got, want)
		}
	}
}

func TestOtherLoadIsAReasonNotToCompare(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*result.Result)
		says   string
	}{
		"scenario":    {func(r *result.Result) { r.Plan.Groups[0].Scenario = "chat" }, "groups[0].scenario"},
		"clients":     {func(r *result.Result) { r.Plan.Groups[0].Clients = 7 }, "groups[0].clients"},
		"payload":     {func(r *result.Result) { r.Plan.Groups[0].Payload = plan.Dist{Kind: "constant", A: 9} }, "groups[0].payload"},
		"one more":    {func(r *result.Result) { r.Plan.Groups = append(r.Plan.Groups, plan.Group{Name: "x"}) }, "groups[1].name"},
		"duration":    {func(r *result.Result) { r.Plan.Phases[0].Duration = time.Minute }, "phases[0].duration"},
		"rate":        {func(r *result.Result) { r.Plan.Phases[0].Rate = map[string]float64{"fanout": 5} }, "phases[0].rate.fanout"},
		"transport":   {func(r *result.Result) { r.Plan.Groups[0].Transport = []string{"polling"} }, "groups[0].transport"},
		"machine":     {func(r *result.Result) { r.Machine.Cores = 64 }, "different machines"},
		"interrupted": {func(r *result.Result) { r.Ended = "interrupted" }, "b is not complete: interrupted"},
		"no end":      {func(r *result.Result) { r.Ended = "" }, "b is not complete"},
	} {
		t.Run(name, func(t *testing.T) {
			b := fanout("http://a", 5, 1)
			tt.change(b)
			c := Compare(fanout("http://a", 5, 1), b, "a", "b")
			if len(c.Reasons) != 1 || !strings.Contains(c.Reasons[0], tt.says) {
				t.Errorf("reasons %q, want one with %s", c.Reasons, tt.says)
			}
			var out bytes.Buffer
			if err := c.Text(&out); err != nil || !strings.HasPrefix(out.String(), "These results should not be compared:\n  - ") {
				t.Errorf("it begins with %.80q, %v", out.String(), err)
			}
		})
	}
}

func TestOtherServerIsNoReason(t *testing.T) {
	b := fanout("http://b", 5, 1)
	b.Plan.Path, b.Plan.Metrics, b.Plan.Expect, b.Plan.Seed = "/ws/", []string{"http://b/metrics"}, "lost=0", 99
	b.Plan.Auth = map[string]any{"token": "s3cret"}
	b.Plan.Events.Request = []any{"echo", "{payload}"}
	c := Compare(fanout("http://a", 5, 1), b, "a", "b")
	if c.Reasons != nil {
		t.Errorf("reasons %q", c.Reasons)
	}
	var names []string
	for _, r := range c.Sections[0].Rows {
		names = append(names, r.Name)
	}
	if want := []string{"auth.token", "events.request", "path", "url"}; !slices.Equal(names, want) {
		t.Errorf("rows of configuration are %q, want %q", names, want)
	}
	var out bytes.Buffer
	if err := c.Markdown(&out); err != nil || strings.Contains(out.String(), "s3cret") {
		t.Errorf("the secret is shown, or %v", err)
	}
}

func TestTailWithTooFewTimesIsNotJudged(t *testing.T) {
	a, b := fanout("http://a", 5, 1), fanout("http://a", 50, 1)
	c := Compare(a, b, "a", "b")
	if find(t, c, "delivery", "p9999").Mark != Worse || find(t, c, "delivery", "p50").Mark != Worse {
		t.Error("a slower run is not worse")
	}
	if find(t, c, "delivery", "max").Mark != Same {
		t.Error("one longest time is judged")
	}
	b.Latency.Delivery = result.NewHistogram()
	for range 500 {
		b.Latency.Delivery.Record(time.Second)
	}
	c = Compare(a, b, "a", "b")
	if find(t, c, "delivery", "p99").Mark != Worse || find(t, c, "delivery", "p999").Mark != Same {
		t.Error("p999 of 500 times is judged, or p99 is not")
	}
}

func TestWhatOneRunLacksIsADash(t *testing.T) {
	b := fanout("http://a", 5, 1)
	b.Latency.Delivery = nil
	b.Phases[0].Servers[0] = result.Usage{CPUSeconds: -1, ResidentBytes: -1, Connections: -1}
	c := Compare(fanout("http://a", 5, 1), b, "a", "b")
	for _, name := range []string{"cpu_us_per_delivery", "memory at the end of the load, MiB"} {
		if r := find(t, c, "servers", name); r.B != "–" || r.Mark != Same || ratio(r.Ratio) != "" {
			t.Errorf("%+v", r)
		}
	}
	if r := find(t, c, "delivery", "p50"); r.B != "–" || r.Mark != Same {
		t.Errorf("%+v", r)
	}
}

func TestFailuresAreComparedByTheirShares(t *testing.T) {
	a, b := fanout("http://a", 5, 1), fanout("http://a", 5, 1)
	a.Counts.ConnectErrors, a.Counts.Attempts = 10, 1000
	b.Counts.ConnectErrors, b.Counts.Attempts = 20, 4000
	a.Audit.Lost = 5
	c := Compare(a, b, "a", "b")
	if r := find(t, c, "connections", "connect_errors"); r.Mark != Better || r.B != "20 (0.5 %)" || r.Ratio != .5 {
		t.Errorf("%+v", r)
	}
	if r := find(t, c, "messages", "lost"); r.Mark != Better || r.A != "5 (0.0005 %)" || r.B != "0" {
		t.Errorf("%+v", r)
	}
}

func TestFileCannotSendCommandsToTheTerminal(t *testing.T) {
	b := fanout("http://\x1b[2J", 5, 1)
	b.Ended = "\x1b]0;x\a"
	b.Errors = []result.ErrorClass{{Class: "connect_error: \x1b[31m|" + strings.Repeat("x", 500), Count: 1}}
	c := Compare(fanout("http://a", 5, 1), b, "a\x1b", "b")
	var text, markdown bytes.Buffer
	if err := c.Text(&text); err != nil {
		t.Fatal(err)
	}
	if err := c.Markdown(&markdown); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), markdown.String()} {
		if strings.ContainsAny(out, "\x1b\a") || strings.Contains(out, strings.Repeat("x", 60)) {
			t.Errorf("it has\n%s", out)
		}
	}
	if !strings.Contains(markdown.String(), `31m\|`) {
		t.Error("a bar in a cell is not escaped")
	}
}
