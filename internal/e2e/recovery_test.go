package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// serveEmits emits what a scenario asks for, on one node after the other, until it has passed.
func (s *script) serveEmits(nodes []*server) {
	s.t.Helper()
	for i := 0; ; i++ {
		select {
		case line, open := <-s.lines:
			switch {
			case open && line.Say == "emit":
				nodes[i%len(nodes)].post("emit", line.ID)
				s.tell("sent")
			case open && line.Say == "passed":
				return
			default:
				s.t.Fatalf("%s said %q\n%s\n%s\n%s", s.name, line.Say, line.Error, strings.Join(line.Trace, "\n"), s.err.String())
			}
		case <-s.t.Context().Done():
			s.t.Fatal(s.t.Context().Err())
		}
	}
}

// The official client recovers on one node, and on any of three.
func TestOfficialClientRecovers(t *testing.T) {
	needNode(t)
	flags := append(withAPIKey(t), "--recovery", "1m")
	alone := []*server{startGateway(t, flags...)}
	three := startThree(t, gatewayProgram, append(flags, "--dev")...)
	for _, w := range []struct {
		name  string
		nodes []*server
		url   string
	}{{"one node", alone, alone[0].url()}, {"three nodes", three, "http://" + startBalancer(t, three).address}} {
		for _, scenario := range []string{"whatWasMissedIsMadeUpFor", "whoHasHeardNothingRecoversToo", "unknownSessionsStartAfresh", "whoLeavesStartsAfresh"} {
			for _, transport := range []string{"websocket", "polling"} {
				t.Run(w.name+"/"+scenario+"/"+transport, func(t *testing.T) {
					t.Parallel()
					startScript(t, scenario, w.url, options{"transport": transport}).serveEmits(w.nodes)
				})
			}
		}
	}
}

func TestNobodyRecoversWithoutRecovery(t *testing.T) {
	needNode(t)
	t.Parallel()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte("recovery_namespaces: {/other: {window: 1m}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runScript(t, "nobodyRecoversWithoutIt", startGateway(t, "--config", file).url(), nil)
}

func TestSessionsBelongToTheirUsers(t *testing.T) {
	needNode(t)
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(accessConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := startThree(t, gatewayProgram, "--config", path, "--recovery", "1m", "--cluster-key", "0123456789abcdef", "--drain-delay", "0s", "--drain-window", "100ms")
	rooms := jwt.MapClaims{"rooms": []string{"lobby"}}
	runScript(t, "sessionsBelongToTheirUsers", "http://"+startBalancer(t, nodes).address, options{
		"token":    chatToken(t, rooms),
		"renewed":  chatToken(t, jwt.MapClaims{"rooms": []string{"lobby"}, "jti": "2"}),
		"other":    chatToken(t, jwt.MapClaims{"rooms": []string{"lobby"}, "sub": "43"}),
		"narrower": chatToken(t, nil),
		"expired":  chatToken(t, jwt.MapClaims{"rooms": []string{"lobby"}, "exp": 1}),
	})
}

// recoverySeen is what members of rooms have heard of what was acknowledged.
type recoverySeen struct {
	Back         bool `json:"back"` // all of them
	Members      int  `json:"members"`
	Sent         int  `json:"sent"`
	Acknowledged int  `json:"acknowledged"`
	Lost         int  `json:"lost"`       // members that lost their connections
	Recovered    int  `json:"recovered"`  // of these, those that never had to start afresh
	Recoveries   int  `json:"recoveries"` // of all of them
	Fresh        int  `json:"fresh"`
	Expected     int  `json:"expected"` // arrivals of acknowledged messages
	Missed       int  `json:"missed"`
	Silent       int  `json:"silent"` // of these, without a fresh start
	Twice        int  `json:"twice"`
	Reordered    int  `json:"reordered"`
	Fallen       int  `json:"fallen"`  // offsets that did not rise
	Away         int  `json:"away"`    // ms, median
	Longest      int  `json:"longest"` // likewise
}

func (s recoverySeen) String() string {
	text, _ := json.Marshal(s) // it has JSON
	return string(text)
}

// liveThroughIt has members of rooms live through something.
func liveThroughIt(t *testing.T, members int, urls []string, it func()) recoverySeen {
	t.Helper()
	s := startScript(t, "membersLiveThroughIt", urls[0], options{"urls": urls, "members": members})
	s.expect("connected")
	it()
	s.tell("over")
	seen := s.expect("recovered").Recovery
	s.expect("passed")
	t.Log(seen)
	return seen
}

// judge wants all that was acknowledged heard once, in order, and nearly all sessions
// recovered of at least so many that were lost.
func (s recoverySeen) judge(t *testing.T, lost int) {
	t.Helper()
	if !s.Back || s.Lost < lost || s.Acknowledged < s.Sent/2 || s.Expected == 0 {
		t.Errorf("all are back: %t, %d connections lost, %d of %d acknowledged: nothing to judge", s.Back, s.Lost, s.Acknowledged, s.Sent)
	}
	if s.Recovered*100 < s.Lost*99 {
		t.Errorf("%d of %d sessions recovered", s.Recovered, s.Lost)
	}
	if s.Silent != 0 || s.Missed != 0 && s.Fresh == 0 || s.Twice != 0 || s.Reordered != 0 || s.Fallen != 0 {
		t.Errorf("%d missed, %d of them silently, %d heard twice, %d out of order, %d offsets fell", s.Missed, s.Silent, s.Twice, s.Reordered, s.Fallen)
	}
}

func TestKilledNodesSessionsRecover(t *testing.T) {
	needNode(t)
	t.Parallel()
	nodes := startThree(t, gatewayProgram, "--dev", "--recovery", "1m")
	const members = 60
	seen := liveThroughIt(t, members, []string{"http://" + startBalancer(t, nodes).address}, nodes[1].kill)
	seen.judge(t, members/4)
}

func TestRollingRestartIsNotMissed(t *testing.T) {
	needNode(t)
	t.Parallel()
	nodes := startThree(t, gatewayProgram, "--dev", "--recovery", "1m")
	const members = 60
	seen := liveThroughIt(t, members, []string{"http://" + startBalancer(t, nodes).address}, func() {
		for _, n := range nodes {
			n.terminate()
			n.launch()
		}
	})
	seen.judge(t, members*9/10)
}

// A client that changes its network comes back while its old connection still looks alive.
func TestNetworkSwitchIsATakeover(t *testing.T) {
	needNode(t)
	t.Parallel()
	nodes := startThree(t, gatewayProgram, "--dev", "--recovery", "1m")
	const members = 60
	way := startProxy(t, startBalancer(t, nodes).address)
	seen := liveThroughIt(t, members, []string{"http://" + way.address}, way.switchNetwork)
	seen.judge(t, members*2/3) // who has no poll under way at that moment does not notice
	var takeovers float64
	for _, n := range nodes {
		takeovers += n.metrics().sum("gateway_recovery_takeovers_total")
	}
	// A client that polls says goodbye to its old session by its new network. A WebSocket can't.
	if takeovers < members/2 {
		t.Errorf("%v takeovers of %d sessions whose old connections were open", takeovers, members/2)
	}
}
