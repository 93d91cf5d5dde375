package measure

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// cut ends an interval so many seconds after the start, with nothing else to say.
func cut(r *Recorder, seconds, phase int) result.Interval {
	return r.Cut(start.Add(time.Duration(seconds)*time.Second), phase, 0, 0, audit.Sums{}, nil)
}

func TestEveryCounterHasItsField(t *testing.T) {
	if int(counters) != len(result.CountFields) || int(metrics) != len(result.LatencyFields) {
		t.Fatalf("%d counters and %d metrics, want %d and %d", counters, metrics, len(result.CountFields), len(result.LatencyFields))
	}
	r := NewRecorder(start)
	for c, n := range map[Counter]int64{
		Attempts: 1, Connected: 2, ConnectErrors: 3, Disconnects: 4, Cuts: 5, SlowClosed: 6, Reconnects: 7, ReconnectErrors: 8,
		Joins: 9, Leaves: 10, Refused: 11, Published: 12, Unsent: 13, Requests: 14, Acks: 15, AckTimeouts: 16, Received: 17,
		BytesIn: 18, BytesOut: 19,
	} {
		r.Add(c, int(c), n)
	}
	want := result.Counts{
		Attempts: 1, Connected: 2, ConnectErrors: 3, Disconnects: 4, Cuts: 5, SlowClosed: 6, Reconnects: 7, ReconnectErrors: 8,
		Joins: 9, Leaves: 10, Refused: 11, Published: 12, Unsent: 13, Requests: 14, Acks: 15, AckTimeouts: 16, Received: 17,
		BytesIn: 18, BytesOut: 19,
	}
	if got := cut(r, 1, 0).Counts; got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for m, n := range map[Metric]int{Connect: 1, Ack: 2, Delivery: 3, Reconnect: 4} {
		for i := range n {
			r.Latency(m, i, time.Second)
		}
	}
	l := cut(r, 2, 0).Latency
	if l.Connect.Count() != 1 || l.Ack.Count() != 2 || l.Delivery.Count() != 3 || l.Reconnect.Count() != 4 {
		t.Error("times are in another metric's histogram")
	}
}

func TestNothingIsLostOrCountedTwiceBetweenIntervals(t *testing.T) {
	r := NewRecorder(start)
	const clients, each = 8, 20_000
	var recording sync.WaitGroup
	for n := range clients {
		recording.Go(func() {
			for i := range each {
				r.Latency(Delivery, n, time.Duration(i)*time.Microsecond)
				r.Add(Received, n, 1)
			}
		})
	}
	done := make(chan struct{})
	go func() { recording.Wait(); close(done) }()

	var inIntervals, received int64
	for i, running := 1, true; running; i++ {
		select {
		case <-done:
			running = false
		default:
		}
		iv := cut(r, i, i%3)
		inIntervals += iv.Latency.Delivery.Count()
		received += iv.Counts.Received
	}

	want := result.NewHistogram()
	for i := range each {
		want.Add(result.Bucket(time.Duration(i)*time.Microsecond), clients)
	}
	counts, latency, _ := r.Totals()
	if inIntervals != want.Count() || received != want.Count() || counts.Received != want.Count() {
		t.Errorf("%d times and %d received in intervals, %d in total, want %d", inIntervals, received, counts.Received, want.Count())
	}
	var ofPhases result.Latency
	for _, p := range r.Phases() {
		ofPhases.Merge(p.Latency)
	}
	for name, h := range map[string]*result.Histogram{"total": latency.Delivery, "phases": ofPhases.Delivery} {
		if !reflect.DeepEqual(h.Packed(), want.Packed()) {
			t.Errorf("the %s are not what was recorded", name)
		}
	}
}

func TestIntervalsFollowEachOtherWithoutGaps(t *testing.T) {
	r := NewRecorder(start)
	a := cut(r, 1, 0)
	b := r.Cut(start.Add(2500*time.Millisecond), 1, 7, 9, audit.Sums{Lost: 3}, nil)
	if a.From != 0 || a.To != 1 || b.From != 1 || b.To != 2.5 {
		t.Errorf("intervals from %v to %v and from %v to %v", a.From, a.To, b.From, b.To)
	}
	if b.Phase != 1 || b.Open != 7 || b.Wanted != 9 || b.Audit.Lost != 3 {
		t.Errorf("the interval is %+v", b)
	}
	if b.Tool.ResidentBytes <= 0 && runtime.GOOS == "linux" {
		t.Error("what the tool uses itself is missing")
	}
	if a.Latency != (result.Latency{}) {
		t.Error("an interval without times has histograms")
	}
}

