package redis

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// bothAdapters are configurations of three nodes of each kind.
func bothAdapters(t *testing.T, url string) map[string][]Config {
	sharded := three(t, url)
	for i := range sharded {
		sharded[i].SubscriptionMode = Dynamic
	}
	return map[string][]Config{"classic": three(t, url), "sharded": sharded}
}

// A Sentinel failover: the master is killed, and its replica takes its place.
func TestSentinelFailoverIsNoticedAndHealed(t *testing.T) {
	t.Parallel()
	for name := range bothAdapters(t, "redis://nobody") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := redistest.StartSentinels(t)
			l := startLoad(t, bothAdapters(t, w.URL())[name]...)
			l.endure(fault{begin: w.Master.Kill, end: func() { awaitMaster(t, w.Replica) }, ill: allThree})
		})
	}
}

// awaitMaster waits until a replica has become a master.
func awaitMaster(t testing.TB, o *redistest.Own) {
	t.Helper()
	c := o.Client()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		role, err := c.Do(context.Background(), "ROLE").Slice()
		if err == nil && role[0] == "master" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is still %v: %v", role, err)
		}
	}
}

// roomsOnAll are a way to everybody, and a room with its channel at each master.
func roomsOnAll(c *redistest.Cluster, prefix string) [][]string {
	rooms := [][]string{nil}
	for _, m := range c.Masters {
		for i := 0; ; i++ {
			room := fmt.Sprint("room", i)
			if c.Owner(slotOf(newChannels(prefix).room("/", room))) == m {
				rooms = append(rooms, []string{room})
				break
			}
		}
	}
	return rooms
}

// startClusterLoad is a load whose rooms are at all masters.
func startClusterLoad(t *testing.T, c *redistest.Cluster, cfgs []Config) *load {
	l := &load{t: t, rooms: roomsOnAll(c, cfgs[0].Prefix), perRoom: cfgs[0].SubscriptionMode != ""}
	l.start(cfgs...)
	return l
}

// A master of a Redis Cluster is killed, and its replica takes its place. The other shards
// go on meanwhile.
func TestLostClusterMasterIsNoticedAndHealed(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, true)
	l := startClusterLoad(t, c, bothAdapters(t, c.URL())["sharded"])
	l.endure(fault{begin: c.Masters[1].Kill, end: func() { awaitMaster(t, c.Replicas[1]) }, ill: allThree})
}

// A classic node needs any server of the cluster: it finds another at once.
func TestClassicNodesOutliveAnyServerOfACluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, true)
	l := startClusterLoad(t, c, bothAdapters(t, c.URL())["classic"])
	time.Sleep(20 * loadInterval) // some traffic before
	c.Masters[1].Kill()           // which may concern any of them
	awaitMaster(t, c.Replicas[1])
	begin := time.Now()
	eventually(t, "healthy", l.healthy)
	a := l.finish(time.Now())
	t.Logf("healed %v after its end: %v", time.Since(begin).Round(time.Millisecond), a)
	// What the lost server had accepted may still be on its way between the others when
	// the publisher goes on by one of these: only there is no order.
	a.reordered = 0
	a.check(t)
}

// A slot moves to another master while it is in use. Redis ends the subscription, and what
// it refuses to publish is sent on, in its order.
func TestMovedSlotIsFollowed(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, false)
	cfgs := bothAdapters(t, c.URL())["sharded"]
	l := startClusterLoad(t, c, cfgs)
	slot := slotOf(newChannels(cfgs[0].Prefix).room("/", l.rooms[1][0]))
	time.Sleep(20 * loadInterval) // some traffic before
	subscriptions := func() (n int) {
		for _, m := range l.members {
			n += m.Stats().Subscriptions
		}
		return n
	}
	before := subscriptions()
	for i := range 4 {
		to := c.Masters[(i+1)%3]
		c.Move(slot, c.Masters[i%3], to)
		eventually(t, "everybody is subscribed there", func() bool {
			return shardSubscribers(t, to.URL(), newChannels(cfgs[0].Prefix).room("/", l.rooms[1][0])) == 3
		})
	}
	a := l.finish(time.Now())
	t.Log(a)
	a.check(t)
	if n := subscriptions(); n != before {
		t.Errorf("%d subscriptions, %d before", n, before)
	}
	for i, s := range a.stats {
		if s.Gaps == 0 || s.PublishFailed+s.PublishUnknown > 0 || s.Pending != 0 {
			t.Errorf("node %d: %+v", i, s)
		}
	}
}
