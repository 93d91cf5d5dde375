package peer

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
)

// replicated is a Redis whose master can be lost: that of Sentinels, or the one of a Redis
// Cluster that has the registry's keys.
type replicated struct {
	url             string
	master, replica *redistest.Own
}

func underSentinels(t *testing.T, _ string) replicated {
	w := redistest.StartSentinels(t)
	return replicated{w.URL(), w.Master, w.Replica}
}

func inCluster(t *testing.T, prefix string) replicated {
	t.Helper()
	c := redistest.StartCluster(t, 3, true)
	slot, err := c.Masters[0].Client().ClusterKeySlot(t.Context(), NewRedis(nil, prefix).index).Result()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range c.Masters {
		if m == c.Owner(int(slot)) {
			return replicated{c.URL(), m, c.Replicas[i]}
		}
	}
	t.Fatal("nobody has the slot")
	return replicated{}
}

// The times of these tests: entries end during a failover, or just after it.
const (
	faultTTL     = 3 * time.Second
	faultRefresh = 500 * time.Millisecond
)

// onRedis is a node of the registry with a connection of its own.
func onRedis(t *testing.T, url, prefix, tag string) *member {
	t.Helper()
	client, err := redis.OpenClient(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Store: NewRedis(client, prefix), TTL: faultTTL, Refresh: faultRefresh}
	if tag != "" {
		cfg.drawTag = func() string { return tag }
	}
	r, err := Join(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{r, cancel, make(chan error, 1)}
	if err := r.Announce(ctx, "127.0.0.1:9"); err != nil {
		t.Errorf("announce: %v", err)
	}
	go func() { m.err <- r.Run(ctx); close(m.err) }()
	t.Cleanup(func() {
		cancel()
		if err := <-m.err; err != nil {
			t.Errorf("node %s ended: %v", r.Tag(), err)
		}
		left, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		_ = r.Leave(left)
		client.Close()
	})
	return m
}

// renewedSince reports whether the store has confirmed the claim after a moment.
func (m *member) renewedSince(at time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.renewed.After(at)
}

// A master with the registry's keys is lost, and later what its replica had as well. The
// nodes keep their tags and know each other all the time.
func TestClaimsSurviveTheLossOfTheirMaster(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T, string) replicated{"Sentinel": underSentinels, "Redis Cluster": inCluster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prefix := redistest.Prefix(t)
			w := start(t, prefix)
			a, b := onRedis(t, w.url, prefix, ""), onRedis(t, w.url, prefix, "")
			together := func() bool { return a.knows(b.Tag()) == failNone && b.knows(a.Tag()) == failNone }
			until(t, "the nodes to know each other", together)
			untilTogether := func(what string, ok func() bool) {
				t.Helper()
				until(t, what, func() bool {
					if !together() {
						t.Fatalf("a node was forgotten before %s: %s and %s", what, a.State(), b.State())
					}
					return ok()
				})
			}
			onNewMaster := w.replica.Client()
			entries := func() int64 {
				return onNewMaster.Exists(t.Context(), NewRedis(nil, prefix).key(a.Tag()), NewRedis(nil, prefix).key(b.Tag())).Val()
			}

			w.master.Kill()
			lost := time.Now()
			untilTogether("the failover", func() bool {
				role, err := onNewMaster.Do(t.Context(), "ROLE").Slice()
				return err == nil && role[0] == "master"
			})
			failedOver := time.Now()
			untilTogether("renewals at the new master", func() bool { return a.renewedSince(failedOver) && b.renewedSince(failedOver) })
			t.Logf("failover after %v, renewed %v later; %d and %d renewals had failed", failedOver.Sub(lost).Round(time.Millisecond),
				time.Since(failedOver).Round(time.Millisecond), a.Stats().RenewFailures, b.Stats().RenewFailures)
			if n := entries(); n != 2 {
				t.Errorf("the new master has %d entries", n)
			}

			// What was written last may not have reached the replica.
			if err := onNewMaster.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			untilTogether("new claims", func() bool { return entries() == 2 })

			c := onRedis(t, w.url, prefix, "")
			until(t, "the third node", func() bool {
				return a.knows(c.Tag()) == failNone && b.knows(c.Tag()) == failNone && c.knows(a.Tag()) == failNone
			})
			b.stop() // dies: its entry ends by itself
			<-b.err
			until(t, "the end of a dead node's entry", func() bool { return a.knows(b.Tag()) == failUnknown && c.knows(b.Tag()) == failUnknown })
			if a.State() != "ok" || a.Stats().Taken != 0 || b.Stats().Taken != 0 {
				t.Errorf("%s, %+v", a.State(), a.Stats())
			}
		})
	}
}

// deafConn is a connection that ends when a claim has been sent by it.
type deafConn struct {
	net.Conn
	once *atomic.Bool // shared: only the first claim has that fate
	ends bool
}

func (c *deafConn) Write(p []byte) (int, error) {
	claim := bytes.Contains(bytes.ToLower(p), []byte("\r\nnx\r\n")) || bytes.Contains(bytes.ToLower(p), []byte("\r\nsetnx\r\n"))
	c.ends = c.ends || claim && !c.once.Swap(true)
	return c.Conn.Write(p)
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p) // by now it has been carried out
	if c.ends {
		return 0, io.EOF
	}
	return n, err
}

// go-redis repeats a command on a Redis Cluster when the connection ends before the answer. A
// node that finds its own claim there is not another.
func TestRepeatedClaimIsNotTakenForAnother(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t, 1, false).URL()
	var once atomic.Bool
	client := goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: strings.Split(strings.ReplaceAll(url, "redis://", ""), ","), MaxRetries: -1, Protocol: 2, DisableIdentity: true, DialerRetries: 1,
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return &deafConn{Conn: conn, once: &once}, err
		},
	})
	t.Cleanup(func() { client.Close() })
	store := NewRedis(client, redistest.Prefix(t))
	mine, other := Node{ID: "mine", Address: "h:1"}, Node{ID: "other", Address: "h:2"}
	if err := store.Renew(t.Context(), "tag1", "mine", mine.entry(), time.Minute); err != nil {
		t.Errorf("renewal: %v", err)
	}
	if !once.Load() {
		t.Fatal("no answer was lost")
	}
	if claimed, err := store.Claim(t.Context(), "tag1", other.entry(), time.Minute); claimed || err != nil {
		t.Errorf("claim by another: %v, %v", claimed, err)
	}
}
