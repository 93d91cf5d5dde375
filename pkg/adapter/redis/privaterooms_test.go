package redis

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// together calls do for each of n sockets' ids, all at once.
func (m *member) together(n int, do func(ctx context.Context, id string) error) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := do(ctx, benchID(0, i)); err != nil {
				m.t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Ten thousand sockets that connect at once are not ten thousand conversations with Redis, and
// leave nothing behind.
func TestManySocketsAtOnceShareSubscribes(t *testing.T) {
	t.Parallel()
	const sockets = 10000
	own := redistest.StartOwn(t)
	c, prefix := own.Client(), redistest.Prefix(t)
	m := start(t, Config{URL: own.URL(), Prefix: prefix, PrivateRooms: Exact, Linger: 50 * time.Millisecond}, "t000")
	m.join("/")
	if n, err := c.PubSubNumPat(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("%d patterns, %v", n, err)
	}
	channels := func() int {
		list, err := c.PubSubChannels(context.Background(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	baseline, wanted, said := channels(), m.Stats().Subscriptions, subscribeCommands(t, own)
	begin := time.Now()
	m.together(sockets, func(ctx context.Context, id string) error { return m.Join(ctx, "/", id) })
	took := time.Since(begin)
	said = subscribeCommands(t, own) - said
	t.Logf("%d sockets in %v, with %d commands", sockets, took.Round(time.Millisecond), said)
	if n := channels(); n != baseline+sockets || said > sockets/10 {
		t.Errorf("%d channels, %d before, after %d commands", n, baseline, said)
	}
	m.together(sockets, func(ctx context.Context, id string) error { return m.Leave(ctx, "/", id) })
	eventually(t, "the baseline", func() bool { return channels() == baseline && m.Stats().Subscriptions == wanted })
}

func subscribeCommands(t *testing.T, own *redistest.Own) int {
	t.Helper()
	text, err := own.Client().Info(context.Background(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "cmdstat_subscribe:calls=")
	calls, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(calls)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return n
}
