package redis

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

const nodeDir = "testdata/node"

// installNode makes sure that the packages of testdata/node are there.
var installNode = sync.OnceValue(func() error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	wanted, err := os.Stat(filepath.Join(nodeDir, "package-lock.json"))
	if err != nil {
		return err
	}
	installed, err := os.Stat(filepath.Join(nodeDir, "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(wanted.ModTime()) {
		return nil
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	npm.Dir = nodeDir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return nil
})

// script is a running program of testdata/node that talks in lines of JSON.
type script struct {
	t     testing.TB
	in    io.Writer
	lines chan []byte
}

func runNode(t testing.TB, args ...string) *script {
	t.Helper()
	if err := installNode(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("this test needs Node.js and its packages: %v", err)
		}
		t.Skipf("this test needs Node.js and its packages: %v", err)
	}
	cmd := exec.Command("node", args...)
	cmd.Dir = nodeDir
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, in: in, lines: make(chan []byte, 1000)}
	go func() {
		defer close(s.lines)
		scanner := bufio.NewScanner(out)
		scanner.Buffer(nil, 1<<24)
		for scanner.Scan() {
			s.lines <- []byte(scanner.Text())
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		kill := time.AfterFunc(waitLimit, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		for range s.lines { // until the script ends
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	return s
}

func (s *script) tell(v any) {
	s.t.Helper()
	line, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(s.in, "%s\n", line); err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) hear(v any) {
	s.t.Helper()
	select {
	case line, ok := <-s.lines:
		if !ok {
			s.t.Fatal("node ended")
		}
		if err := json.Unmarshal(line, v); err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
	case <-time.After(waitLimit):
		s.t.Fatal("node said nothing")
	}
}

// nodeValue is what codec.cjs says of a value.
type nodeValue struct {
	Hex         string   `json:"hex"`
	JSON        string   `json:"json"`
	Attachments []string `json:"attachments"`
}

// TestWhatNotepackWritesIsReadAsNodeReadsIt encodes JavaScript values with notepack.io, and
// wants from the bytes the JSON that a Node.js server would send to its clients. Integers
// beyond 2^53 are left out: we keep their digits, which Node.js rounds.
func TestWhatNotepackWritesIsReadAsNodeReadsIt(t *testing.T) {
	node := runNode(t, "codec.cjs")
	for _, value := range []string{
		`[undefined, null, NaN, Infinity, -Infinity, -0, 0.1, 1e-7, 5e-324, 1.7976931348623157]`,
		`{a: undefined, f() {}, b: 1}`,
		`[127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 2**53]`,
		`[-32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -(2**53)]`,
		`[new Date(0), new Date(1577836800123), new Date(-1), new Date(-62198755200000), new Date(8.64e15), new Date(2**34*1000), new Date(NaN)]`,
		`[Buffer.from([1,2,3]), new Uint8Array([4]), new ArrayBuffer(2), {b: Buffer.alloc(300, 7)}, Buffer.alloc(70000)]`,
		`["", "é", "😀", "\u2028", "\u0000\u001f\"\\/", "x".repeat(31), "x".repeat(32), "x".repeat(256), "é".repeat(40000)]`,
		`["a".repeat(40) + "\ud800", "\udc00" + "a".repeat(40)]`,
		`[{toJSON() { return {x: [1]} }}, {"1": 1, "": 2, "a b": 3}]`,
		`Array.from({length: 17}, (_, i) => i)`, `Array.from({length: 70000}, () => 0)`,
		`Object.fromEntries(Array.from({length: 17}, (_, i) => ["k" + i, i]))`,
	} {
		node.tell(map[string]string{"value": value})
		checkReading(t, node, value)
	}
	for _, packed := range []string{
		"c70c00" + strings.Repeat("01", 12), "93d40000c0a161", "d5050102", "c70105ff", "d7000000016f5e66e87b", "ca3dcccccd",
		"d7fffffffffc00000000", "d6ffffffffff", "c70cff3b9aca00ffffffffffffffff", "a3eda0bd", "81a16101",
		"d6000102 0304", "d805" + strings.Repeat("ff", 16), "c8000305010203", "c90000000205aabb",
	} {
		packed = strings.ReplaceAll(packed, " ", "")
		node.tell(map[string]string{"hex": packed})
		checkReading(t, node, packed)
	}
}

func checkReading(t *testing.T, node *script, what string) {
	t.Helper()
	var want nodeValue
	node.hear(&want)
	bytes, err := hex.DecodeString(want.Hex)
	if err != nil {
		t.Fatal(err)
	}
	r := notepack.NewReader(string(bytes))
	text, attachments, err := r.JSON(nil, nil, 1<<24)
	if err != nil || r.End() != nil {
		t.Fatalf("%.100s: %v", what, err)
	}
	if string(text) != want.JSON {
		t.Errorf("%.100s\n got %.300s\nwant %.300s", what, text, want.JSON)
	}
	for i, a := range want.Attachments {
		if i >= len(attachments) || hex.EncodeToString(attachments[i]) != a {
			t.Errorf("%.100s: attachment %d differs", what, i)
		}
	}
}

// TestJSONIsWrittenAsNotepackWritesIt wants the same bytes from both for random values.
// Integers from 2^64 on are left out: notepack.io 3.0.1 writes another number then.
func TestJSONIsWrittenAsNotepackWritesIt(t *testing.T) {
	node := runNode(t, "codec.cjs")
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{`"\ud83d\ude00\u00e9\n"`, `[1e3,1.0,-0,1e400,9007199254740992,1e17,-1e17]`, ` [ true , false , null ] `}
	for range 300 {
		texts = append(texts, string(appendRandom(nil, random, 0)))
	}
	for _, text := range texts {
		node.tell(map[string]string{"json": text})
	}
	for _, text := range texts {
		var want nodeValue
		node.hear(&want)
		got, err := notepack.AppendJSON(nil, []byte(text), nil)
		if err != nil || hex.EncodeToString(got) != want.Hex {
			t.Fatalf("%s\n got %x, %v\nwant %s", text, got, err, want.Hex)
		}
	}
}

// appendRandom appends the JSON of a random value.
func appendRandom(dst []byte, random *rand.Rand, depth int) []byte {
	switch n := random.IntN(10); {
	case n < 3 && depth < 4:
		dst = append(dst, '[')
		for i := range random.IntN(20 >> depth) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendRandom(dst, random, depth+1)
		}
		return append(dst, ']')
	case n < 5 && depth < 4:
		dst = append(dst, '{')
		for i := range random.IntN(20 >> depth) {
			if i > 0 {
				dst = append(dst, ',')
			}
			// JavaScript would move keys that look like integers to the front.
			dst = append(strconv.AppendQuoteToASCII(dst, "k"+strconv.Itoa(i)), ':')
			dst = appendRandom(dst, random, depth+1)
		}
		return append(dst, '}')
	case n < 7:
		return strconv.AppendInt(dst, int64(random.Uint64()>>11)>>random.IntN(53)*int64(1-2*random.IntN(2)), 10)
	case n < 8:
		return strconv.AppendFloat(dst, random.NormFloat64()*1e6, 'g', -1, 64)
	}
	quoted, _ := json.Marshal(strings.Repeat(string([]rune{'a', rune(random.IntN(0xd800)), 0x1f600}), random.IntN(30)))
	return append(dst, quoted...)
}

// nodeBroadcast is what a Node.js server hands to its clients.
type nodeBroadcast struct {
	Ready       bool           `json:"ready"`
	Namespace   string         `json:"namespace"`
	Data        string         `json:"data"`
	Attachments []string       `json:"attachments"`
	Rooms       []string       `json:"rooms"`
	Except      []string       `json:"except"`
	Flags       map[string]any `json:"flags"`
}

// nodePeer starts a Node.js server in a cluster with one of ours.
func nodePeer(t *testing.T) (*script, *member) {
	t.Helper()
	url, prefix := redistest.Start(t), redistest.Prefix(t)
	m := start(t, Config{URL: url, Prefix: prefix}, "tag1")
	m.node.sockets["/ tag1abcdefghijklmnop"] = true
	m.join("/", "room1", "room2")
	m.join("/chat", "room1")
	node := runNode(t, "peer.cjs", url, prefix)
	var ready nodeBroadcast
	if node.hear(&ready); !ready.Ready {
		t.Fatalf("node said %+v", ready)
	}
	return node, m
}

func TestNodeServerAndEmitterAreHeard(t *testing.T) {
	node, m := nodePeer(t)
	for _, row := range []struct {
		code string
		want socketio.Broadcast
	}{
		{`io.emit("a", 1, {x: [true, null]})`, socketio.Broadcast{Namespace: "/", Data: []byte(`["a",1,{"x":[true,null]}]`)}},
		{`io.to("room1").emit("b")`, socketio.Broadcast{Namespace: "/", Rooms: []string{"room1"}, Data: []byte(`["b"]`)}},
		{`io.to("tag1abcdefghijklmnop").emit("b2")`, socketio.Broadcast{Namespace: "/", Rooms: []string{"tag1abcdefghijklmnop"}, Data: []byte(`["b2"]`)}},
		{`io.to(["room1", "room2"]).except("x").emit("c")`, socketio.Broadcast{Namespace: "/", Rooms: []string{"room1", "room2"}, Except: []string{"x"}, Data: []byte(`["c"]`)}},
		{`io.of("/chat").volatile.compress(false).emit("d", new Date(1577836800123))`, socketio.Broadcast{Namespace: "/chat", Data: []byte(`["d","2020-01-01T00:00:00.123Z"]`), Volatile: true, NoCompress: true}},
		{`io.emit("e", Buffer.from([1, 2]), undefined)`, socketio.Broadcast{Namespace: "/", Data: []byte(`["e",{"_placeholder":true,"num":0},null]`), Attachments: [][]byte{{1, 2}}}},
		{`emitter.emit("f", "x")`, socketio.Broadcast{Namespace: "/", Data: []byte(`["f","x"]`)}},
		{`emitter.of("/chat").to("room1").except("y").emit("g")`, socketio.Broadcast{Namespace: "/chat", Rooms: []string{"room1"}, Except: []string{"y"}, Data: []byte(`["g"]`)}},
		{`emitter.volatile.emit("h", new Uint8Array([9]))`, socketio.Broadcast{Namespace: "/", Data: []byte(`["h",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{9}}, Volatile: true}},
	} {
		node.tell(row.code)
		if got := m.next(); !reflect.DeepEqual(*got, row.want) {
			t.Errorf("%s\n got %+v\nwant %+v", row.code, *got, row.want)
		}
	}
	for reason, n := range m.Stats().Dropped {
		if n > 0 {
			t.Errorf("%d dropped: %s", n, reason)
		}
	}
}

func TestNodeServerHearsUs(t *testing.T) {
	node, m := nodePeer(t)
	for _, row := range []struct {
		b     *socketio.Broadcast
		flags map[string]any
	}{
		{event("/", `["all",1,1.5,-1,4294967296,"\ud83d\ude00",{"a":[null,true]}]`), map[string]any{}},
		{event("/", `["room"]`, "room1"), map[string]any{}},
		{event("/chat", `["rooms"]`, "room1", "room2"), map[string]any{}},
		{&socketio.Broadcast{Namespace: "/", Except: []string{"x"}, Data: []byte(`["flags"]`), Volatile: true, NoCompress: true}, map[string]any{"volatile": true, "compress": false}},
		{&socketio.Broadcast{Namespace: "/", Data: []byte(`["bytes",[{"_placeholder":true,"num":0}],{"_placeholder":true,"num":1}]`), Attachments: [][]byte{{1, 2, 3}, {}}}, map[string]any{}},
	} {
		m.emit(row.b)
		var got nodeBroadcast
		node.hear(&got)
		want := nodeBroadcast{Namespace: row.b.Namespace, Data: string(row.b.Data), Rooms: row.b.Rooms, Except: row.b.Except, Flags: row.flags}
		want.Data = strings.ReplaceAll(want.Data, `\ud83d\ude00`, "😀")
		for _, a := range row.b.Attachments {
			want.Attachments = append(want.Attachments, hex.EncodeToString(a))
		}
		for _, list := range []*[]string{&want.Rooms, &want.Except, &want.Attachments} {
			if *list == nil {
				*list = []string{}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
	}
}

// TestNodeServerCountsUs holds that we are one server for a Node.js server's questions.
func TestNodeServerCountsUs(t *testing.T) {
	_, m := nodePeer(t)
	n, err := direct(t).PubSubNumSub(context.Background(), m.names.requests("/chat")).Result()
	if err != nil || n[m.names.requests("/chat")] != 2 {
		t.Errorf("%v, %v", n, err)
	}
}
