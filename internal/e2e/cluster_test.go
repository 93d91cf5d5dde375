package e2e

import (
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// startThree starts three nodes that share a Redis, and nothing with other tests.
func startThree(t *testing.T, program string, flags ...string) []*server {
	t.Helper()
	flags = append(flags, "--redis-url", redistest.Start(t), "--redis-prefix", redistest.Prefix(t))
	nodes := make([]*server, 3)
	for i := range nodes {
		nodes[i] = start(t, program, flags...)
	}
	return nodes
}

func urls(nodes []*server) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.url())
	}
	return all
}

// Both versions of the client, over every transport, on each of three gateways.
func TestRoomsSpanThreeNodes(t *testing.T) {
	needNode(t)
	nodes := startThree(t, gatewayProgram, "--dev")
	for _, name := range []string{"everyMemberHearsEveryPublisherInOrder", "leavingStopsEverywhere", "oneSocketIsReachedFromAnyNode"} {
		t.Run(name, func(t *testing.T) {
			runScript(t, name, nodes[0].url(), options{"urls": urls(nodes), "count": 100})
		})
	}
}

// What an emitter addresses beyond rooms, from handlers of an embedding program.
func TestExceptAndSenderAreLeftOutAcrossNodes(t *testing.T) {
	needNode(t)
	nodes := startThree(t, serverProgram)
	runScript(t, "exceptAndInAcrossNodes", nodes[0].url(), options{"urls": urls(nodes)})
}
