package adaptertest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/pkg/socketio"
	"github.com/causeway-rt/causeway/pkg/socketio/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func busCluster(_ *testing.T, nodes int) (adapters []socketio.Adapter) {
	bus := socketio.NewBus()
	for range nodes {
		adapters = append(adapters, bus.Adapter())
	}
	return adapters
}

func TestBus(t *testing.T) { adaptertest.Run(t, busCluster) }

func TestHistoryOfBus(t *testing.T) { adaptertest.RunHistory(t, busCluster) }

func TestRecoveryOverBus(t *testing.T) { adaptertest.RunRecovery(t, busCluster) }
