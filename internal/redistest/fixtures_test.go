package redistest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

func TestClusterHasAllSlotsAndMovesThem(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, true)
	shards := func() map[int]string {
		owners := map[int]string{}
		slots, err := c.Masters[0].Client().ClusterSlots(context.Background()).Result() //nolint:staticcheck // it is what the adapter asks
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range slots {
			for slot := s.Start; slot <= s.End; slot++ {
				owners[slot] = s.Nodes[0].Addr
			}
		}
		return owners
	}
	before := shards()
	if len(before) != 16384 {
		t.Fatalf("%d slots have a master", len(before))
	}
	for slot, owner := range before {
		if c.Owner(slot).Address() != owner {
			t.Fatalf("slot %d is at %s, not at %s", slot, owner, c.Owner(slot).Address())
		}
	}
	c.Move(7, c.Masters[0], c.Masters[2])
	if now := shards()[7]; now != c.Masters[2].Address() {
		t.Errorf("slot 7 is at %s", now)
	}
}

func TestSentinelsReplaceADeadMaster(t *testing.T) {
	t.Parallel()
	w := redistest.StartSentinels(t)
	sentinel := goredis.NewSentinelClient(&goredis.Options{Addr: w.Sentinels[0].Address()})
	defer sentinel.Close()
	w.Master.Kill()
	deadline := time.Now().Add(20 * time.Second)
	for {
		master, err := sentinel.GetMasterAddrByName(context.Background(), redistest.MasterName).Result()
		if err == nil && strings.Join(master, ":") == w.Replica.Address() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the master is still %v, %v", master, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
