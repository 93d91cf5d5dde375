package redis

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// runPage runs a program on the page's Python files, changed for the Redis and the
// prefix of m.
func runPage(t *testing.T, m *member, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("this test needs %s: %v", name, err)
		}
		t.Skipf("this test needs %s: %v", name, err)
	}
	server, err := url.Parse(m.cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer(
		`("localhost", 6379)`, `("`+server.Hostname()+`", `+server.Port()+`)`,
		"redis-cli", "redis-cli -h "+server.Hostname()+" -p "+server.Port(),
		"socket.io", m.cfg.Prefix,
	)
	cmd := exec.Command(name)
	for _, arg := range args {
		cmd.Args = append(cmd.Args, here.Replace(arg))
	}
	cmd.Dir = t.TempDir()
	for i, block := range blocks(t, "python") {
		file := filepath.Join(cmd.Dir, []string{"emitter.py", "example.py"}[i])
		if err := os.WriteFile(file, []byte(here.Replace(block)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestWireFormatEmittersAreHeard runs the page's emitters against one of our nodes and a
// Node.js server.
func TestWireFormatEmittersAreHeard(t *testing.T) {
	node, m := nodePeer(t)
	m.join("/", "a")
	expect := func(wants ...socketio.Broadcast) {
		t.Helper()
		for _, want := range wants {
			if got := m.next(); !reflect.DeepEqual(*got, want) {
				t.Errorf("we heard %+v\nwant %+v", *got, want)
			}
			var got nodeBroadcast
			if node.hear(&got); got.Namespace != want.Namespace || got.Data != string(want.Data) || len(got.Attachments) != len(want.Attachments) ||
				strings.Join(got.Rooms, ",") != strings.Join(want.Rooms, ",") || strings.Join(got.Except, ",") != strings.Join(want.Except, ",") {
				t.Errorf("Node.js heard %+v\nwant %+v", got, want)
			}
		}
	}
	runPage(t, m, "bash", "-c", blocks(t, "bash")[0])
	expect(socketio.Broadcast{Namespace: "/", Data: []byte(`["hello",1]`)})
	runPage(t, m, "python3", "example.py")
	expect(
		socketio.Broadcast{Namespace: "/", Rooms: []string{"room1"}, Data: []byte(`["news",{"title":"Hello"}]`)},
		socketio.Broadcast{Namespace: "/", Rooms: []string{"a", "b"}, Except: []string{"c"}, Data: []byte(`["news",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1, 2}}},
		socketio.Broadcast{Namespace: "/chat", Data: []byte(`["tick",1]`)},
	)
	values := `import emitter, socket
emitter.emit(socket.create_connection(("localhost", 6379)), "values", None, True, False, -1, 2**53, 1.5, "é😀", [[]], {"k": {}})`
	runPage(t, m, "python3", "-c", values)
	expect(socketio.Broadcast{Namespace: "/", Data: []byte(`["values",null,true,false,-1,9007199254740992,1.5,"é😀",[[]],{"k":{}}]`)})
}

// TestWireFormatEmitterIsShort holds what the page says of it.
func TestWireFormatEmitterIsShort(t *testing.T) {
	if n := strings.Count(blocks(t, "python")[0], "\n"); n > 30 {
		t.Errorf("%d lines", n)
	}
}
