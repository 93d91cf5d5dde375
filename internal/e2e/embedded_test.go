package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// startEmbedded starts three nodes in one process, and returns the process and the
// URLs of its nodes.
func startEmbedded(t *testing.T) (s *server, nodes []string) {
	t.Helper()
	const count = 3
	public, internal := freePorts(t, count), freePorts(t, count)
	at := func(first, i int) string { return fmt.Sprintf("127.0.0.1:%d", first+i) }
	s = &server{t: t, program: gatewayProgram, flags: []string{"--dev", "--nodes", fmt.Sprint(count)},
		public: at(public, 0), internal: at(internal, 0), log: &logBuffer{}}
	t.Cleanup(s.end)
	s.launch()
	for i := range count {
		nodes = append(nodes, "http://"+at(public, i))
		eventually(t, 20*time.Second, "node to be ready", func() error { return ready(at(internal, i)) })
	}
	return s, nodes
}

// ready asks one node of the process.
func ready(internal string) error {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + internal + "/readyz")
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return err
}

// freePorts returns the first of n ports in a row that nobody listens on, outside the
// range of freeAddress.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		first := 10000 + rand.IntN(5000-n)
		free := true
		for i := range n {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+i))
			if err != nil {
				free = false
				break
			}
			_ = l.Close()
		}
		if free {
			return first
		}
	}
	t.Fatal("no free ports among 100")
	return 0
}

// Three nodes in one process are three nodes to official clients.
func TestRoomsSpanThreeNodesOfOneProcess(t *testing.T) {
	needNode(t)
	t.Parallel()
	_, nodes := startEmbedded(t)
	for _, name := range []string{"everyMemberHearsEveryPublisherInOrder", "leavingStopsEverywhere", "oneSocketIsReachedFromAnyNode"} {
		t.Run(name, func(t *testing.T) {
			runScript(t, name, nodes[0], options{"urls": nodes, "count": 100})
		})
	}
}

// What the demo page promises that has to do with nodes, with its second client on the
// second of them.
func TestDemoPageAcrossNodesInChromium(t *testing.T) {
	needNode(t)
	t.Parallel()
	browser := chromium(t)
	_, nodes := startEmbedded(t)
	demo := exec.Command("node", "demo.mjs", nodes[0], nodes[1], "--only", "by themselves|second node|hear each other|loses nothing|left a room")
	demo.Dir = "js"
	demo.Env = append(os.Environ(), "CHROMIUM="+browser)
	out, err := demo.CombinedOutput()
	if err != nil || strings.Count(string(out), "ok ") != 5 {
		t.Errorf("demo.mjs: %v\n%s", err, out)
	}
}
