package adaptertest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/pkg/socketio"
	"github.com/causeway-rt/causeway/pkg/socketio/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBus(t *testing.T) {
	adaptertest.Run(t, func(_ *testing.T, nodes int) (adapters []socketio.Adapter) {
		bus := socketio.NewBus()
		for range nodes {
			adapters = append(adapters, bus.Adapter())
		}
		return adapters
	})
}
