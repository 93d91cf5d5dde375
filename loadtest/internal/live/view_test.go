package live

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-rt/causeway/internal/terminal"
	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

var preview = flag.String("preview", "", "directory to leave pictures of frames in")

// shown is a terminal with the frames of a run on it, one after the other.
func shown(t *testing.T, res *result.Result, width, height int, settings ...string) *terminal.Screen {
	t.Helper()
	tty := terminal.New(width, height)
	s := &screen{style: styleOf(environment(settings...)), out: tty}
	r := newRun(res.Plan)
	s.draw(compose(r, s.style, width, height), width)
	for i := range res.Intervals {
		r.add(&res.Intervals[i])
		s.draw(compose(r, s.style, width, height), width)
	}
	if len(tty.Unknown) > 0 {
		t.Errorf("sequences that not every terminal knows: %q", tty.Unknown)
	}
	return tty
}

// faulty is a run that nobody changes.
var faulty = sync.OnceValue(newFaulty)

func newFaulty() *result.Result {
	res := fixture.Run(fixture.Config{Servers: 3, Faulty: true})
	res.Plan.Metrics = []string{"http://localhost:9090/metrics", "http://localhost:9091/metrics", "http://localhost:9092/metrics"}
	return res
}

func TestFrameShowsTheRun(t *testing.T) {
	tty := shown(t, faulty(), 100, 40)
	text := strings.Join(tty.Lines(), "\n")
	for _, want := range []string{
		"fanout  http://localhost:3000 and 2 more", "1:00 of 1:00", "phase 5 of 5 end", "100 %", "clients   5,000 open of 5,000, 1",
		"/s published, ", "1.14M in all", "  delivery   all", "delivery p99", "received/s",
		"1.14M due, 1.14M delivered", " lost, ", "localhost:9092", "this load tool",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "phase 5 of 5"); n != 1 {
		t.Errorf("%d frames are seen, want 1", n)
	}
	if *preview != "" {
		for name, tty := range map[string]*terminal.Screen{"wide.svg": tty, "narrow.svg": shown(t, faulty(), 44, 20)} {
			var b bytes.Buffer
			if err := tty.SVG(&b, name); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*preview, name), b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestFrameFitsEveryTerminal(t *testing.T) {
	res := faulty()
	r := newRun(res.Plan)
	for i := range 45 {
		r.add(&res.Intervals[i])
	}
	r.news = strings.Repeat("news ", 60)
	for width := 1; width < 130; width++ {
		for _, height := range []int{1, 2, 3, 7, 12, 20, 30, 60} {
			frame := compose(r, style{}, width, height)
			if len(frame) > height-1 {
				t.Fatalf("%d x %d: %d lines", width, height, len(frame))
			}
			for _, l := range frame {
				if l.width() > width {
					t.Fatalf("%d x %d: a line of %d columns: %v", width, height, l.width(), l)
				}
			}
		}
	}
}

func TestServerThatIsCountedWithAnotherShowsNoFiguresOfItsOwn(t *testing.T) {
	res := faulty()
	r := newRun(res.Plan)
	for i := range 45 {
		iv := &res.Intervals[i]
		iv.Servers[1].CPUSeconds, iv.Servers[1].ResidentBytes = 0, 0
		r.add(iv)
	}
	var rows [][]string
	for _, l := range compose(r, style{}, 120, 60) {
		if cells := strings.Fields(l.String()); len(cells) >= 5 && strings.HasPrefix(cells[0], "localhost:") {
			rows = append(rows, cells)
		}
	}
	if len(rows) < 2 || rows[0][1] == "-" || rows[1][1] != "-" || rows[1][2] != "-" {
		t.Errorf("rows of servers: %q", rows)
	}
}

func TestNarrowTerminalCutsNoFigure(t *testing.T) {
	res := faulty()
	r := newRun(res.Plan)
	for i := range 45 {
		r.add(&res.Intervals[i])
	}
	whole := map[string]bool{}
	for _, l := range compose(r, style{}, 200, 60) {
		for _, word := range strings.Fields(l.String()) {
			whole[strings.TrimRight(word, "/s;,")] = true
		}
	}
	for width := 20; width < 110; width++ {
		for _, l := range compose(r, style{}, width, 60)[2:] { // without title and progress, which are made to measure
			for _, word := range strings.Fields(l.String()) {
				if strings.ContainsAny(word, "0123456789") && !whole[strings.TrimRight(word, "/s;,")] {
					t.Errorf("%d columns: %q in %q", width, word, l.String())
				}
			}
		}
	}
}

func TestLowTerminalShowsWhatMattersMost(t *testing.T) {
	text := strings.Join(shown(t, faulty(), 100, 6).Lines(), "\n")
	for _, want := range []string{"phase 5 of 5", "clients", "messages", " lost, "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestFrameFollowsAResizedTerminal(t *testing.T) {
	res := faulty()
	tty := terminal.New(100, 60)
	s := &screen{out: tty}
	r := newRun(res.Plan)
	fmt.Fprint(tty, "before\r\n")
	width := 100
	for i := range res.Intervals {
		switch i {
		case 20:
			width = 57
			tty.Resize(width)
		case 40:
			width = 90
			tty.Resize(width)
		}
		r.add(&res.Intervals[i])
		s.draw(compose(r, s.style, width, 60), width)
	}
	lines := tty.Lines()
	if lines[0] != "before" {
		t.Errorf("what was there before is gone: %q", lines[0])
	}
	if n := strings.Count(strings.Join(lines, "\n"), "phase 5 of 5"); n != 1 || !strings.HasPrefix(lines[1], "fanout") {
		t.Errorf("%d frames are seen, want 1, in the second line:\n%s", n, strings.Join(lines, "\n"))
	}
}

func TestColoursAreLeftOutIfAsked(t *testing.T) {
	for name, row := range map[string]struct {
		settings []string
		coloured bool
		blocks   bool
	}{
		"as usual":        {nil, true, true},
		"NO_COLOR":        {[]string{"NO_COLOR=1"}, false, true},
		"NO_COLOR empty":  {[]string{"NO_COLOR="}, true, true},
		"no UTF-8":        {[]string{"LANG=de_DE.ISO-8859-1"}, true, false},
		"UTF-8":           {[]string{"LANG=C", "LC_ALL=de_DE.UTF-8"}, true, true},
		"the C locale":    {[]string{"LC_ALL=C"}, true, false},
		"LANG of no word": {[]string{"LC_CTYPE=C.utf8", "LANG=C"}, true, true},
	} {
		coloured, blocks := false, false
		for _, cells := range shown(t, faulty(), 100, 40, row.settings...).Rows() {
			for _, c := range cells {
				coloured = coloured || c.Tone != ""
				blocks = blocks || c.Rune > '~'
			}
		}
		if coloured != row.coloured || blocks != row.blocks {
			t.Errorf("%s: colours %v, blocks %v", name, coloured, blocks)
		}
	}
}

func TestHostileNamesMoveNothing(t *testing.T) {
	res := newFaulty()
	fixture.MakeHostile(res)
	res.Plan.Phases[4].Name = "\x1b[2J\x1b]0;owned\x07"
	res.Plan.Metrics = fixture.Hostile[:3]
	text := strings.Join(shown(t, res, 100, 40).Lines(), "\n")
	if !strings.Contains(text, `\x1b[2J\x1b]0;owned\a`) {
		t.Errorf("the phase's name is not there as it is:\n%s", text)
	}
}

func TestWithoutATerminalThereIsALineForEachInterval(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	res := faulty()
	v := New(write, res.Plan)
	for _, iv := range res.Intervals {
		v.Interval(iv)
	}
	v.Say("the end\x1b[2J")
	v.Close()
	v.Close()
	write.Close()
	out, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != 61 || lines[60] != `the end\x1b[2J` {
		t.Fatalf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if want := "   0:37 phase three_times_the_rate 17% open 5000/5000 published/s 600 received/s "; !strings.HasPrefix(lines[36], want) {
		t.Errorf("%q, want %q first", lines[36], want)
	}
	for _, want := range []string{" delivery_p50 ", " delivery_p99 ", "ms lost ", " dup ", " errors "} {
		if !strings.Contains(lines[36], want) {
			t.Errorf("no %q in %q", want, lines[36])
		}
	}
}

// stuck takes nothing until it is let go.
type stuck struct {
	free chan struct{}
	mu   sync.Mutex
	got  bytes.Buffer // guarded by mu
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(p)
}

func TestOutputThatTakesNothingDelaysNoMeasurement(t *testing.T) {
	res := faulty()
	for name, terminal := range map[string]bool{"terminal": true, "pipe": false} {
		out := &stuck{free: make(chan struct{})}
		var s *screen
		if terminal {
			s = &screen{out: out, size: func() (int, int) { return 80, 24 }}
		}
		v := start(out, s, res.Plan)
		for i := range 3 * maxLines { // more than could ever wait
			v.Interval(res.Intervals[i%len(res.Intervals)])
		}
		close(out.free)
		v.Close()
		<-v.done
		if !terminal && !strings.Contains(out.got.String(), " lines were left out: they were not read in time)") {
			t.Errorf("%s: nothing tells that lines were left out", name)
		}
	}
}

func TestIntervalsOfAnyKindAreShown(t *testing.T) {
	for name, iv := range map[string]result.Interval{
		"empty":           {},
		"no such phase":   {Phase: 99, To: 1},
		"negative phase":  {Phase: -1, To: 1},
		"no time":         {From: 3, To: 3, Counts: result.Counts{Received: 5, Published: 5}},
		"strangers":       {To: 1, Audit: audit.Sums{Unknown: 5}},
		"missing samples": {To: 1, Servers: []result.Sample{result.NoSample()}, Tool: result.NoSample()},
	} {
		for _, p := range []plan.Plan{{}, faulty().Plan} {
			r := newRun(p)
			r.add(&iv)
			r.add(&iv)
			if frame := compose(r, style{}, 80, 24); len(frame) == 0 {
				t.Errorf("%s: nothing is shown", name)
			}
			if s := intervalLine(r, &iv); !strings.Contains(s, "open 0/0") {
				t.Errorf("%s: %q", name, s)
			}
		}
	}
}

func TestIntervalCutShortCountsAndChangesNoRate(t *testing.T) {
	r := newRun(plan.Plan{})
	r.add(&result.Interval{From: 0, To: 1, Counts: result.Counts{Received: 100}, Tool: result.Sample{CPUSeconds: 1}})
	r.add(&result.Interval{From: 1, To: 1.001, Counts: result.Counts{Received: 50}, Tool: result.Sample{CPUSeconds: 1.4}})
	if r.rates.received != 100 || r.counts.Received != 150 || len(r.received) != 1 {
		t.Errorf("%v/s, %d in all, %d remembered", r.rates.received, r.counts.Received, len(r.received))
	}
	r.add(&result.Interval{From: 1.001, To: 2, Counts: result.Counts{Received: 999}, Tool: result.Sample{CPUSeconds: 1.5}})
	if math.Abs(r.rates.received-1000) > 1e-9 || math.Abs(r.cores[0]-0.5) > 1e-9 {
		t.Errorf("%v/s and %v cores, want 1000 and 0.5", r.rates.received, r.cores)
	}
}

func TestSparklineReachesFromZeroToTheHighest(t *testing.T) {
	nan := math.NaN()
	for name, row := range map[string]struct {
		values  []float64
		columns int
		want    string
	}{
		"rising":         {[]float64{0, 1, 2, 4, 8}, 10, "▁▂▃▅█"},
		"missing":        {[]float64{nan, 8, nan}, 10, " █ "},
		"zero":           {[]float64{0, 0}, 10, "▁▁"},
		"only the last":  {[]float64{8, 8, 1, 8}, 2, "▂█"},
		"nothing":        {nil, 10, ""},
		"no room at all": {[]float64{1, 2}, 0, ""},
	} {
		if got := spark(row.values, row.columns, style{blocks: true}); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
	if got := spark([]float64{0, 4, 8}, 3, style{}); got != "_+#" {
		t.Errorf("in ASCII: %q", got)
	}
}

func TestErasedViewLeavesNothing(t *testing.T) {
	res := faulty()
	tty := terminal.New(100, 40)
	fmt.Fprint(tty, "before\r\n")
	v := start(tty, &screen{style: styleOf(environment()), out: tty, size: func() (int, int) { return 100, 40 }}, res.Plan)
	for _, iv := range res.Intervals {
		v.Interval(iv)
	}
	v.Erase()
	fmt.Fprint(tty, "after\r\n")
	if got := strings.TrimSpace(strings.Join(tty.Lines(), "\n")); got != "before\nafter" {
		t.Errorf("left is:\n%s", got)
	}
}
