package redis

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestKilledSubscriptionsMissNothing(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL = own.URL()
		list := historians(t, cfg, 3)
		l := startRecords(t, list...)
		c := own.Client()
		for round := range 5 {
			l.more(100)
			command(t, c, "CLIENT", "KILL", "TYPE", "pubsub")
			eventually(t, "heard again", func() bool {
				for _, h := range list {
					if h.bus.Stats().Gaps <= uint64(round) || !h.bus.Healthy() {
						return false
					}
				}
				return true
			})
		}
		l.more(100)
		if told := l.finish(); told != 0 {
			t.Error("a loss was announced")
		}
		for _, h := range list {
			s := h.bus.Stats()
			if s.CatchUps < 5 || s.CaughtUp == 0 || h.node.resaved < 5 {
				t.Errorf("%s: %d catch-ups, %d events, resaved %d times", h.node.tag, s.CatchUps, s.CaughtUp, h.node.resaved)
			}
		}
	})
}

func TestFrozenRedisLosesNothingThatWasAccepted(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL = own.URL()
		l := startRecords(t, historians(t, cfg, 3)...)
		l.more(100)
		own.Freeze()
		time.Sleep(10 * time.Second) // longer than it takes to give up the connections
		own.Thaw()
		l.more(100)
		if told := l.finish(); told != 0 {
			t.Error("a loss was announced")
		}
	})
}

func TestRestartedRedisWithItsLogLosesNothing(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t, "--appendonly", "yes", "--appendfsync", "always")
		cfg.URL = own.URL()
		l := startRecords(t, historians(t, cfg, 3)...)
		for range 2 {
			l.more(100)
			own.Kill()
			own.Restart()
		}
		l.more(100)
		if told := l.finish(); told != 0 {
			t.Error("a loss was announced")
		}
	})
}

func TestRedisThatHasForgottenAllIsAnnounced(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL = own.URL()
		list := historians(t, cfg, 3)
		l := startRecords(t, list...)
		l.more(100)
		own.Kill()
		own.Restart()
		l.more(100)
		if told := l.finish(); told != len(list) {
			t.Errorf("%d of %d nodes were told", told, len(list))
		}
		for _, h := range list {
			if losses := h.node.losses(); len(losses) != 1 || !errors.Is(losses[0], socketio.ErrDiverged) {
				t.Errorf("%s: %v", h.node.tag, losses)
			}
		}
	})
}

// TestFailoverThatLosesEventsIsAnnounced cuts the replica off, and lets it take over.
func TestFailoverThatLosesEventsIsAnnounced(t *testing.T) {
	t.Parallel()
	w := redistest.StartSentinels(t)
	list := historians(t, Config{URL: w.URL()}, 3)
	l := startRecords(t, list...)
	l.more(100)
	replica := w.Replica.Client()
	command(t, replica, "REPLICAOF", "127.0.0.1", "1")
	l.more(100)
	w.Master.Kill()
	eventually(t, "the replica has taken over", func() bool {
		return strings.Contains(replica.Info(t.Context(), "replication").Val(), "role:master")
	})
	l.more(100)
	if told := l.finish(); told != len(list) {
		t.Errorf("%d of %d nodes were told", told, len(list))
	}
	for _, h := range list {
		for _, err := range h.node.losses() {
			if !errors.Is(err, socketio.ErrDiverged) {
				t.Errorf("%s: %v", h.node.tag, err)
			}
		}
	}
}

// TestFailoverThatLosesNothingIsNotAnnounced is the same with a replica that has everything.
func TestFailoverThatLosesNothingIsNotAnnounced(t *testing.T) {
	t.Parallel()
	w := redistest.StartSentinels(t)
	list := historians(t, Config{URL: w.URL()}, 2)
	for i := range 10 {
		list[0].mustRecord(event("/", fmt.Sprintf(`[%d]`, i)))
	}
	master := w.Master.Client()
	if n, err := master.Do(t.Context(), "WAIT", 1, 5000).Int(); err != nil || n != 1 {
		t.Fatalf("%d replicas have it: %v", n, err)
	}
	w.Master.Kill()
	eventually(t, "Redis takes events again", func() bool { return list[0].record(event("/", `["again"]`)) == nil })
	for _, h := range list {
		eventually(t, "heard again", h.bus.Healthy)
		h.flush()
		if losses := h.node.losses(); len(losses) > 0 {
			t.Errorf("%s: %v", h.node.tag, losses)
		}
		if got := len(h.node.events()); got < 12 {
			t.Errorf("%s has %d events", h.node.tag, got)
		}
	}
}

