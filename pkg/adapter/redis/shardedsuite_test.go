package redis_test

import (
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
	"github.com/causeway-rt/causeway/pkg/socketio/adaptertest"
)

var subscriptionModes = []redis.SubscriptionMode{redis.Dynamic, redis.Static, redis.DynamicPrivate}

// TestShardedAdapterDoesWhatEveryAdapterMust runs the shared suite in each mode, against one
// server.
func TestShardedAdapterDoesWhatEveryAdapterMust(t *testing.T) {
	url := redistest.Start(t)
	for _, mode := range subscriptionModes {
		t.Run(string(mode), func(t *testing.T) {
			adaptertest.Run(t, func(t *testing.T, nodes int) []socketio.Adapter {
				return shardedNodes(t, nodes, redis.Config{URL: url, SubscriptionMode: mode})
			})
		})
	}
}

// shardedNodes returns adapters that have a prefix in common.
func shardedNodes(t *testing.T, nodes int, cfg redis.Config) (adapters []socketio.Adapter) {
	t.Helper()
	cfg.Prefix = redistest.Prefix(t)
	for range nodes {
		a, err := redis.NewSharded(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
		adapters = append(adapters, a)
	}
	return adapters
}

// TestBothAdaptersWorkOnARedisCluster runs the shared suite against three masters. Emits to
// rooms go by different ones there, so only the order within a room is promised; the
// classic adapter keeps more, because it publishes everything by one.
func TestBothAdaptersWorkOnARedisCluster(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t, 3, false).URL()
	for _, mode := range subscriptionModes {
		t.Run(string(mode), func(t *testing.T) {
			adaptertest.Run(t, func(t *testing.T, nodes int) []socketio.Adapter {
				return shardedNodes(t, nodes, redis.Config{URL: url, SubscriptionMode: mode})
			}, adaptertest.OrderPerRoom)
		})
	}
	t.Run("classic", func(t *testing.T) {
		adaptertest.Run(t, func(t *testing.T, nodes int) []socketio.Adapter {
			return classicNodes(t, nodes, redis.Config{URL: url})
		})
	})
}
