package audit

import (
	"errors"
	"testing"
	"time"
)

// parted is a publisher in one worker and a member in another, whose clock is ahead.
func parted(t *testing.T, ahead time.Duration) (here, there *world, skew func(int) Skew) {
	here, there = newWorld(t, Config{}), newWorld(t, Config{Worker: 1, Remote: true})
	there.time = here.time + int64(ahead)
	return here, there, func(int) Skew { return Skew{Offset: ahead, Margin: time.Millisecond} }
}

func both(d time.Duration, worlds ...*world) {
	for _, w := range worlds {
		w.pass(d)
	}
}

func TestWhatOtherWorkersSentIsAwaitedUntilItComes(t *testing.T) {
	here, there, skew := parted(t, time.Hour)
	here.send(5) // before there was a member
	both(time.Second, here, there)
	there.join()
	both(500*time.Microsecond, here, there)
	here.send(1) // perhaps before
	both(time.Second, here, there)
	p := here.send(10)
	others, err := there.a.Others(append(here.a.Logs(), there.a.Logs()...), skew)
	if err != nil {
		t.Fatal(err)
	}
	for i, payload := range p {
		if got := there.sub.Awaits(others); got != int64(10-i) {
			t.Fatalf("%d are awaited when %d of 10 have come", got, i)
		}
		there.receive(payload, payload)
	}
	if got := there.sub.Awaits(others); got != 0 {
		t.Errorf("%d are awaited when all have come", got)
	}
}

func TestNobodyAwaitsWhatCannotComeAnyMore(t *testing.T) {
	here, there, skew := parted(t, -time.Minute)
	there.join()
	both(time.Second, here, there)
	p := here.send(3)
	others, err := there.a.Others(here.a.Logs(), skew)
	if err != nil {
		t.Fatal(err)
	}
	there.receive(flipped(p[0], seqAt))
	if got := there.sub.Awaits(others); got != 2 {
		t.Errorf("one of 3 came unreadable, and %d are awaited", got)
	}
	there.sub.Disconnected()
	if got := there.sub.Awaits(others); got != 0 {
		t.Errorf("%d are awaited by a client that is not connected", got)
	}
	if got := here.sub.Awaits(others); got != 0 {
		t.Errorf("%d are awaited where there are no other workers", got)
	}
}

func TestBrokenLogsAreNotAwaited(t *testing.T) {
	_, there, skew := parted(t, 0)
	if _, err := there.a.Others([]Log{{Room: "tea", Times: []byte{1, 0x80}}}, skew); !errors.Is(err, ErrLog) {
		t.Errorf("error %v", err)
	}
}

// TestWhatCameOfALostWorkerCounts has one whose logs nobody has.
func TestWhatCameOfALostWorkerCounts(t *testing.T) {
	here, there, skew := parted(t, 0)
	there.join()
	p := here.send(6)
	there.receive(p[0], p[1], p[3], p[3])
	there.pass(time.Minute)
	there.sub.Finish()
	got, err := there.a.Judge(nil, skew)
	if want := (Sums{Due: 3, Delivered: 3, Duplicated: 1}); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestClockThatIsShiftedStaysSo(t *testing.T) {
	c := NewClock()
	ahead := c.Shifted(time.Hour)
	at := time.Now()
	if got := ahead.Nanos(at) - c.Nanos(at); got != int64(time.Hour) {
		t.Errorf("it is %v ahead", time.Duration(got))
	}
	if got := ahead.Time(ahead.Nanos(at)); !got.Equal(at) {
		t.Errorf("%v came back as %v", at, got)
	}
	a := New(Config{Clock: ahead})
	if d := a.Nanos(at) - ahead.Nanos(at); d != 0 {
		t.Errorf("the audit's differs by %v", time.Duration(d))
	}
}
