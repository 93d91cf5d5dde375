package report

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// charts draws all for which there is something to show.
func charts(res *result.Result) []figure {
	if len(res.Intervals) == 0 {
		return nil
	}
	all, each := steps(res.Intervals)
	t := timeline{res: res, steps: all, each: each, x: clock(res.Intervals[len(res.Intervals)-1].To)}
	var figures []figure
	for _, c := range []*chart{
		t.latency("Delivery latency over time", "From when a message should have been sent to its arrival.", func(l result.Latency) *result.Histogram { return l.Delivery }),
		percentiles(res.Latency),
		t.received(), t.sent(), t.connections(), t.wrong(),
		t.latency("Ack latency over time", "From when a request should have been sent to its answer.", func(l result.Latency) *result.Histogram { return l.Ack }),
		t.cpu(), t.memory(), t.queues(), t.publish(),
	} {
		if c != nil {
			figures = append(figures, c.draw())
		}
	}
	return figures
}

// timeline makes the charts over time of one result.
type timeline struct {
	res   *result.Result
	steps []step
	each  int // intervals in a step
	x     scale
}

// over is a chart over time, without series.
func (t *timeline) over(title, note string) *chart {
	c := &chart{title: title, note: note, x: t.x, at: ends(t.steps)}
	c.moment = func(x float64) string { return "at " + show.Clock(x) }
	for i, p := range t.res.Phases {
		b := band{number: i + 1, name: show.Visible(p.Name, 40), from: t.x.place(p.From), to: t.x.place(p.To)}
		if b.name == "" {
			b.name = p.Kind
		}
		if b.to > b.from {
			c.bands = append(c.bands, b)
		}
	}
	return c
}

// together says what a point stands for, if it is more than one interval.
func (t *timeline) together(how string) string {
	if t.each <= 1 {
		return ""
	}
	s := t.steps[0]
	return fmt.Sprintf(" Each point stands for %s s%s.", result.Number(s.to-s.from), how)
}

func (t *timeline) latency(title, note string, of func(result.Latency) *result.Histogram) *chart {
	lines := []series{{name: "p50", colour: 1}, {name: "p90", colour: 2}, {name: "p99", colour: 3}, {name: "max", colour: 4, dashed: true}}
	quantiles := []float64{.5, .9, .99, 1}
	for i := range lines {
		lines[i].values, lines[i].show = make([]float64, len(t.steps)), latencyValue
		for j, s := range t.steps {
			lines[i].values[j] = math.NaN()
			if h := of(s.latency); h.Count() > 0 {
				lines[i].values[j] = milliseconds(h.Quantile(quantiles[i]))
			}
		}
	}
	most := largest(lines[3].values)
	if most == 0 {
		return nil
	}
	c := t.over(title, note+t.together(", all its measurements together"))
	c.series = lines
	c.y = latencyScale(smallest(lines[0].values), most)
	if c.y.log {
		c.note += " Logarithmic scale."
	}
	return c
}

// latencyScale is logarithmic if the longest would flatten the shortest.
func latencyScale(least, most float64) scale {
	if least > 0 && most/least > 20 {
		return decades(least, most, latencyLabel)
	}
	return fromZero(most, latencyLabel)
}

func smallest(values []float64) float64 {
	least := math.Inf(1)
	for _, v := range values {
		if v < least && v > 0 {
			least = v
		}
	}
	return least
}

// percentiles is the whole of each histogram, seen from its slow end.
func percentiles(l result.Latency) *chart {
	kinds := []struct {
		name string
		h    *result.Histogram
	}{{"delivery", l.Delivery}, {"ack", l.Ack}, {"connect", l.Connect}, {"reconnect", l.Reconnect}}
	count := int64(0)
	for _, k := range kinds {
		count = max(count, k.h.Count())
	}
	if count < 2 {
		return nil
	}
	end := math.Min(math.Max(float64(count), 10), 1e6)
	c := &chart{title: "Latency by percentile", x: nines(end),
		note:   "How much was at most so slow. Each mark to the right is ten times as rare; a line ends where a single measurement is left. Logarithmic scale.",
		moment: func(x float64) string { return "p" + quantileName(1-1/x) }}
	const points = 160
	for i := range points + 1 {
		c.at = append(c.at, math.Pow(end, float64(i)/points))
	}
	least, most := math.Inf(1), 0.0
	for i, k := range kinds {
		if k.h.Count() == 0 {
			continue
		}
		s := series{name: k.name, colour: i + 1, show: latencyValue, values: make([]float64, len(c.at))}
		for j, x := range c.at {
			s.values[j] = math.NaN()
			if x <= float64(k.h.Count())*1.0001 {
				s.values[j] = math.Max(milliseconds(k.h.Quantile(1-1/x)), 0.001)
			}
		}
		least, most = math.Min(least, smallest(s.values)), math.Max(most, largest(s.values))
		c.series = append(c.series, s)
	}
	c.y = decades(least, most, latencyLabel)
	return c
}

