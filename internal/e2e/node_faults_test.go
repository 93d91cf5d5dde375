package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// account is what members of a room on all nodes have seen. An event counts as expected
// at each member that was connected around its time, if its sender was.
type account struct {
	Back            int `json:"back"` // ms until everybody was in the room again
	LostConnections int `json:"lostConnections"`
	Sent            int `json:"sent"`
	Expected        int `json:"expected"`
	Lost            int `json:"lost"`
	LostOnOneNode   int `json:"lostOnOneNode"` // of these, where sender and member had the same node
	LostAfter       int `json:"lostAfter"`     // of these, after everybody was back
	Duplicated      int `json:"duplicated"`
	Reordered       int `json:"reordered"`
	Latest          int `json:"latest"` // ms that the slowest event took
}

func (a account) String() string {
	return fmt.Sprintf("%d connections lost, everybody back after %d ms; %d events, %d expected arrivals, %d lost (%d on one node, %d afterwards), %d duplicated, %d reordered, the slowest took %d ms",
		a.LostConnections, a.Back, a.Sent, a.Expected, a.Lost, a.LostOnOneNode, a.LostAfter, a.Duplicated, a.Reordered, a.Latest)
}

// balancer is a plain TCP round robin over nodes that skips those that refuse.
type balancer struct {
	address string
	nodes   []*server
	running sync.WaitGroup

	mu    sync.Mutex
	next  int        // Guarded by mu.
	conns []net.Conn // Guarded by mu.
}

func startBalancer(t *testing.T, nodes []*server) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{address: listener.Addr().String(), nodes: nodes}
	b.running.Go(func() { b.accept(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		b.mu.Lock()
		for _, c := range b.conns {
			_ = c.Close()
		}
		b.mu.Unlock()
		b.running.Wait()
	})
	return b
}

func (b *balancer) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		node := b.dial()
		if node == nil {
			_ = client.Close()
			continue
		}
		b.mu.Lock()
		b.conns = append(b.conns, client, node)
		b.mu.Unlock()
		b.running.Go(func() { pipe(node, client) })
		b.running.Go(func() { pipe(client, node) })
	}
}

func (b *balancer) dial() net.Conn {
	for range b.nodes {
		b.mu.Lock()
		node := b.nodes[b.next%len(b.nodes)]
		b.next++
		b.mu.Unlock()
		if c, err := net.DialTimeout("tcp", node.public, time.Second); err == nil {
			return c
		}
	}
	return nil
}

func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}

// ill is three nodes behind a balancer, of which the last reaches Redis by a way of its
// own, and members that talk.
type ill struct {
	t      *testing.T
	nodes  []*server
	way    *redistest.Faulty
	redis  *goredis.Client
	prefix string
	script *script
}

func startIll(t *testing.T) *ill {
	t.Helper()
	needNode(t)
	own := redistest.StartOwn(t)
	x := &ill{t: t, way: redistest.StartFaultyTo(t, own.Address()), prefix: redistest.Prefix(t)}
	x.redis = goredis.NewClient(&goredis.Options{Addr: own.Address()})
	t.Cleanup(func() { _ = x.redis.Close() })
	for _, url := range []string{own.URL(), own.URL(), x.way.URL()} {
		x.nodes = append(x.nodes, startGateway(t, "--redis-url", url, "--redis-prefix", x.prefix))
	}
	x.script = startScript(t, "talkWhileANodeIsIll", "http://"+startBalancer(t, x.nodes).address, options{"members": 24, "unique": x.prefix})
	x.script.expect("connected")
	return x
}

// heard counts the nodes that hear the room that the members talk in, and those that
// hear the questions of others: as many answers are waited for.
func (x *ill) heard() (room, questions int64) {
	x.t.Helper()
	channels := []string{x.prefix + "#/#ill-" + x.prefix + "#", x.prefix + "-request#/#"}
	n, err := x.redis.PubSubNumSub(context.Background(), channels...).Result()
	if err != nil {
		x.t.Fatal(err)
	}
	return n[channels[0]], n[channels[1]]
}

// finish says that the node is well, or gone, and returns what the members have seen.
func (x *ill) finish() account {
	x.t.Helper()
	x.script.tell("healed")
	a := x.script.expect("accounted").Account
	x.script.expect("passed")
	x.t.Log(a)
	if a.Duplicated != 0 || a.Reordered != 0 || a.LostAfter != 0 || a.LostOnOneNode != 0 {
		x.t.Errorf("%d duplicated, %d reordered, %d lost afterwards, %d lost on one node", a.Duplicated, a.Reordered, a.LostAfter, a.LostOnOneNode)
	}
	if a.Expected == 0 {
		x.t.Error("nothing was expected of anybody")
	}
	return a
}

