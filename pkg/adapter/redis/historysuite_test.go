package redis

import (
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
	"github.com/causeway-rt/causeway/pkg/socketio/adaptertest"
)

// deafAdapter is an adapter whose subscriptions go by a way that can be made silent.
type deafAdapter struct {
	testedAdapter
	socketio.History
	ways *ways
}

// Deafen keeps it from hearing until hear is called. What was on its way is lost.
func (a *deafAdapter) Deafen() (hear func()) {
	a.ways.subscribing.Silence(redistest.ToRedis, redistest.FromRedis)
	return a.ways.subscribing.Heal
}

// PrivateRooms implements socketio.PrivateRoomsAdapter.
func (a *deafAdapter) PrivateRooms() bool {
	return a.testedAdapter.(socketio.PrivateRoomsAdapter).PrivateRooms()
}

// TestHistoryDoesWhatEveryHistoryMust runs the suite that all history adapters share.
func TestHistoryDoesWhatEveryHistoryMust(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL = redistest.Start(t)
		adaptertest.RunHistory(t, func(t *testing.T, nodes int) []socketio.Adapter { return historyCluster(t, cfg, nodes) })
	})
}

func historyCluster(t *testing.T, cfg Config, nodes int) (adapters []socketio.Adapter) {
	t.Helper()
	cfg.Prefix = redistest.Prefix(t)
	url := cfg.URL
	for range nodes {
		w := &ways{redistest.StartToxic(t, url), redistest.StartToxic(t, url)}
		cfg.Client = w.client(t, url)
		a, err := newTested(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
		adapters = append(adapters, &deafAdapter{a, a.(socketio.HistoryAdapter), w})
	}
	return adapters
}

// TestClientsRecoverOverRedis runs servers and clients that come back, on either adapter.
func TestClientsRecoverOverRedis(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL = redistest.Start(t)
		adaptertest.RunRecovery(t, func(t *testing.T, nodes int) []socketio.Adapter { return historyCluster(t, cfg, nodes) })
	})
}