// quantileName writes a share in percent, with the digits that matter: 50, 99.9.
func quantileName(q float64) string {
	for decimals := 0; ; decimals++ {
		s := strconv.FormatFloat(q*100, 'f', decimals, 64)
		v, _ := strconv.ParseFloat(s, 64)
		if off := math.Abs(v/100 - q); off <= (1-q)*0.05 || decimals == 6 {
			return s
		}
	}
}

func (t *timeline) received() *chart {
	c := t.over("Messages received", "Events that arrived at clients, in a second."+t.together(", on average"))
	return c.rates([]series{
		{name: "received", colour: 1, values: perSecond(t.steps, func(iv *result.Interval) int64 { return iv.Counts.Received })},
	})
}

func (t *timeline) sent() *chart {
	c := t.over("Messages sent", "What clients published, asked for and were answered, in a second."+t.together(", on average"))
	return c.rates([]series{
		{name: "published", colour: 1, values: perSecond(t.steps, func(iv *result.Interval) int64 { return iv.Counts.Published })},
		{name: "requests", colour: 3, values: perSecond(t.steps, func(iv *result.Interval) int64 { return iv.Counts.Requests })},
		{name: "acks", colour: 2, dashed: true, values: perSecond(t.steps, func(iv *result.Interval) int64 { return iv.Counts.Acks })},
		{name: "due, not sent", colour: 4, values: perSecond(t.steps, func(iv *result.Interval) int64 { return iv.Counts.Unsent })},
	})
}

// rates gives c those series that are not all zero, or is nil if none is left.
func (c *chart) rates(lines []series) *chart {
	for _, s := range lines {
		if largest(s.values) > 0 {
			s.show = func(v float64) string { return result.Number(v) + "/s" }
			c.series = append(c.series, s)
		}
	}
	return c.fromZero(show.Short)
}

// fromZero gives c a linear scale with room for all series, or is nil if there is none.
func (c *chart) fromZero(label func(float64) string) *chart {
	most := 0.0
	for _, s := range c.series {
		most = max(most, largest(s.values))
	}
	if most == 0 {
		return nil
	}
	c.y = fromZero(most, label)
	return c
}

func (t *timeline) connections() *chart {
	whole := func(v float64) string { return result.Whole(int64(v)) }
	c := t.over("Connections", "Clients that should be connected, and that are."+t.together(", with the fewest open in it"))
	c.series = []series{
		{name: "open", colour: 1, show: whole, values: extreme(t.steps, func(iv *result.Interval) int64 { return iv.Open }, math.Min)},
		{name: "wanted", colour: 7, dashed: true, show: whole, values: extreme(t.steps, func(iv *result.Interval) int64 { return iv.Wanted }, math.Max)},
	}
	return c.fromZero(show.Short)
}

