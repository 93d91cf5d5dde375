package redis

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// faultyCluster is two nodes, of which the second reaches Redis by a way that can break.
func faultyCluster(t *testing.T) (healthy, cut *member, way *redistest.Faulty) {
	t.Helper()
	way = redistest.StartFaulty(t)
	url, prefix := redistest.Start(t), redistest.Prefix(t)
	healthy = start(t, Config{URL: url, Prefix: prefix}, "aaaa")
	cut = start(t, Config{
		URL: way.URL() + "?read_timeout=200ms&dial_timeout=200ms", Prefix: prefix,
		ProbeInterval: 100 * time.Millisecond, ProbeTimeout: 200 * time.Millisecond,
	}, "bbbb")
	healthy.join("/", "room")
	cut.join("/", "room")
	return healthy, cut, way
}

func TestRedisAwayLeavesLocalDeliveryAndComesBack(t *testing.T) {
	healthy, cut, way := faultyCluster(t)
	way.Stop()
	told := make(chan error, 1)
	unconfirmed := event("/", `["unconfirmed"]`)
	unconfirmed.Confirm = func(err error) { told <- err }
	cut.emit(unconfirmed)
	if err := <-told; err == nil {
		t.Error("an emit was confirmed that no Redis has seen")
	}
	eventually(t, "loss noticed", func() bool { return !cut.Stats().Connected })
	local := 1
	eventually(t, "publishing known to fail", func() bool {
		local++
		delivered := false
		err := cut.Broadcast(context.Background(), event("/", `["lost"]`), func() { delivered = true })
		if !delivered {
			t.Fatal("not delivered here")
		}
		return errors.Is(err, ErrAway)
	})
	if cut.Healthy() {
		t.Error("says that it is healthy")
	}
	if s := cut.Stats(); s.DownSince.IsZero() || s.CanPublish || s.RefusedAway == 0 || s.PublishFailed+s.PublishUnknown+s.RefusedAway != uint64(local) {
		t.Errorf("%d emits, %+v", local, s)
	}
	// A room can be joined meanwhile, and one that only the node knows of is found.
	cut.join("/", "meanwhile")
	cut.node.mu.Lock()
	cut.node.rooms["/late"] = []string{"forgotten"}
	cut.node.mu.Unlock()

	way.Restart()
	eventually(t, "healthy again", cut.Healthy)
	if s := cut.Stats(); s.Gaps != 1 || s.GapTotal <= 0 || s.Pending != 0 {
		t.Errorf("after the gap: %+v", s)
	}
	healthy.emit(event("/", `["to all"]`))
	healthy.emit(event("/", `["to a room"]`, "room"))
	healthy.emit(event("/", `["to the new room"]`, "meanwhile"))
	healthy.emit(event("/late", `["to the forgotten room"]`, "forgotten"))
	for _, want := range []string{`["to all"]`, `["to a room"]`, `["to the new room"]`, `["to the forgotten room"]`} {
		if got := string(cut.next().Data); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	cut.emit(event("/", `["back"]`))
	if got := string(healthy.next().Data); got != `["back"]` {
		t.Errorf("the other node got %s", got)
	}
}

func TestFrozenRedisIsNoticed(t *testing.T) {
	_, cut, way := faultyCluster(t)
	way.Pause()
	eventually(t, "silence noticed", func() bool { return !cut.Stats().Connected })
	way.Resume()
	eventually(t, "healthy again", cut.Healthy)
	if s := cut.Stats(); s.Gaps == 0 {
		t.Errorf("%+v", s)
	}
}

func TestBrokenConnectionIsReplacedAtOnce(t *testing.T) {
	healthy, cut, way := faultyCluster(t)
	for i := range 5 {
		way.Break()
		eventually(t, "gap counted", func() bool { return cut.Stats().Gaps >= uint64(i+1) })
		eventually(t, "healthy again", cut.Healthy)
		healthy.emit(event("/", `["after"]`))
		if got := string(cut.next().Data); got != `["after"]` {
			t.Errorf("got %s", got)
		}
	}
}

func TestFullPublishQueueIsAnError(t *testing.T) {
	way := redistest.StartFaulty(t)
	m := start(t, Config{URL: way.URL() + "?read_timeout=5s", Prefix: redistest.Prefix(t), MaxQueue: 10}, "aaaa")
	m.join("/")
	way.Pause()
	defer way.Resume()
	m.emit(event("/", `["first"]`)) // it is taken from the queue, and waits for its reply
	eventually(t, "writer busy", func() bool { return m.Stats().QueuedMessages == 0 })
	for range 10 {
		m.emit(event("/", `["queued"]`))
	}
	delivered := false
	if err := m.Broadcast(context.Background(), event("/", `["one more"]`), func() { delivered = true }); !errors.Is(err, ErrQueueFull) || !delivered {
		t.Errorf("%v, delivered here: %v", err, delivered)
	}
	if s := m.Stats(); s.RefusedFull != 1 || s.QueuedMessages != 10 {
		t.Errorf("%+v", s)
	}
}

func TestRunGivesUpWhenRedisIsNotReachedInTime(t *testing.T) {
	way := redistest.StartFaulty(t)
	way.Stop()
	a, err := New(Config{URL: way.URL(), StartTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Run(context.Background(), newTestNode("aaaa"))
	if err == nil || !strings.Contains(err.Error(), "reach redis within 50ms") {
		t.Errorf("run: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestNodeStartsBeforeRedis(t *testing.T) {
	way := redistest.StartFaulty(t)
	way.Stop()
	m := start(t, Config{URL: way.URL(), Prefix: redistest.Prefix(t)}, "aaaa")
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		m.join("/", "room")
	}()
	eventually(t, "join waits", func() bool { return m.Stats().Pending > 0 })
	way.Restart()
	<-joined
	eventually(t, "healthy", m.Healthy)
	if s := m.Stats(); s.Gaps != 0 {
		t.Errorf("%d gaps before anything was lost", s.Gaps)
	}
}
