package redis_test

import (
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
	"github.com/causeway-rt/causeway/pkg/socketio/adaptertest"
)

// TestAdapterDoesWhatEveryAdapterMust runs the suite that all adapters share, with each way
// to hear private rooms, and with both in one cluster.
func TestAdapterDoesWhatEveryAdapterMust(t *testing.T) {
	url := redistest.Start(t)
	for name, ways := range map[string][]redis.PrivateRooms{
		"pattern": {redis.ByPattern}, "exact": {redis.Exact}, "both": {redis.ByPattern, redis.Exact},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, func(t *testing.T, nodes int) []socketio.Adapter {
				return classicNodes(t, nodes, redis.Config{URL: url}, ways...)
			})
		})
	}
}

// classicNodes returns adapters that have a prefix in common, and ways to hear private rooms
// in turn.
func classicNodes(t *testing.T, nodes int, cfg redis.Config, ways ...redis.PrivateRooms) (adapters []socketio.Adapter) {
	t.Helper()
	cfg.Prefix = redistest.Prefix(t)
	for i := range nodes {
		if len(ways) > 0 {
			cfg.PrivateRooms = ways[i%len(ways)]
		}
		a, err := redis.New(cfg)
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