// wrong is never left out: that it is empty is what people want to see.
func (t *timeline) wrong() *chart {
	c := t.over("Losses and errors", "What went wrong, when it was noticed: a row for each kind, as high as its highest count."+t.together(", in sum"))
	c.at = middles(t.steps)
	c.moment = func(x float64) string { return "around " + show.Clock(x) }
	kinds := []struct {
		name string
		of   func(*result.Interval) int64
	}{
		{"lost", func(iv *result.Interval) int64 { return iv.Audit.Lost }},
		{"duplicated", func(iv *result.Interval) int64 { return iv.Audit.Duplicated }},
		{"reordered", func(iv *result.Interval) int64 { return iv.Audit.Reordered }},
		{"corrupted", func(iv *result.Interval) int64 { return iv.Audit.Corrupted }},
		{"missed while away", func(iv *result.Interval) int64 { return iv.Audit.Gap + iv.Audit.Absent }},
		{"connections failed", func(iv *result.Interval) int64 { return iv.Counts.ConnectErrors + iv.Counts.ReconnectErrors }},
		{"connections lost", func(iv *result.Interval) int64 { return iv.Counts.Disconnects + iv.Counts.SlowClosed }},
		{"acks missing", func(iv *result.Interval) int64 { return iv.Counts.AckTimeouts + iv.Counts.Refused }},
	}
	for i, k := range kinds {
		s := series{name: k.name, colour: wrongColours[i], values: sums(t.steps, k.of), show: func(v float64) string { return result.Whole(int64(v)) }}
		c.add(s)
	}
	c.lanes()
	if len(c.series) == 0 {
		c.note = "Nothing was lost, and no error was seen, in any interval."
	}
	return c
}

// wrongColours begin with the colours of alarm.
var wrongColours = []int{4, 3, 2, 5, 7, 6, 8, 1}

func (t *timeline) cpu() *chart {
	c := t.over("CPU", "100 % is one core in full use."+t.together(", on average"))
	show := func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) + " %" }
	t.processes(c, show, func(before result.Sample, of func(*result.Interval) result.Sample) []float64 {
		values := cores(t.steps, before, of)
		for i := range values {
			values[i] *= 100
		}
		return values
	})
	return c.fromZero(show)
}

func (t *timeline) memory() *chart {
	c := t.over("Memory", "Resident, as the system counts it."+t.together(", with the most in it"))
	t.processes(c, bytesOf, func(_ result.Sample, of func(*result.Interval) result.Sample) []float64 {
		return extreme(t.steps, func(iv *result.Interval) int64 { return of(iv).ResidentBytes }, math.Max)
	})
	return c.bytes()
}

func (t *timeline) queues() *chart {
	c := t.over("Bytes waiting in servers", "Queued for clients that have not read them yet."+t.together(", with the most in it"))
	t.processes(c, bytesOf, func(_ result.Sample, of func(*result.Interval) result.Sample) []float64 {
		return extreme(t.steps, func(iv *result.Interval) int64 { return of(iv).QueueBytes }, math.Max)
	})
	return c.bytes()
}

func (t *timeline) publish() *chart {
	c := t.over("Publish to Redis", "What servers waited for Redis to take a message, on average."+t.together(", with the longest in it"))
	t.processes(c, latencyValue, func(_ result.Sample, of func(*result.Interval) result.Sample) []float64 {
		values := extreme(t.steps, func(iv *result.Interval) int64 { return int64(of(iv).PublishSeconds * 1e9) }, math.Max)
		for i := range values {
			values[i] /= 1e6
		}
		return values
	})
	return c.fromZero(latencyLabel)
}

// maxServers is how many lines of servers one chart has at most.
const maxServers = colours - 1

// processes adds a line for each server, and one for this program.
func (t *timeline) processes(c *chart, show func(float64) string, values func(before result.Sample, of func(*result.Interval) result.Sample) []float64) {
	for i, s := range t.res.Servers {
		if i == maxServers {
			c.note += fmt.Sprintf(" The first %d of %d servers.", maxServers, len(t.res.Servers))
			break
		}
		c.add(series{name: serverName(s), colour: i + 1, show: show, values: values(before(t.res, i), server(i))})
	}
	c.add(series{name: "this load tool", colour: colours, dashed: true, show: show, values: values(result.NoSample(), func(iv *result.Interval) result.Sample { return iv.Tool })})
}

// add adds a line that has at least one value.
func (c *chart) add(s series) {
	if largest(s.values) > 0 {
		c.series = append(c.series, s)
	}
}

func (c *chart) bytes() *chart {
	if c.fromZero(show.Short) == nil {
		return nil
	}
	most := 0.0
	for _, s := range c.series {
		most = max(most, largest(s.values))
	}
	c.y = sizes(most)
	return c
}

func bytesOf(v float64) string { return show.Bytes(int64(v)) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
