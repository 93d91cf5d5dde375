package e2e

import (
	"encoding/json"
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

// rolloutWindows let about 17 clients a second go. A balancer that deals in turn leaves
// a third of the clients on the first of three nodes, a half on the second once those of
// the first have gone to the others, and three quarters on the last.
var rolloutWindows = []time.Duration{6 * time.Second, 9 * time.Second, 13500 * time.Millisecond}

// restart is one of a rollout.
type restart struct {
	node          *server
	window        time.Duration
	began, exited time.Time // SIGTERM, and the end of the process
}

// A new version on all nodes, while everybody is there and hears a constant stream of
// emits: clients see a closed transport and come back by themselves, a few at a time.
func TestRolloutIsOneReconnectAtATime(t *testing.T) {
	needNode(t)
	restarts := make([]*restart, len(rolloutWindows))
	flags := append(withAPIKey(t), "--drain-delay", rolloutDelay.String(), "--redis-url", redistest.Start(t), "--redis-prefix", redistest.Prefix(t))
	var nodes []*server
	for i, window := range rolloutWindows {
		n := startGateway(t, append([]string{"--drain-window", window.String()}, flags...)...)
		nodes = append(nodes, n)
		restarts[i] = &restart{node: n, window: window}
	}
	balancer := startHAProxy(t, nodes)
	const room = "rollout"
	var scripts []*script
	for range rolloutProcesses {
		scripts = append(scripts, startScript(t, "membersDuringARollout", balancer.url(), options{"count": rolloutClients / rolloutProcesses, "room": room, "seconds": 100}))
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
	calm := time.Now()
	for time.Since(calm) < time.Second { // everybody is back: all of this must arrive
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	each(func(s *script) { s.tell(totals(t, streams)) })
	o := observed{restarts: restarts, streams: streams}
	each(func(s *script) { o.witnesses = append(o.witnesses, s.expect("accounted").Witnesses...) })
	each(func(s *script) { s.expect("passed") })
	o.judge(t)
	judgeRequests(t, balancer, &o)
}

// run restarts the node on its addresses.
func (r *restart) run() {
	r.began = time.Now()
	r.node.terminateWithin(rolloutDelay + r.window + 12*time.Second)
	r.exited = time.Now()
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
func judgeRequests(t *testing.T, balancer *haproxy, o *observed) {
	t.Helper()
	closed := o.closedSessions()
	var handshakes []time.Time
	unknown := 0
	for _, r := range balancer.over() {
		switch {
		case r.at.Before(o.restarts[0].began):
		case r.status >= 400 && r.status < 500 && closed[r.sid]:
			unknown++
		case r.failed():
			t.Errorf("a request failed: %s", r.line)
		}
		if r.sid == "" && r.at.After(o.restarts[0].began) {
			handshakes = append(handshakes, r.at)
		}
	}
	burst := most(handshakes, time.Second)
	t.Logf("%d handshakes at the balancer, at most %d in any second; %d requests for closed sessions got 4xx", len(handshakes), burst, unknown)
	if burst > rolloutClients/10 {
		t.Errorf("%d handshakes in a second, of %d clients", burst, rolloutClients)
	}
	for i, r := range o.restarts {
		if n := strings.Count(r.node.log.String(), "all_left=true"); n != 1 {
			t.Errorf("node %d says %d times that all had left when it ended", i, n)
		}
	}
}

// most is the largest number of moments within a span.
func most(moments []time.Time, span time.Duration) (n int) {
	slices.SortFunc(moments, time.Time.Compare)
	first := 0
	for i, m := range moments {
		for m.Sub(moments[first]) > span {
			first++
		}
		n = max(n, i-first+1)
	}
	return n
}
