package redis

import (
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// TestMixedClusterOnARedisCluster has servers of both kinds talk through three masters.
func TestMixedClusterOnARedisCluster(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t, 3, false).URL()
	for _, l := range []layout{{"one Node.js, two Causeway", "ngg", Dynamic}, {"two Node.js, one Causeway", "nng", Dynamic}} {
		t.Run(l.name, func(t *testing.T) {
			w := startMixed(t, l, url)
			w.perRoom = true
			w.emits()
			w.fetches()
			w.gathersAcks()
			w.serverSideEmits()
			w.changes()
			w.finish()
		})
	}
}