func TestPhasesAreSumsOfTheirIntervals(t *testing.T) {
	r := NewRecorder(start)
	for i, phase := range []int{0, 0, 2, 2, 0} { // phase 1 took no time
		r.Latency(Ack, 0, time.Duration(i+1)*time.Millisecond)
		r.Add(Acks, 0, int64(i+1))
		r.Cut(start.Add(time.Duration(i+1)*time.Second), phase, 0, 0, audit.Sums{Due: int64(i + 1)}, nil)
	}
	p := r.Phases()
	if len(p) != 3 {
		t.Fatalf("%d phases, want 3", len(p))
	}
	if p[0].Counts.Acks != 8 || p[1].Counts.Acks != 0 || p[2].Counts.Acks != 7 {
		t.Errorf("acks of the phases: %d, %d, %d, want 8, 0, 7", p[0].Counts.Acks, p[1].Counts.Acks, p[2].Counts.Acks)
	}
	if p[0].Audit.Due != 8 || p[2].Audit.Due != 7 {
		t.Errorf("due in the phases: %d and %d, want 8 and 7", p[0].Audit.Due, p[2].Audit.Due)
	}
	if p[0].Latency.Ack.Count() != 3 || p[0].Latency.Ack.Quantile(1) < 5*time.Millisecond || p[2].Latency.Ack.Count() != 2 {
		t.Error("times are in another phase's histogram")
	}
	if p[2].From != 2 || p[2].To != 4 {
		t.Errorf("the phase went from %v to %v, want 2 to 4", p[2].From, p[2].To)
	}
}

func TestPhaseHasWhatServersUsedInIt(t *testing.T) {
	r := NewRecorder(start)
	sample := func(cpu float64, rss, connections int64) []result.Sample {
		return []result.Sample{{CPUSeconds: cpu, ResidentBytes: rss, Connections: connections}}
	}
	r.Begin(sample(10, 100, 0))
	for i, s := range []struct {
		phase  int
		sample []result.Sample
	}{
		{0, sample(11, 200, 5)},
		{1, []result.Sample{result.NoSample()}}, // did not answer: its 2 s are in the next
		{1, sample(13, 300, 6)},
		{1, sample(0.5, 50, 1)}, // started anew
		{1, sample(1, 60, 2)},
	} {
		r.Cut(start.Add(time.Duration(i+1)*time.Second), s.phase, 0, 0, audit.Sums{}, s.sample)
	}
	p := r.Phases()
	if got, want := p[0].Servers[0], (result.Usage{CPUSeconds: 1, ResidentBytes: 200, Connections: 5}); got != want {
		t.Errorf("first phase %+v, want %+v", got, want)
	}
	if got, want := p[1].Servers[0], (result.Usage{CPUSeconds: 3, ResidentBytes: 60, Connections: 2}); got != want {
		t.Errorf("second phase %+v, want %+v", got, want)
	}
}

func TestServerCannotMakeUsKeepItsErrors(t *testing.T) {
	r := NewRecorder(time.Now())
	for i := range 1000 {
		r.Error(fmt.Sprintf("connect_error: %d %s", i, strings.Repeat("x", 1<<16)), errors.New(strings.Repeat("y", 1<<16)))
	}
	r.Error("ack: timeout\x1b[2J", nil)
	for range 3 {
		r.Error("connect_error: 5 "+strings.Repeat("x", 1<<16), nil)
	}
	_, _, list := r.Totals()
	if len(list) > maxClasses+1 {
		t.Fatalf("%d classes, want at most %d", len(list), maxClasses+1)
	}
	var all, other int64
	for _, c := range list {
		all += c.Count
		if c.Class == Other {
			other = c.Count
		}
		if len(c.Class) > maxClassBytes+8 || len(c.Example) > maxExampleBytes+8 || strings.ContainsRune(c.Class, '\x1b') {
			t.Errorf("class %q of %d bytes, example of %d", c.Class, len(c.Class), len(c.Example))
		}
	}
	if all != 1004 || other != 1000-maxClasses+1 {
		t.Errorf("%d errors, %d of them other, want 1004 and %d", all, other, 1000-maxClasses+1)
	}
	if list[0].Class != Other || list[1].Count != 4 {
		t.Error("the most frequent are not the first")
	}
}

func TestErrorKeepsItsFirstExample(t *testing.T) {
	r := NewRecorder(time.Now())
	r.Error("connect: refused", errors.New("dial 127.0.0.1:1: refused"))
	r.Error("connect: refused", errors.New("another"))
	_, _, list := r.Totals()
	if len(list) != 1 || list[0].Count != 2 || list[0].Example != "dial 127.0.0.1:1: refused" {
		t.Errorf("errors are %+v", list)
	}
}

func TestTotalsOfNothingHaveEmptyHistograms(t *testing.T) {
	counts, l, list := NewRecorder(start).Totals()
	if counts != (result.Counts{}) || len(list) != 0 {
		t.Errorf("counts %+v, errors %v", counts, list)
	}
	for _, f := range result.LatencyFields {
		if h := *f.Of(&l); h == nil || h.Count() != 0 {
			t.Errorf("%s is nil or not empty", f.Name)
		}
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	r := NewRecorder(start)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		i++
		r.Latency(Delivery, i, time.Duration(i)*time.Millisecond)
		r.Add(Received, i, 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLatency(b *testing.B) {
	r := NewRecorder(start)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		r.Latency(Delivery, 1, time.Duration(i&0xfffff)*time.Microsecond/16)
	}
}

func BenchmarkLatencyOfAllCoresAtOnce(b *testing.B) {
	r := NewRecorder(start)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			r.Latency(Delivery, i, time.Duration(i&0xfffff)*time.Microsecond/16)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	r := NewRecorder(start)
	for b.Loop() {
		r.Add(Received, 1, 1)
	}
}

func BenchmarkCut(b *testing.B) {
	r := NewRecorder(start)
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		for i := range 2000 {
			r.Latency(Delivery, i, time.Duration(i)*20*time.Microsecond)
		}
		cut(r, n, 0)
	}
}
