package e2e

import (
	"maps"
	"testing"
)

// A client whose node drains, or crashes, comes back by itself when there is a
// node on that port again, and is in its rooms once it has joined them.
func TestClientsComeBackAfterTheNodeRestarts(t *testing.T) {
	needNode(t)
	s := startGateway(t, "--drain-delay", "0s", "--drain-window", "500ms")
	ways := []struct {
		name string
		stop func()
	}{{"drain", s.terminate}, {"crash", s.kill}}
	var scripts []*script
	for _, kind := range kinds {
		all := options{"restarts": []string{"drain", "crash"}}
		maps.Copy(all, kind)
		scripts = append(scripts, startScript(t, "reconnectsAfterRestart", s.url(), all))
	}
	for _, way := range ways {
		for _, script := range scripts {
			script.expect("connected")
		}
		way.stop()
		s.launch()
	}
	for _, script := range scripts {
		script.expect("passed")
	}
}
