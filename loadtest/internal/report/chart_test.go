package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

func labels(s scale) string {
	var all []string
	for _, t := range s.ticks {
		all = append(all, t.label)
	}
	return strings.Join(all, " ")
}

func TestScalesHaveRoundTicksThatFit(t *testing.T) {
	for name, row := range map[string]struct {
		s    scale
		want string
	}{
		"from zero":              {fromZero(43, show.Short), "0 10 20 30 40 50"},
		"room above":             {fromZero(5000, show.Short), "0 1k 2k 3k 4k 5k 6k"},
		"of nothing":             {fromZero(0, show.Short), "0 0.2 0.4 0.6 0.8 1 1.2"},
		"of no number":           {fromZero(math.NaN(), show.Short), "0 0.2 0.4 0.6 0.8 1 1.2"},
		"memory":                 {sizes(300 << 20), "0 B 100 MiB 200 MiB 300 MiB 400 MiB"},
		"three decades":          {decades(1.2, 900, latencyLabel), "1 ms 2 ms 5 ms 10 ms 20 ms 50 ms 100 ms 200 ms 500 ms 1 s"},
		"six decades":            {decades(0.01, 9000, latencyLabel), "0.01 ms 0.1 ms 1 ms 10 ms 100 ms 1 s 10 s"},
		"one value":              {decades(3, 3, latencyLabel), "2 ms 5 ms"},
		"a minute":               {clock(60), "0:00 0:10 0:20 0:30 0:40 0:50 1:00"},
		"an hour":                {clock(3600), "0:00 10:00 20:00 30:00 40:00 50:00 1:00:00"},
		"no time":                {clock(0), "0:00 0:01"},
		"percentiles of a few":   {nines(100), "p50 p90 p99"},
		"percentiles of a lot":   {nines(1e6), "p50 p90 p99 p99.9 p99.99 p99.999 p99.9999"},
		"latencies near zero":    {fromZero(0.004, latencyLabel), "0 1 µs 2 µs 3 µs 4 µs 5 µs"},
		"far more than a screen": {clock(90000), "0:00 6:00:00 12:00:00 18:00:00 24:00:00"},
	} {
		if got := labels(row.s); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
		if !slices.IsSortedFunc(row.s.ticks, func(a, b tick) int { return int(math.Copysign(1, a.at-b.at)) }) {
			t.Errorf("%s: ticks out of order", name)
		}
		for _, tick := range row.s.ticks {
			if !(tick.at >= 0 && tick.at <= 1) {
				t.Errorf("%s: %s at %v", name, tick.label, tick.at)
			}
		}
	}
}

func TestPlaceKeepsToTheScale(t *testing.T) {
	linear, log := fromZero(90, show.Short), decades(1, 1000, show.Short)
	for name, row := range map[string]struct{ got, want float64 }{
		"middle":          {linear.place(50), 0.5},
		"below":           {linear.place(-5), 0},
		"above":           {linear.place(500), 1},
		"missing":         {linear.place(math.NaN()), math.NaN()},
		"logarithm":       {log.place(math.Sqrt(1000)), 0.5},
		"no logarithm":    {log.place(0), math.NaN()},
		"below logarithm": {log.place(-1), math.NaN()},
	} {
		if math.IsNaN(row.got) != math.IsNaN(row.want) || math.Abs(row.got-row.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, row.got, row.want)
		}
	}
}

// drawn is a chart of one series at 0, 1, 2, ….
func drawn(values ...float64) *chart {
	c := &chart{x: clock(float64(len(values) - 1)), y: fromZero(90, show.Short), moment: show.Clock}
	for i := range values {
		c.at = append(c.at, float64(i))
	}
	c.series = []series{{name: "line", colour: 3, values: values, show: show.Short}}
	return c
}

func TestMissingValuesInterruptTheLine(t *testing.T) {
	nan := math.NaN()
	plot := string(drawn(0, 50, nan, 100, nan, 25, 25).drawPlot())
	if want := `class="line s3" d="M0 180h0L166.7 90M500 0h0M833.3 135h0L1000 135"`; !strings.Contains(plot, want) {
		t.Errorf("no %s in %s", want, plot)
	}
}

func TestEachRowOfBarsHasItsOwnScale(t *testing.T) {
	c := drawn(0, 1000, 0, 0)
	c.series = append(c.series, series{name: "rare", colour: 4, values: []float64{0, 0, 1, 0}, show: show.Short})
	c.lanes()
	plot := string(c.drawPlot())
	for _, want := range []string{`class="bar s3" d="M183.3 90v-72H483.3V90z"`, `class="bar s4" d="M516.7 180v-72H816.7V180z"`} {
		if !strings.Contains(plot, want) {
			t.Errorf("no %s in %s", want, plot)
		}
	}
	if axis := string(c.drawAxis()); !strings.Contains(axis, ">1k<") || !strings.Contains(axis, ">1<") {
		t.Errorf("the rows' highest counts are not in %s", axis)
	}
}

