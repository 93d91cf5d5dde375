package redis_test

import (
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
	"github.com/causeway-rt/causeway/pkg/socketio/adaptertest"
)

// TestAdapterDoesWhatEveryAdapterMust runs the suite that all adapters share.
func TestAdapterDoesWhatEveryAdapterMust(t *testing.T) {
	url := redistest.Start(t)
	adaptertest.Run(t, func(t *testing.T, nodes int) []socketio.Adapter {
		return classicNodes(t, nodes, redis.Config{URL: url})
	})
}

// classicNodes returns adapters that have a prefix in common.
func classicNodes(t *testing.T, nodes int, cfg redis.Config) (adapters []socketio.Adapter) {
	t.Helper()
	cfg.Prefix = redistest.Prefix(t)
	for range nodes {
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
