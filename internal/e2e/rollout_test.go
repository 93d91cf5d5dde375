package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

const (
	rolloutClients   = 300
	rolloutProcesses = 3 // of clients
	rolloutDelay     = time.Second
	// backOff is the longest that the official client waits before it tries to reconnect:
	// reconnectionDelay, 1 s, and randomizationFactor, half of that.
	backOff = 1500 * time.Millisecond
	// connecting is what a client may take for a handshake, CONNECT and join beside that.
	connecting = time.Second
)

// rolloutWindows let about 15 clients a second go. A balancer that deals in turn leaves
// a third of the clients on the first of three nodes, a half on the second once those of
// the first have gone to the others, and three quarters on the last.
var rolloutWindows = []time.Duration{7 * time.Second, 10 * time.Second, 15 * time.Second}

// restart is one of a rollout.
type restart struct {
	node          *server
	tag           string // of its sessions, before
	window        time.Duration
	began, exited time.Time // SIGTERM, and the end of the process
}

// A new version on all nodes, while everybody is there and hears a constant stream of
// emits: clients see a closed transport and come back by themselves, a few at a time. The
// nodes are built without the race detector: it is about how many come in a second, which
// a machine that is busy with itself decides otherwise.
func TestRolloutIsOneReconnectAtATime(t *testing.T) {
	needNode(t)
	restarts := make([]*restart, len(rolloutWindows))
	flags := append(withAPIKey(t), "--drain-delay", rolloutDelay.String(), "--redis-url", redistest.Start(t), "--redis-prefix", redistest.Prefix(t))
	var nodes []*server
	for i, window := range rolloutWindows {
		n := start(t, plainProgram, append([]string{"--dev", "--drain-window", window.String()}, flags...)...)
		nodes = append(nodes, n)
		restarts[i] = &restart{node: n, tag: n.tag(), window: window}
	}
	balancer := startHAProxy(t, nodes)
	const room = "rollout"
	var scripts []*script
	for range rolloutProcesses {
		scripts = append(scripts, startScript(t, "clientsDuringARollout", balancer.url(), options{"count": rolloutClients / rolloutProcesses, "room": room, "seconds": 100}))
	}
	each := func(do func(*script)) {
		for _, s := range scripts {
			do(s)
		}
	}
	each(func(s *script) { s.expect("connected") })
	streams, stop := startStreams(t, nodes, room, 500*time.Millisecond)

	for _, r := range restarts {
		r.run()
	}
	each(func(s *script) { s.tell("restarted") })
	each(func(s *script) { s.expect("back") })
	stop()
	each(func(s *script) { s.tell(totals(t, streams)) })
	o := observed{restarts: restarts, streams: streams}
	each(func(s *script) { o.add(s.expect("accounted").Rollout) })
	each(func(s *script) { s.expect("passed") })
	o.judge(t)
	o.judgeRequests(t, balancer)
	for _, n := range nodes {
		n.kill() // sessions whose clients have ended without a word would hold it up
	}
}

// tag is that of a node with an API.
func (s *server) tag() string {
	s.t.Helper()
	var list struct {
		Nodes []struct{ Tag string }
	}
	if text, err := s.getAPI("nodes", &list); err != nil || len(list.Nodes) == 0 {
		s.t.Fatalf("%s, %v", text, err)
	}
	return list.Nodes[0].Tag // itself
}

// run restarts the node on its addresses.
func (r *restart) run() {
	r.began = time.Now()
	r.node.terminateWithin(rolloutDelay + r.window + 12*time.Second)
	r.exited = time.Now()
	if n := strings.Count(r.node.log.String(), "all_left=true"); n != 1 {
		r.node.t.Errorf("node %s says %d times that all had left when it ended", r.tag, n)
	}
	r.node.launch()
}

// totals is how many emits there were of each stream, in JSON.
func totals(t *testing.T, streams []*stream) string {
	t.Helper()
	var n []int
	for _, s := range streams {
		if s.err != nil {
			t.Error(s.err)
		}
		n = append(n, len(s.emits))
	}
	text, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// judgeRequests looks at the rollout from the balancer.
func (o *observed) judgeRequests(t *testing.T, balancer *haproxy) {
	t.Helper()
	began := o.restarts[0].began
	closed := map[string]bool{}
	for _, g := range o.gaps() {
		closed[g.lost.SID] = true
	}
	var handshakes []time.Time
	// It writes a line for a WebSocket when that has ended.
	eventually(t, 10*time.Second, "the balancer's log", func() error {
		handshakes = handshakes[:0]
		for _, r := range balancer.over() {
			if r.sid == "" && r.at.After(began) {
				handshakes = append(handshakes, r.at)
			}
		}
		if n := len(o.gaps()); len(handshakes) < n {
			return fmt.Errorf("%d handshakes, and %d clients came back", len(handshakes), n)
		}
		return nil
	})
	unknown := 0
	for _, r := range balancer.over() {
		switch {
		case r.at.Before(began) || !r.failed():
		case r.status < 500 && r.status >= 400 && closed[r.sid]:
			unknown++
		default:
			t.Errorf("a request failed: %s", r.line)
		}
	}
	t.Logf("%d requests of closed sessions got 4xx", unknown)
	o.judgeBursts(t, handshakes)
}

// judgeBursts looks at each second that ends with a handshake.
func (o *observed) judgeBursts(t *testing.T, handshakes []time.Time) {
	t.Helper()
	slices.SortFunc(handshakes, time.Time.Compare)
	first, burst := 0, 0
	for i, at := range handshakes {
		for at.Sub(handshakes[first]) > time.Second {
			first++
		}
		n := i - first + 1
		burst = max(burst, n)
		stalled := o.stalled(handshakes[first].Add(-backOff-connecting), at)
		if most := rolloutClients / 10 * (1 + stalled.Seconds()); float64(n) > most {
			t.Errorf("%d of %d clients came within a second up to %v, before which clients had stood still for %v", n, rolloutClients, at, stalled)
		}
	}
	t.Logf("%d handshakes at the balancer, at most %d in any second; clients stood still for %v", len(handshakes), burst, o.stalled(time.Time{}, time.Now()))
}
