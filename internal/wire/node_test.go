package wire

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nodePackages is where the tests' preparation has installed the official server.
const nodePackages = "../../pkg/adapter/redis/testdata/node"

// serveNode runs an official server and returns its URL.
func serveNode(t *testing.T) string {
	t.Helper()
	return serveScript(t, "testdata/server.mjs")
}

func serveScript(t *testing.T, script string) string {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(filepath.Join(nodePackages, "node_modules/socket.io/package.json")); err != nil {
		missing = "the official server is not installed: npm ci in pkg/adapter/redis/testdata/node"
	}
	switch {
	case missing != "" && os.Getenv("CI") == "true":
		t.Fatal(missing)
	case missing != "":
		t.Skip(missing)
	}
	node := exec.Command("node", script, nodePackages)
	node.Stderr = os.Stderr
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := node.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no port from node: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

func TestOfficialServerIsSpokenTo(t *testing.T) {
	url := serveNode(t)
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport, Reconnect: soon})
		wait(t, r.connected, "Connected")
		if transport == Upgrade {
			if err := wait(t, r.upgraded, "Upgraded"); err != nil {
				t.Fatal(err)
			}
		}
		want := fmt.Sprintf(`{},%q`, c.Transport())
		if got, err := ask(t, c, `["auth"]`); got != want || err != nil {
			t.Errorf("auth and transport: %s, %v, expected %s", got, err, want)
		}
		officialEcho(t, c, r)
		officialQuestion(t, c, r)
		officialHeartbeat(t, c, r)
		officialCut(t, c, r)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrClosed) {
			t.Errorf("disconnected: %v", err)
		}
		expectReason(t, url, "client namespace disconnect")
	})
}

func officialEcho(t *testing.T, c *Client, r *recorder) {
	t.Helper()
	for _, n := range []int{10, 200, 70_000, 1_000_000} {
		arg := `"` + strings.Repeat("ü", n/2) + `"`
		if got, err := ask(t, c, `["echo",`+arg+`,{"a":[null]}]`); got != arg+`,{"a":[null]}` || err != nil {
			t.Errorf("answer of %d bytes, %v", len(got), err)
		}
		if e := wait(t, r.events, "event"); e.name != "echoed" || e.args != arg+`,{"a":[null]}` {
			t.Errorf("event %q with %d bytes", e.name, len(e.args))
		}
	}
	blob := strings.Repeat("\x00\xff\x1e", 30_000)
	if err := c.EmitBinary([]byte(`["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`), []byte(blob), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if e := wait(t, r.events, "binary event"); len(e.attachments) != 2 || e.attachments[0] != blob || e.attachments[1] != "x" {
		t.Errorf("%d attachments", len(e.attachments))
	}
}

func officialQuestion(t *testing.T, c *Client, r *recorder) {
	t.Helper()
	answers := make(chan string, 1)
	if err := c.EmitAck([]byte(`["ask"]`), func(args []byte, err error) { answers <- fmt.Sprint(string(args), err) }); err != nil {
		t.Fatal(err)
	}
	e := wait(t, r.events, "question")
	if e.name != "question" || e.args != "42" || !e.wantsAck {
		t.Fatalf("event %+v", e)
	}
	if err := c.Ack(e.ackID, []byte(`["yes"]`)); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, answers, "answer"); got != `"yes"<nil>` {
		t.Errorf("the server got %s", got)
	}
}

// officialHeartbeat waits for longer than either side has patience without the other's
// pings and pongs.
func officialHeartbeat(t *testing.T, c *Client, r *recorder) {
	t.Helper()
	in, _ := c.Stats()
	time.Sleep(time.Second) // 200 ms and 200 ms are the server's intervals
	if now, _ := c.Stats(); now == in || len(r.disconnected) > 0 {
		t.Errorf("%d bytes of heartbeats, %d ends", now-in, len(r.disconnected))
	}
}

func officialCut(t *testing.T, c *Client, r *recorder) {
	t.Helper()
	c.Cut()
	if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrCut) {
		t.Errorf("disconnected: %v", err)
	}
	wait(t, r.connected, "second Connected")
	if got, err := ask(t, c, `["echo",1]`); got != "1" || err != nil {
		t.Errorf("answer %q, %v", got, err)
	}
	wait(t, r.events, "event")
}

// expectReason waits until the server says why a client has left.
func expectReason(t *testing.T, url, reason string) {
	t.Helper()
	c, _ := connect(t, Config{URL: url})
	defer c.Close()
	var all []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		got, err := ask(t, c, `["reasons"]`)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, got); strings.Contains(got, reason) {
			return
		}
	}
	t.Errorf("no %q among the server's reasons: %v", reason, all)
}

func TestOfficialServerRefusesAndKicks(t *testing.T) {
	url := serveNode(t)
	everywhere(t, func(t *testing.T, transport Transport) {
		_, err := Dial(t.Context(), Config{URL: url, Namespace: "/room", Transport: transport, Handler: newRecorder()})
		if Class(err) != "connect_error: no pass" {
			t.Errorf("dial: %v", err)
		}
		c, r := connect(t, Config{URL: url, Namespace: "/room", Transport: transport, Auth: func() ([]byte, error) { return []byte(`{"pass":1}`), nil }})
		if got, err := ask(t, c, `["auth"]`); !strings.HasPrefix(got, `{"pass":1}`) || err != nil {
			t.Errorf("auth: %s, %v", got, err)
		}
		if err := c.Emit([]byte(`["kick"]`)); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrServerDisconnect) {
			t.Errorf("disconnected: %v", err)
		}
		wait(t, c.Done(), "end")
	})
}

func TestOfficialServerLosesNothingDuringUpgrades(t *testing.T) {
	url := serveNode(t)
	for range 10 {
		c, r := connect(t, Config{URL: url, Transport: Upgrade})
		const n = 200
		if err := c.Emit([]byte(fmt.Sprintf(`["burst",%d]`, n))); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := c.Emit(fmt.Appendf(nil, `["echo",%d]`, i)); err != nil {
				t.Fatal(err)
			}
		}
		next := map[string]int{}
		for range 2 * n {
			e := wait(t, r.events, "event")
			if e.args != fmt.Sprint(next[e.name]) {
				t.Fatalf("%s came as %s, expected %d", e.name, e.args, next[e.name])
			}
			next[e.name]++
		}
		if err := wait(t, r.upgraded, "Upgraded"); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