func TestPhasesAreNamedWhereThereIsRoom(t *testing.T) {
	for name, row := range map[string]struct {
		b    band
		want string
	}{
		"room":         {band{2, "steady", 0, 0.5}, "steady"},
		"for a number": {band{2, "steady", 0, 0.05}, "2"},
		"for nothing":  {band{2, "steady", 0, 0.005}, ""},
	} {
		if got := row.b.label(wideWidth); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

func TestDrawingEscapesText(t *testing.T) {
	c := drawn(1, 2)
	c.bands = []band{{1, `<a>&"`, 0, 1}}
	c.y.ticks = []tick{{0.5, "</svg>"}}
	for _, s := range []string{string(c.drawPlot()), string(c.drawAxis())} {
		if strings.Contains(s, "<a>") || strings.Contains(s, "</svg></text>") {
			t.Errorf("not escaped: %s", s)
		}
	}
	if !strings.Contains(string(c.drawPlot()), "&lt;a&gt;&amp;&#34;") {
		t.Error("the phase's name is not there")
	}
}

func TestCPUIsWhatWasUsedSinceTheSampleBefore(t *testing.T) {
	var intervals []result.Interval
	for i, used := range []float64{1, 1.5, -1, 3.5, 0.2, 0.3} {
		intervals = append(intervals, result.Interval{From: float64(i), To: float64(i + 1), Servers: []result.Sample{{CPUSeconds: used}}})
	}
	all, _ := steps(intervals)
	got := cores(all, result.NoSample(), server(0))
	for i, want := range []float64{math.NaN(), 0.5, math.NaN(), 1, 0.2, 0.1} {
		if math.IsNaN(got[i]) != math.IsNaN(want) || math.Abs(got[i]-want) > 1e-9 {
			t.Errorf("interval %d: %v, want %v", i, got[i], want)
		}
	}
	if got := cores(all, result.NoSample(), server(7)); !math.IsNaN(largestOrNaN(got)) {
		t.Errorf("a server that is not there used %v", got)
	}
}

func TestIntervalsCutShortMakeNoRates(t *testing.T) {
	intervals := []result.Interval{
		{From: 0, To: 1, Counts: result.Counts{Received: 100}},
		{From: 1, To: 1.001, Counts: result.Counts{Received: 50}},
		{From: 1.001, To: 1.001, Counts: result.Counts{Received: 1}},
		{From: 1.001, To: 2, Counts: result.Counts{Received: 99}},
	}
	all, each := steps(intervals)
	if len(all) != 2 || each != 1 || all[0].to != 1.001 || all[1].to != 2 {
		t.Fatalf("%d steps, %d each: %+v", len(all), each, all)
	}
	rates := perSecond(all, func(iv *result.Interval) int64 { return iv.Counts.Received })
	if math.Abs(rates[0]-151/1.001) > 1e-9 || math.Abs(rates[1]-99/0.999) > 1e-9 {
		t.Errorf("rates %v", rates)
	}
	all, _ = steps([]result.Interval{{Counts: result.Counts{Received: 1}}})
	if v := perSecond(all, func(iv *result.Interval) int64 { return iv.Counts.Received })[0]; !math.IsNaN(v) {
		t.Errorf("a rate of %v in no time", v)
	}
}

func TestStepsLeaveNoIntervalOut(t *testing.T) {
	for n := range 3 * maxSteps {
		intervals := make([]result.Interval, n)
		for i := range intervals {
			intervals[i] = result.Interval{From: float64(i), To: float64(i + 1), Counts: result.Counts{Received: 1}}
		}
		all, _ := steps(intervals)
		if len(all) > maxSteps || int(received(all)) != n {
			t.Fatalf("%d intervals became %d steps of %v", n, len(all), received(all))
		}
	}
}

func received(all []step) (sum float64) {
	for _, v := range sums(all, func(iv *result.Interval) int64 { return iv.Counts.Received }) {
		sum += v
	}
	return sum
}

func largestOrNaN(values []float64) float64 {
	for _, v := range values {
		if !math.IsNaN(v) {
			return v
		}
	}
	return math.NaN()
}

func TestQuantileNamesHaveTheDigitsThatMatter(t *testing.T) {
	for q, want := range map[float64]string{0: "0", .5: "50", .9: "90", .99: "99", .9987: "99.87", .9999: "99.99"} {
		if got := quantileName(q); got != want {
			t.Errorf("%v: %s, want %s", q, got, want)
		}
	}
}
