package e2e

import (
	"fmt"
	"maps"
	"testing"
)

const maxPayload = 1_000_000

// What any unmodified client does, with both versions over every transport.
func TestOfficialClients(t *testing.T) {
	scenarios := []string{
		"eventsBothWays",
		"eventNamesOfAnyKind",
		"binaryBothWays",
		"textAndBinaryStayInOrder",
		"acksBothWays",
		"manyAcksAtOnce",
		"volatileEventsArriveAtAnIdleClient",
		"connectAndDisconnect",
		"reconnectsByItselfAfterTransportLoss",
		"namespacesShareAConnection",
		"unknownNamespaceIsRefused",
		"dynamicNamespaceAsksItsFunction",
		"authPayloadArrives",
		"handshakeIsVisible",
		"refusalCarriesItsData",
		"roomsExceptAndLeave",
		"broadcastAcksAreGathered",
		"handlerAsksItsOwnClient",
		"panicClosesOnlyItsConnection",
		"burstOverOneRequest",
		"messagesJustUnderTheLimit",
		"messageOverTheLimitClosesOnlyItsSender",
	}
	needNode(t)
	// A queue that holds two of the largest messages; heartbeats that a client
	// which sent too much over polling is missed by within the test.
	s := startServer(t, "--max-payload", fmt.Sprint(maxPayload), "--max-queue", "4000000", "--ping-interval", "1s", "--ping-timeout", "5s")
	t.Run("scenarios", func(t *testing.T) {
		for _, name := range scenarios {
			t.Run(name, func(t *testing.T) {
				forEveryKind(t, name, s.url(), options{"maxPayload": maxPayload})
			})
		}
	})
	t.Run("ackPromisesOfClient4", func(t *testing.T) {
		runScript(t, "ackPromisesOfClient4", s.url(), options{"client": "4"})
	})
}

// Messages that are on their way while the session changes its transport arrive
// once and in order, in both directions.
func TestUpgradeKeepsTenThousandMessagesInOrder(t *testing.T) {
	needNode(t)
	s := startServer(t)
	for _, kind := range kinds {
		t.Run(fmt.Sprintf("client %s.x %s", kind["client"], kind["transport"]), func(t *testing.T) {
			all := maps.Clone(kind)
			if kind["transport"] != "upgrade" {
				script := startScript(t, "tenThousandMessagesEachWayInOrder", s.url(), all)
				script.expect("upgrade now")
				script.expect("passed")
				return
			}
			proxy := startProxy(t, s.public)
			proxy.holdUpgrades()
			script := startScript(t, "tenThousandMessagesEachWayInOrder", "http://"+proxy.address, all)
			script.expect("upgrade now")
			proxy.releaseUpgrades()
			script.expect("passed")
		})
	}
}

// A handler that blocks for longer than a pong may take holds up nobody, not
// even its own connection's heartbeat.
func TestSlowHandlerKeepsItsConnection(t *testing.T) {
	needNode(t)
	// A busy machine stops clients for more than a second now and then: a pong may take 3 s,
	// and the handler longer.
	s := startServer(t, "--ping-interval", "500ms", "--ping-timeout", "3s")
	forEveryKind(t, "slowHandlerKeepsItsConnection", s.url(), options{"blockMs": 5000})
}
