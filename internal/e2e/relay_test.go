package e2e

import "testing"

// The gateway's relay events, which need no code on the server.
func TestRelayBetweenOfficialClients(t *testing.T) {
	needNode(t)
	s := startGateway(t)
	for _, name := range []string{"relayBetweenTwoClients", "relayRefusesWhatIsInvalid"} {
		t.Run(name, func(t *testing.T) { forEveryKind(t, name, s.url(), nil) })
	}
	t.Run("roomsPerSocketHaveALimit", func(t *testing.T) {
		runScript(t, "roomsPerSocketHaveALimit", s.url(), nil)
	})
}

func TestRelayForbidsEverythingByDefault(t *testing.T) {
	s := startStrict(t)
	runScript(t, "relayForbidsByDefault", s.url(), nil)
}
