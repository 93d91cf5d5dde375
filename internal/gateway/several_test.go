package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var nodeLine = regexp.MustCompile(`^gateway serving (http://127\.0\.0\.1:(\d+))/socket\.io/, internal (http://127\.0\.0\.1:\d+), node ([A-Za-z0-9_-]{4}), adapter redis; demo page: http://127\.0\.0\.1:\d+/$`)

// together is a running cluster of one process.
type together struct {
	nodes    []*world
	tags     []string
	redisURL string
	stop     context.CancelFunc
	done     chan error // gets what Run returned
}

// startTogether runs three nodes on free ports until the test ends.
func startTogether(t *testing.T, cfg Config) *together {
	t.Helper()
	cfg.Dev, cfg.Nodes, cfg.LogOutput = true, 3, &lines{}
	cfg.Listen, cfg.InternalListen = "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.Background())
	c := &together{stop: cancel, done: make(chan error, 1)}
	r, stdout := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.done <- Run(ctx, cfg, stdout)
		stdout.Close()
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		http.DefaultClient.CloseIdleConnections()
	})
	scanner := bufio.NewScanner(r)
	for range cfg.Nodes {
		scanner.Scan()
		found := nodeLine.FindStringSubmatch(scanner.Text())
		if found == nil {
			t.Fatalf("the line is %q", scanner.Text())
		}
		w := &world{t: t, gateway: &gateway{cfg: Config{Path: "/socket.io"}}, public: found[1], internal: found[3]}
		c.nodes, c.tags = append(c.nodes, w), append(c.tags, found[4])
	}
	scanner.Scan()
	last, ok := strings.CutPrefix(scanner.Text(), "3 nodes in this process, joined by a Redis in it: ")
	if !ok {
		t.Fatalf("the last line is %q", scanner.Text())
	}
	c.redisURL = last
	for _, w := range c.nodes {
		w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	}
	return c
}

func TestNodesOfOneProcessShareRooms(t *testing.T) {
	c := startTogether(t, Config{})
	publisher, far, farther := c.nodes[0].join("tea"), c.nodes[1].join("tea"), c.nodes[2].join("tea")
	for i, client := range []*client{publisher, far, farther} {
		if !strings.HasPrefix(client.id, c.tags[i]) {
			t.Errorf("socket %s is on the node %s", client.id, c.tags[i])
		}
	}
	const n = 200
	for i := range n {
		publisher.send(fmt.Sprintf(`42["publish","tea","poured",%d]`, i))
	}
	for i := range n {
		for _, client := range []*client{far, farther} {
			client.expect(fmt.Sprintf(`42["poured",%d]`, i))
		}
	}
	// One socket, by its id, from another node.
	far.send(`421["publish","` + farther.id + `","only you"]`)
	far.expect(`431[{"ok":true}]`)
	farther.expect(`42["only you"]`)
}

