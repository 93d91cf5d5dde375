package redis

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// The limits of a fault: how soon it is noticed, and how soon everything works again
// once Redis is back.
const (
	noticeLimit = 10 * time.Second
	healLimit   = 3 * time.Second
)

// silence is how long a proxy is silent: longer than it takes to notice, so that attempts
// to connect anew fail as well.
const silence = 9 * time.Second

// fault is something that happens to a cluster under load.
type fault struct {
	begin, end func()
	// hold is how long it lasts at least. It lasts until it is noticed in any case.
	hold time.Duration
	// ill are the members that must notice it, and nobody else may.
	ill []int
	// atOnce leaves out the traffic before.
	atOnce bool
}

// endure lets a fault happen, prints what came of it, and checks what is promised of
// every fault: it is noticed and healed in time, everything lost is counted, nothing is
// delivered twice or out of order, and afterwards nothing is lost.
func (l *load) endure(f fault) *account {
	t := l.t
	t.Helper()
	if !f.atOnce {
		time.Sleep(loadInterval * 20)
		l.awaitFlow()
	}
	begin := time.Now()
	f.begin()
	for _, i := range f.ill {
		for _, ok := l.noticed(i, begin); !ok; _, ok = l.noticed(i, begin) {
			if time.Since(begin) > noticeLimit {
				t.Fatalf("node %d has not noticed anything within %v", i, noticeLimit)
			}
			time.Sleep(5 * time.Millisecond)
		}
		at, _ := l.noticed(i, begin)
		t.Logf("node %d noticed after %v", i, at.Sub(begin).Round(time.Millisecond))
	}
	noticed := time.Since(begin)
	time.Sleep(f.hold - noticed)
	f.end()
	end := time.Now()
	for !l.healthy() {
		if time.Since(end) > 4*healLimit {
			t.Fatalf("not healed within %v", 4*healLimit)
		}
		time.Sleep(2 * time.Millisecond)
	}
	healed := time.Now()
	a := l.finish(healed)
	t.Logf("noticed by all concerned after %v, healed %v after its end: %v",
		noticed.Round(time.Millisecond), healed.Sub(end).Round(time.Millisecond), a)
	if healed.Sub(end) > healLimit {
		t.Errorf("healed only after %v", healed.Sub(end))
	}
	a.check(t)
	for i := range l.members {
		if at, ok := l.noticed(i, begin); ok && !contains(f.ill, i) {
			t.Errorf("node %d was not concerned, and ill %v after the beginning", i, at.Sub(begin))
		}
	}
	return a
}

// awaitFlow returns when every node publishes: one that is still connecting, on a busy
// machine, would meet another fault than the one to come.
func (l *load) awaitFlow() {
	l.t.Helper()
	for i, m := range l.members {
		before := m.Stats().Published
		eventually(l.t, fmt.Sprintf("node %d publishes", i), func() bool { return m.Stats().Published > before })
	}
}

// check holds an account to what is promised whatever happens.
func (a *account) check(t testing.TB) {
	t.Helper()
	if a.duplicated != 0 || a.reordered != 0 {
		t.Errorf("%d duplicated, %d reordered", a.duplicated, a.reordered)
	}
	if a.lostAfter != 0 {
		t.Errorf("%d lost after everything was well again", a.lostAfter)
	}
	if len(a.unexplained) > 0 {
		t.Errorf("%d lost that nobody has counted, the first: %v", len(a.unexplained), a.unexplained[0])
	}
	var counted uint64
	for _, s := range a.stats {
		counted += s.Gaps + s.PublishGaps
	}
	if a.lost > 0 && counted == 0 {
		t.Error("messages were lost, and all gap counters say 0")
	}
}

func contains(list []int, n int) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

var allThree = []int{0, 1, 2}

// three are configurations of three nodes on one server.
func three(t testing.TB, url string) []Config {
	cfg := Config{URL: url, Prefix: redistest.Prefix(t)}
	return []Config{cfg, cfg, cfg}
}

