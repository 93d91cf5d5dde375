package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// limits writes a file with a section limits, and returns the flag that names it.
func limits(t *testing.T, section string) (flag string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte("limits: "+section+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--config=" + path
}

// A full node refuses a client, which comes in as soon as another has gone.
func TestClientComesInWhenAFullNodeHasRoom(t *testing.T) {
	t.Parallel()
	s := startGateway(t, append(quick, "--max-connections", "1")...) // quick: a process that ends says no goodbye by polling
	for _, kind := range kinds {                                     // one after the other: there is one place
		t.Run(fmt.Sprintf("client %s.x %s", kind["client"], kind["transport"]), func(t *testing.T) {
			s.expectNoConnections(t)
			runScript(t, "comesInWhenThereIsRoom", s.url(), maps.Clone(kind))
		})
	}
	if n := s.metrics()[`gateway_rejected_total{reason="full"}`]; n < 4*float64(len(kinds)) {
		t.Errorf("%v handshakes were refused, want 4 for each kind of client", n)
	}
}