// A killed node takes its own connections with it, and nothing else: its subscriptions
// vanish, so that no question waits for its answer, its clients come back on the other nodes, and those that were there miss
// nothing.
func TestKilledNodeIsReplacedByTheOthers(t *testing.T) {
	t.Parallel()
	x := startIll(t)
	if room, questions := x.heard(); room != 3 || questions != 3 {
		t.Fatalf("%d nodes hear the room, and %d the questions", room, questions)
	}
	begin := time.Now()
	x.nodes[1].kill()
	eventually(t, 10*time.Second, "its subscriptions to vanish", func() error {
		if room, questions := x.heard(); room != 2 || questions != 2 {
			return fmt.Errorf("%d nodes hear the room, and %d the questions", room, questions)
		}
		return nil
	})
	t.Logf("its subscriptions vanished within %v", time.Since(begin).Round(time.Millisecond))
	if a := x.finish(); a.Lost != 0 || a.LostConnections == 0 {
		t.Errorf("%d lost by members of the nodes that live, %d connections lost", a.Lost, a.LostConnections)
	}
}

// A node that was stopped for a while goes on where it was: what came meanwhile waits in
// the kernel and in Redis, is late, and is not lost.
func TestStoppedNodeGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	x := startIll(t)
	process := x.nodes[1].cmd.Process
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(8 * time.Second) // longer than a silence that a node takes for a fault
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a := x.finish()
	m := x.nodes[1].metrics()
	if a.Lost != 0 && m.sum("gateway_adapter_gaps_total")+m.sum("gateway_adapter_publish_errors_total") == 0 {
		t.Errorf("%d lost, and the node counts none", a.Lost)
	}
	if gaps := m.sum("gateway_adapter_gaps_total", "hearing"); gaps != 0 {
		t.Errorf("%v gaps in hearing: the node took its own absence for a silent Redis", gaps)
	}
	if a.LostConnections != 0 {
		t.Errorf("%d connections lost", a.LostConnections)
	}
}

// A node that is cut off from Redis goes on serving its own clients, says that it is cut
// off, and counts what is missing.
func TestNodeWithoutRedisGoesOnAlone(t *testing.T) {
	t.Parallel()
	x := startIll(t)
	cut := x.nodes[2]
	begin := time.Now()
	x.way.Pause()
	eventually(t, 10*time.Second, "the node to notice", func() error {
		if m := cut.metrics(); m.sum("gateway_adapter_connected") != 0 || m.sum("gateway_adapter_can_publish") != 0 {
			return fmt.Errorf("connected %v, can publish %v", m.sum("gateway_adapter_connected"), m.sum("gateway_adapter_can_publish"))
		}
		return nil
	})
	t.Logf("noticed on both sides within %v", time.Since(begin).Round(time.Millisecond))
	if state, err := cut.get("/readyz"); err != nil {
		t.Errorf("not ready in the grace period: %v", err)
	} else {
		t.Logf("readiness: %s", state)
	}
	x.way.Resume()
	begin = time.Now()
	eventually(t, 10*time.Second, "the node to be well", func() error {
		if m := cut.metrics(); m.sum("gateway_adapter_connected") != 1 || m.sum("gateway_adapter_can_publish") != 1 {
			return fmt.Errorf("connected %v, can publish %v", m.sum("gateway_adapter_connected"), m.sum("gateway_adapter_can_publish"))
		}
		return nil
	})
	healed := time.Since(begin)
	t.Logf("healed within %v", healed.Round(time.Millisecond))
	if healed > 3*time.Second {
		t.Errorf("healed only after %v", healed)
	}
	a := x.finish()
	m := cut.metrics()
	for _, side := range []string{"hearing", "publishing"} {
		n, seconds := m.sum("gateway_adapter_gaps_total", side), m.sum("gateway_adapter_gap_seconds_total", side)
		t.Logf("%s: %v gaps, %.1f s", side, n, seconds)
		if a.Lost > 0 && (n == 0 || seconds == 0) {
			t.Errorf("%d lost, and no gap in %s", a.Lost, side)
		}
	}
	if a.Lost == 0 || a.LostConnections != 0 {
		t.Errorf("%d lost, %d connections lost: it was not cut off from Redis only", a.Lost, a.LostConnections)
	}
}