func TestKilledRedisIsNoticedAndHealed(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t)
	l := startLoad(t, three(t, own.URL())...)
	l.endure(fault{begin: own.Kill, end: own.Restart, hold: 2 * time.Second, ill: allThree})
}

func TestStoppedRedisIsNoticedAndHealed(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t)
	l := startLoad(t, three(t, own.URL())...)
	l.endure(fault{begin: own.Freeze, end: own.Thaw, hold: 20 * time.Second, ill: allThree})
}

// ways are two proxies before one server: for the connection that subscribes, and for
// those that publish.
type ways struct{ subscribing, publishing *redistest.Toxic }

// divided is three nodes, of which the last goes by ways of its own.
func divided(t *testing.T) (l *load, w *ways) {
	t.Helper()
	own := redistest.StartOwn(t)
	w = &ways{redistest.StartToxic(t, own.URL()), redistest.StartToxic(t, own.URL())}
	cfgs := three(t, own.URL())
	cfgs[2].Client = w.client(t, own.URL())
	return startLoad(t, cfgs...), w
}

func (w *ways) client(t testing.TB, url string) goredis.UniversalClient {
	t.Helper()
	l, err := parseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(l)
	c.AddHook(w)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (w *ways) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		if ctx.Value(oneDialKey{}) != nil {
			return next(ctx, network, w.subscribing.Address())
		}
		return next(ctx, network, w.publishing.Address())
	}
}

func (w *ways) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (w *ways) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func TestSilentSubscribingSideIsNoticedAndHealed(t *testing.T) {
	t.Parallel()
	l, w := divided(t)
	a := l.endure(fault{
		begin: func() { w.subscribing.Silence(redistest.ToRedis, redistest.FromRedis) },
		end:   w.subscribing.Heal,
		hold:  silence,
		ill:   []int{2},
	})
	if s := a.stats[2]; s.Gaps == 0 || s.PublishGaps != 0 {
		t.Errorf("gaps in hearing: %d, in publishing: %d", s.Gaps, s.PublishGaps)
	}
}

func TestSilentPublishingSideIsNoticedAndHealed(t *testing.T) {
	t.Parallel()
	l, w := divided(t)
	a := l.endure(fault{
		begin: func() { w.publishing.Silence(redistest.ToRedis, redistest.FromRedis) },
		end:   w.publishing.Heal,
		hold:  silence,
		ill:   []int{2},
	})
	if s := a.stats[2]; s.Gaps != 0 || s.PublishGaps == 0 || s.RefusedAway == 0 {
		t.Errorf("gaps in hearing: %d, in publishing: %d, refused: %d", s.Gaps, s.PublishGaps, s.RefusedAway)
	}
}

// TestUnansweredPublishIsNotRepeated loses the answers only: everything arrives, and the
// publisher can't know.
func TestUnansweredPublishIsNotRepeated(t *testing.T) {
	t.Parallel()
	l, w := divided(t)
	a := l.endure(fault{
		begin: func() { w.publishing.Silence(redistest.FromRedis) },
		end:   w.publishing.Heal,
		hold:  silence,
		ill:   []int{2},
	})
	if s := a.stats[2]; s.PublishUnknown == 0 {
		t.Error("nothing is counted as unknown")
	}
}

func TestSilentConnectionsAreNoticedAndHealed(t *testing.T) {
	t.Parallel()
	l, w := divided(t)
	a := l.endure(fault{
		begin: func() { w.subscribing.Silence(redistest.FromRedis); w.publishing.Silence(redistest.FromRedis) },
		end:   func() { w.subscribing.Heal(); w.publishing.Heal() },
		hold:  silence,
		ill:   []int{2},
	})
	if s := a.stats[2]; s.Gaps == 0 || s.PublishGaps == 0 {
		t.Errorf("gaps in hearing: %d, in publishing: %d", s.Gaps, s.PublishGaps)
	}
}

