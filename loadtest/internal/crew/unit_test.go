package crew

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

func TestQuickestAnswerTellsTheClock(t *testing.T) {
	const ms = int64(time.Millisecond)
	ahead := 3 * time.Second
	for _, tt := range []struct {
		name        string
		there, back int64 // on the way
		idle        int64 // in between
		ok          bool
	}{
		{"even", 2 * ms, 2 * ms, 0, true},
		{"slow there", 9 * ms, 1 * ms, 0, true},
		{"slow back", 0, 10 * ms, ms, true},
		{"took its time", ms, ms, 500 * ms, true},
		{"before it was asked", -5 * ms, ms, 0, false},
	} {
		sent := int64(time.Hour)
		received := sent + tt.there + int64(ahead)
		p := pong{Sent: sent, Received: received, Answered: received + tt.idle}
		c, ok := compare(p, sent+tt.there+tt.idle+tt.back)
		if ok != tt.ok {
			t.Errorf("%s: taken: %v", tt.name, ok)
		}
		if off := (c.ahead - ahead).Abs(); ok && (off > c.margin || c.margin > time.Duration(tt.there+tt.back)/2+1) {
			t.Errorf("%s: %v off, known to %v", tt.name, off, c.margin)
		}
	}
	if _, ok := compare(pong{Sent: 1, Received: 9, Answered: 5}, 2); ok {
		t.Error("an answer from before the question was taken")
	}
}

func TestEstimateIsReplacedByABetterOneAndGrowsOld(t *testing.T) {
	const second = int64(time.Second)
	var e estimate
	e.begin(comparison{time.Second, time.Millisecond}, 0)
	e.add(comparison{2 * time.Second, 2 * time.Millisecond}, second) // came late
	if e.ahead() != time.Second {
		t.Error("a worse one was taken")
	}
	e.add(comparison{time.Second + time.Millisecond, time.Millisecond / 2}, 2*second)
	if e.ahead() != time.Second+time.Millisecond {
		t.Error("a better one was not taken")
	}
	s, bound := e.overall(2 * second)
	if bound != time.Millisecond+200*time.Microsecond {
		t.Errorf("it was known to %v", bound)
	}
	if s.Offset != time.Second+time.Millisecond/2 || s.Margin != time.Millisecond/2+bound {
		t.Errorf("overall %+v", s)
	}
	e.add(comparison{time.Second, 3 * time.Millisecond}, 60*second) // the old one is no better by now
	if e.ahead() != time.Second {
		t.Error("one was kept for a minute")
	}
}

func TestSendLogsArriveWholeInWhateverPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var logs []audit.Log
	grow := func() {
		for i := range logs {
			if r.IntN(3) > 0 {
				more := make([]byte, r.IntN(1<<r.IntN(21)))
				for j := range more {
					more[j] = byte(r.Uint32())
				}
				logs[i].Times = append(slices.Clone(logs[i].Times), more...)
			}
			if r.IntN(3) == 0 {
				n := uint32(len(logs[i].Doubts))
				logs[i].Doubts = append(slices.Clone(logs[i].Doubts), [2]uint32{n * 10, n*10 + 3})
			}
		}
	}
	for i := range uint32(40) {
		logs = append(logs, audit.Log{Stream: 1<<24 | i, Room: "tea", Times: []byte{1}})
	}
	ours, theirs := net.Pipe()
	from, to := newLink(ours, bufio.NewReader(ours), patience), newLink(theirs, bufio.NewReader(theirs), patience)
	defer from.close()
	defer to.close()
	var book logbook
	sent := sentLogs{}
	messages := 0
	for range 3 {
		grow()
		done := make(chan struct{})
		go func() {
			defer close(done)
			sent.send(from, logs)
			_ = from.send(kindDrained, nil)
		}()
		for {
			k, body, raw, err := to.read()
			if err != nil {
				t.Fatal(err)
			}
			if k == kindDrained {
				break
			}
			if messages++; len(raw) > 2*chunk {
				t.Errorf("a message of %d bytes", len(raw))
			}
			part, err := decode[[]audit.Log](body)
			if err != nil {
				t.Fatal(err)
			}
			if err := book.add(part); err != nil {
				t.Fatal(err)
			}
		}
		<-done
		got := book.of([]bool{false, true})
		slices.SortFunc(got, func(a, b audit.Log) int { return int(a.Stream) - int(b.Stream) })
		if !reflect.DeepEqual(got, logs) {
			t.Fatal("they came otherwise than they were sent")
		}
	}
	if messages < 4 {
		t.Errorf("%d messages", messages)
	}
	if got := book.of([]bool{true, false}); len(got) > 0 {
		t.Errorf("%d logs of a worker that is not known", len(got))
	}
	book.bytes = mostLogBytes
	if err := book.add(logs[:1]); err == nil {
		t.Error("there is no limit")
	}
}

func TestFramesHaveALimit(t *testing.T) {
	b, err := frame(kindSay, say{Line: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	k, body, raw, err := readFrame(bytes.NewReader(b), len(b)-headBytes)
	if err != nil || k != kindSay || string(body) != `{"line":"hello"}` || !bytes.Equal(raw, b) {
		t.Errorf("%d %s %v", k, body, err)
	}
	for name, tt := range map[string]struct {
		b    []byte
		most int
	}{
		"too long": {b, len(b) - headBytes - 1},
		"cut off":  {b[:len(b)-1], 100},
		"no head":  {b[:3], 100},
		"nothing":  {nil, 100},
	} {
		if _, _, _, err := readFrame(bytes.NewReader(tt.b), tt.most); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzHear(f *testing.F) {
	for k := kindHello; k <= kindSay; k++ {
		f.Add(byte(k), []byte(`{"sent":1,"phase":1,"at":2,"behind":[1,2],"of":[{"Offset":1}],"known":[true]}`))
	}
	f.Add(byte(kindLogs), []byte(`[{"stream":1,"room":"tea","times":"AQI=","doubts":[[1,2]]}]`))
	f.Fuzz(func(t *testing.T, k byte, body []byte) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		s := &session{service: &service{Worker: &Worker{}, clock: audit.NewClock()}, link: newLink(ours, bufio.NewReader(ours), patience), started: true}
		defer s.link.close()
		s.interrupt = func() {}
		s.enters, s.settle, s.judge = make(chan meeting, 1), make(chan told, 1), make(chan told, 1)
		_ = s.hear(kind(k), body, 1)
		m := member{}
		p := of("http://127.0.0.1:1", plan.Group{Clients: 1}, time.Second)
		_ = m.take(kind(k), body, &p)
	})
}