// TestPollsMayGoToAnyNodeOfOneProcess is a session whose every request goes to another
// node, as behind a balancer.
func TestPollsMayGoToAnyNodeOfOneProcess(t *testing.T) {
	c := startTogether(t, Config{})
	_, opened := c.nodes[0].get(c.nodes[0].handshake())
	var handshake struct{ Sid string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(opened, "0")), &handshake); err != nil {
		t.Fatalf("%q: %v", opened, err)
	}
	response, err := http.Post(c.nodes[1].handshake()+"&sid="+handshake.Sid, "text/plain;charset=UTF-8", strings.NewReader("40"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "ok" {
		t.Fatalf("the second node answered %s, %q, %v", response.Status, body, err)
	}
	status, polled := c.nodes[2].get(c.nodes[2].handshake() + "&sid=" + handshake.Sid)
	if status != http.StatusOK || !strings.HasPrefix(polled, `40{"sid":"`+c.tags[0]) {
		t.Errorf("the third node answered %d, %q", status, polled)
	}
}

func TestNodesOfOneProcessHaveTheirOwnFigures(t *testing.T) {
	c := startTogether(t, Config{})
	c.nodes[1].connect()
	for i, w := range c.nodes {
		want := "\ngateway_sessions_opened_total 0\n"
		if i == 1 {
			want = "\ngateway_sessions_opened_total 1\n"
		}
		w.until(w.internal+"/metrics", 200, want)
	}
}

func TestDemoPageOfEachNodeNamesAll(t *testing.T) {
	c := startTogether(t, Config{})
	var ports []string
	for _, w := range c.nodes {
		ports = append(ports, `&#34;`+w.public[strings.LastIndex(w.public, ":"):]+`&#34;`)
	}
	for _, w := range c.nodes {
		w.until(w.public+"/", 200, `[`+strings.Join(ports, ",")+`]`)
	}
}

func TestNodesOfOneProcessDrainTogether(t *testing.T) {
	c := startTogether(t, Config{DrainWindow: 200 * time.Millisecond})
	var clients []*client
	for _, w := range c.nodes {
		clients = append(clients, w.connect())
	}
	c.stop()
	for _, client := range clients {
		// Sent away at the Engine.IO level, so that it comes back: elsewhere.
		if got, err := client.next(); err == nil && got != "1" {
			t.Errorf("got %q", got)
		}
	}
	select {
	case err := <-c.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not stop")
	}
	for _, address := range []string{c.nodes[0].public, c.nodes[2].internal, c.redisURL} {
		if conn, err := net.Dial("tcp", address[strings.LastIndex(address, "/")+1:]); err == nil {
			conn.Close()
			t.Errorf("%s is still open", address)
		}
	}
}

// TestPortInUseStartsNoNode: nothing is left open either.
func TestPortInUseStartsNoNode(t *testing.T) {
	first, taken := adjacent(t)
	defer taken.Close()
	err := Run(context.Background(), Config{Dev: true, Nodes: 2, Listen: first, InternalListen: "127.0.0.1:0", LogOutput: &lines{}}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--listen") || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Fatalf("%v, want one that names %s", err, taken.Addr())
	}
	ln, err := net.Listen("tcp", first)
	if err != nil {
		t.Fatalf("the first node's port was not given back: %v", err)
	}
	ln.Close()
}

// adjacent returns a free address, and a listener on the port that follows. They are outside
// the range from which the kernel gives ports to clients: the tests of other packages may
// have most of it.
func adjacent(t *testing.T) (first string, next net.Listener) {
	t.Helper()
	for range 100 {
		first = fmt.Sprint("127.0.0.1:", 15000+rand.IntN(15000))
		ln, err := net.Listen("tcp", first)
		if err != nil {
			continue
		}
		next, err = net.Listen("tcp", portAfter(first, 1))
		ln.Close()
		if err == nil {
			return first, next
		}
	}
	t.Fatal("no two free ports in a row among 100")
	return "", nil
}

func TestSeveralNodesAreForDevelopmentOnly(t *testing.T) {
	for _, cfg := range []Config{{Nodes: 2}, {Nodes: 2, Dev: true, RedisURL: "redis://127.0.0.1:1"}} {
		if err := Run(context.Background(), cfg, io.Discard); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}

func TestPortsFollowEachOther(t *testing.T) {
	for _, row := range []struct {
		address string
		i       int
		want    string
	}{
		{":3000", 2, ":3002"}, {"127.0.0.1:0", 2, "127.0.0.1:0"}, {"[::1]:9090", 1, "[::1]:9091"}, {"localhost:65535", 1, "localhost:65536"},
	} {
		if got := portAfter(row.address, row.i); got != row.want {
			t.Errorf("%s and %d: %s, want %s", row.address, row.i, got, row.want)
		}
	}
}

// TestOneFailingNodeStopsTheOthers: half a cluster would be harder to understand than
// none.
func TestOneFailingNodeStopsTheOthers(t *testing.T) {
	cfg := Config{Nodes: 2, Dev: true, Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", LogOutput: &lines{}}
	siblings, err := newSiblings(cfg)
	if err != nil {
		t.Fatal(err)
	}
	siblings[1].public.Close()
	err = runTogether(context.Background(), siblings)
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want that of the listener", err)
	}
	if port := strconv.Itoa(siblings[1].public.Addr().(*net.TCPAddr).Port); err != nil && !strings.Contains(err.Error(), port) {
		t.Errorf("%v does not name port %s", err, port)
	}
}