func TestSlowWayLosesNothing(t *testing.T) {
	t.Parallel()
	l, w := divided(t)
	a := l.endure(fault{
		begin: func() { w.subscribing.Delay(200 * time.Millisecond); w.publishing.Delay(200 * time.Millisecond) },
		end:   func() {},
		hold:  8 * time.Second, // several probes
	})
	if a.lost != 0 {
		t.Errorf("%d lost", a.lost)
	}
	if rtt := a.stats[2].ProbeTime; rtt < 200*time.Millisecond {
		t.Errorf("a probe took %v", rtt)
	}
}

func TestKilledSubscriptionsAreHealed(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t)
	l := startLoad(t, three(t, own.URL())...)
	c := connection(t, own.URL())
	a := l.endure(fault{
		begin: func() { command(t, c, "CLIENT", "KILL", "TYPE", "pubsub") },
		end:   func() {},
		ill:   allThree,
	})
	for i, s := range a.stats {
		if s.Gaps != 1 || s.PublishGaps != 0 {
			t.Errorf("node %d: gaps in hearing: %d, in publishing: %d", i, s.Gaps, s.PublishGaps)
		}
	}
}

// TestFullRedisLosesNothing fills the memory: PUBLISH and SUBSCRIBE need none.
func TestFullRedisLosesNothing(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t)
	l := startLoad(t, three(t, own.URL())...)
	c := connection(t, own.URL())
	a := l.endure(fault{
		begin: func() {
			command(t, c, "CONFIG", "SET", "maxmemory", "1")
			if err := c.Set(context.Background(), "key", "value", 0).Err(); err == nil {
				t.Error("there is memory left")
			}
			for _, m := range l.members {
				m.join("/", "joined meanwhile")
			}
		},
		end:  func() {},
		hold: 3 * time.Second,
	})
	if a.lost != 0 {
		t.Errorf("%d lost", a.lost)
	}
}

// connection is one to a server of the test's own.
func connection(t testing.TB, url string) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func command(t testing.TB, c *goredis.Client, args ...any) {
	t.Helper()
	if err := c.Do(context.Background(), args...).Err(); err != nil {
		t.Errorf("%v: %v", args, err)
	}
}

// TestSubscriberThatRedisGivesUpIsHealed lets a node be too slow for what comes, until
// Redis drops its connection for the output buffer limit.
func TestSubscriberThatRedisGivesUpIsHealed(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t, "--client-output-buffer-limit", "pubsub 1mb 1mb 0")
	l := startLoad(t, three(t, own.URL())...)
	c := connection(t, own.URL())
	big := packed(t, `["emitter",{"type":2,"data":["big","`+repeat("x", 1<<20)+`"]},{"rooms":["only2"]}]`)
	channel := l.members[2].names.room("/", "only2")
	l.endure(fault{
		begin: func() {
			release := l.members[2].node.block()
			defer release()
			eventually(t, "connection dropped", func() bool {
				publish(t, c, channel, big)
				return subscribers(t, c, channel) == 0
			})
		},
		end: func() {},
		ill: []int{2},
	})
}

// TestLateMessagesDoNotOvertake stops Redis while much is under way. That is executed when
// Redis goes on, when the publisher has long given it up. It must not come between newer
// messages.
func TestLateMessagesDoNotOvertake(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t)
	l := startLoad(t, three(t, own.URL())...)
	l.burst[2].Store(3000)
	for l.members[2].Stats().QueuedMessages < 100 && l.burst[2].Load() > 0 {
		runtime.Gosched()
	}
	a := l.endure(fault{begin: own.Freeze, end: own.Thaw, hold: silence, ill: allThree, atOnce: true})
	if a.stats[2].PublishUnknown < 2 {
		t.Log("little was under way")
	}
}

// TestDelayedMessagesAreNotRepeated freezes the way of what is published and lets it flow
// again: what was under way then reaches Redis at last.
func TestDelayedMessagesAreNotRepeated(t *testing.T) {
	t.Parallel()
	own := redistest.StartOwn(t)
	way := redistest.StartFaultyTo(t, own.Address())
	cfgs := three(t, own.URL())
	cfgs[2].URL = way.URL()
	l := startLoad(t, cfgs...)
	l.endure(fault{begin: way.Pause, end: way.Resume, hold: silence, ill: []int{2}})
}