// TestLossThatOnlyThePublisherKnowsOfIsAnnouncedToAll: the other node has never been given what
// was lost, and its place in the history is one that exists.
func TestLossThatOnlyThePublisherKnowsOfIsAnnouncedToAll(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL, cfg.Prefix, cfg.ProbeInterval = own.URL(), "p", 100*time.Millisecond
		publisher := startHistorian(t, cfg, "tag0", testWindow) // it does not serve the namespace
		other := startHistorian(t, cfg, "tag1", testWindow)
		other.join("/", "")
		before := other.node.Position("/")
		publisher.mustRecord(event("/", `["lost"]`, "nobody's"))
		c := own.Client()
		ids := c.XRevRangeN(t.Context(), "{p#/}:history", "+", "-", 1).Val()
		pipe := c.TxPipeline()
		pipe.XDel(t.Context(), "{p#/}:history", ids[0].ID)
		pipe.HSet(t.Context(), "{p#/}:head", "h", before.String())
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is announced", func() bool { return len(other.node.losses()) > 0 })
		if _, _, err := other.read("/", before); !errors.Is(err, socketio.ErrDiverged) {
			t.Errorf("read over the gap: %v", err)
		}
		publisher.mustRecord(event("/", `["next"]`))
		if got := other.got(1); got[0] != `["next"]` {
			t.Errorf("%q", got)
		}
		if n := len(other.node.losses()); n != 1 {
			t.Errorf("announced %d times", n)
		}
	})
}

// TestHistoryThatWasTrimmedMeanwhileIsAnnounced keeps a node from hearing until what it has
// missed is gone.
func TestHistoryThatWasTrimmedMeanwhileIsAnnounced(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t)
	w := &ways{redistest.StartToxic(t, own.URL()), redistest.StartToxic(t, own.URL())}
	cfg := Config{URL: own.URL(), Prefix: "p", MaxHistory: 100}
	publisher := startHistorian(t, cfg, "tag0", testWindow)
	cfg.Client = w.client(t, own.URL())
	deaf := startHistorian(t, cfg, "tag1", testWindow)
	deaf.join("/", "")
	w.subscribing.Silence(redistest.ToRedis, redistest.FromRedis)
	for i := range 1000 {
		if err := publisher.Record(event("/", fmt.Sprintf(`[%d]`, i))); err != nil {
			t.Fatal(err)
		}
	}
	publisher.mustRecord(event("/", `["last"]`))
	eventually(t, "noticed", func() bool { return !deaf.bus.Healthy() })
	w.subscribing.Heal()
	eventually(t, "announced", func() bool { return len(deaf.node.losses()) == 1 })
	if err := deaf.node.losses()[0]; !errors.Is(err, socketio.ErrForgotten) || errors.Is(err, socketio.ErrDiverged) {
		t.Error(err)
	}
	publisher.mustRecord(event("/", `["next"]`))
	if got := deaf.got(1); len(got) != 1 || got[0] != `["next"]` {
		t.Errorf("%q", got)
	}
	if s := deaf.bus.Stats(); s.MissedAnnounced != 1 {
		t.Errorf("%+v", s)
	}
}

// TestNodeThatRedisGivesUpMissesNothing lets a node be too slow until Redis drops its connection
// for the output buffer limit.
func TestNodeThatRedisGivesUpMissesNothing(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t, "--client-output-buffer-limit", "pubsub 1mb 1mb 0")
	list := historians(t, Config{URL: own.URL(), Prefix: "p"}, 2)
	release := list[1].node.stall()
	c := own.Client()
	big := strings.Repeat("x", 200_000)
	n := 0
	for ; subscribers(t, c, "p#/#") == 2 && n < 1000; n++ {
		list[0].mustRecord(event("/", fmt.Sprintf(`[%d,%q]`, n, big)))
	}
	release()
	for i, data := range list[1].got(n) {
		if !strings.HasPrefix(data, fmt.Sprintf("[%d,", i)) {
			t.Fatalf("event %d is %.20s", i, data)
		}
	}
	if s := list[1].bus.Stats(); s.CaughtUp == 0 || len(list[1].node.losses()) != 0 {
		t.Errorf("%d caught up of %d, %v", s.CaughtUp, n, list[1].node.losses())
	}
}

// TestNodeThatJoinsWhileRedisIsAwayIsTold: what was recorded before it was heard can't be known.
func TestNodeThatJoinsWhileRedisIsAwayIsTold(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL, cfg.Prefix = own.URL(), "p"
		h := historians(t, cfg, 1)[0]
		own.Kill()
		eventually(t, "noticed", func() bool { return !h.bus.Healthy() })
		h.join("/late", "")
		own.Restart()
		eventually(t, "well again", h.bus.Healthy)
		if h.node.Position("/late").IsZero() {
			t.Error("it has no position")
		}
		if losses := h.node.losses(); len(losses) != 2 { // and the one of what Redis has forgotten
			t.Errorf("%v", losses)
		}
		h.mustRecord(event("/late", `["e"]`))
		h.got(1)
	})
}
