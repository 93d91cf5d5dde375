package redis

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// wireFormat is docs/redis-wire-format.md, which promises that a test checks it.
func wireFormat(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/redis-wire-format.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// blocks returns the page's blocks in a language, in order.
func blocks(t *testing.T, language string) (found []string) {
	t.Helper()
	for _, m := range fence.FindAllStringSubmatch(wireFormat(t), -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("the page has no block of %s", language)
	}
	return found
}

// vector is one of the page's golden vectors.
type vector struct {
	name, json, packed string
	readOnly           bool
}

func vectors(t *testing.T) (all []vector) {
	t.Helper()
	for _, group := range strings.Split(strings.TrimSpace(blocks(t, "vectors")[0]), "\n\n") {
		lines := strings.Split(group, "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "# ") {
			t.Fatalf("not a name, a value and its bytes: %q", lines)
		}
		packed, err := hex.DecodeString(lines[2])
		if err != nil {
			t.Fatal(err)
		}
		value, readOnly := strings.CutPrefix(lines[1], "<- ")
		all = append(all, vector{lines[0][2:], value, string(packed), readOnly})
	}
	return all
}

// envelopeOf reads a broadcast of the page, as JSON.
func envelopeOf(t *testing.T, text string) (uid string, b *socketio.Broadcast, ok bool) {
	t.Helper()
	var parts []json.RawMessage
	var packet struct {
		Data      json.RawMessage `json:"data"`
		Namespace string          `json:"nsp"`
	}
	var opts struct {
		Rooms, Except []string
		Flags         struct {
			Volatile bool
			Compress *bool
		}
	}
	if json.Unmarshal([]byte(text), &parts) != nil || len(parts) != 3 || json.Unmarshal(parts[1], &packet) != nil ||
		json.Unmarshal(parts[0], &uid) != nil || json.Unmarshal(parts[2], &opts) != nil || packet.Data == nil {
		return "", nil, false
	}
	names := func(list []string) []string { return append([]string(nil), list...) } // nil for none
	return uid, &socketio.Broadcast{
		Namespace: packet.Namespace, Data: packet.Data, Rooms: names(opts.Rooms), Except: names(opts.Except),
		Volatile: opts.Flags.Volatile, NoCompress: opts.Flags.Compress != nil && !*opts.Flags.Compress,
	}, true
}

func TestWireFormatVectorsHold(t *testing.T) {
	broadcasts := 0
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			r := notepack.NewReader(v.packed)
			text, _, err := r.JSON(nil, nil, 1<<20)
			if err != nil || r.End() != nil || string(text) != v.json {
				t.Errorf("read as %s, %v", text, err)
			}
			if v.readOnly {
				return
			}
			if got, err := notepack.AppendJSON(nil, []byte(v.json), nil); err != nil || string(got) != v.packed {
				t.Errorf("written as %x, %v", got, err)
			}
			uid, want, ok := envelopeOf(t, v.json)
			if !ok {
				return
			}
			broadcasts++
			sender, got, err := decodeEnvelope(v.packed, 1<<20)
			if err != nil || sender != uid || !reflect.DeepEqual(got, want) {
				t.Errorf("decoded as %s %+v, %v", sender, got, err)
			}
			if uid == "emitter" { // it writes the options in another order
				return
			}
			if got, err := appendEnvelope(nil, uid, want); err != nil || string(got) != v.packed {
				t.Errorf("published as %x, %v", got, err)
			}
		})
	}
	if broadcasts < 4 {
		t.Errorf("only %d vectors are broadcasts", broadcasts)
	}
}

// TestWireFormatDrawingIsAVector holds the bytes that the page explains one by one.
func TestWireFormatDrawingIsAVector(t *testing.T) {
	var drawn strings.Builder
	const words = 26 // the column where they begin
	for line := range strings.Lines(blocks(t, "bytes")[0]) {
		drawn.WriteString(strings.ReplaceAll(line[:min(words, len(line))], " ", ""))
	}
	for _, v := range vectors(t) {
		if hex.EncodeToString([]byte(v.packed)) == drawn.String() {
			return
		}
	}
	t.Errorf("%s is no vector of the page", drawn.String())
}

func TestWireFormatVectorsAreNotepacks(t *testing.T) {
	node := runNode(t, "codec.cjs")
	for _, v := range vectors(t) {
		var got nodeValue
		node.tell(map[string]string{"hex": hex.EncodeToString([]byte(v.packed))})
		if node.hear(&got); got.JSON != v.json {
			t.Errorf("%s: notepack.io reads %s", v.name, got.JSON)
		}
		if v.readOnly {
			continue
		}
		node.tell(map[string]string{"json": v.json})
		if node.hear(&got); got.Hex != hex.EncodeToString([]byte(v.packed)) {
			t.Errorf("%s: notepack.io writes %s", v.name, got.Hex)
		}
	}
}

// nodeMessage is what wire.cjs says of one message.
type nodeMessage struct {
	Name, Channel, Text, Hex string
	Subscribed               []string // by the sharded adapter in the mode Name
	Ready                    bool
}

// officialMessages starts wire.cjs and returns what the packages publish, and which
// channels the modes of the sharded adapter subscribe to.
func officialMessages(t *testing.T) (node *script, published []nodeMessage, modes map[string]string) {
	t.Helper()
	node = runNode(t, "wire.cjs")
	modes = map[string]string{}
	for {
		var m nodeMessage
		switch node.hear(&m); {
		case m.Ready:
			return node, published, modes
		case m.Subscribed != nil:
			modes[m.Name] = strings.Join(m.Subscribed, " ")
		default:
			published = append(published, m)
		}
	}
}

// TestWireFormatMessagesAreTheOfficialPackages holds that the page shows every message that
// the official adapters and the emitter publish, and no message that they do not.
func TestWireFormatMessagesAreTheOfficialPackages(t *testing.T) {
	_, published, _ := officialMessages(t)
	page := wireFormat(t)
	official := map[string]bool{}
	for _, m := range published {
		official[m.Text+m.Hex] = true
		if !strings.Contains(page, m.Text+m.Hex) {
			t.Errorf("not on the page: %s on %s: %s%s", m.Name, m.Channel, m.Text, m.Hex)
		}
		channel := "socket.io#/#"
		if words := strings.Fields(m.Name); len(words) > 1 {
			switch {
			case strings.HasSuffix(m.Name, "to a room"):
				channel = "socket.io#/#room1#"
			case strings.HasSuffix(m.Name, "in /chat"):
				channel = "socket.io#/chat#r1#"
			case words[0] != "sharded" && words[1] != "to":
				channel = "socket.io-request#/#"
			}
		}
		if m.Channel != channel {
			t.Errorf("%s was published on %s, not on %s", m.Name, m.Channel, channel)
		}
	}
	if len(published) < 25 {
		t.Errorf("only %d messages", len(published))
	}
	for _, line := range pageMessages(t) {
		var m struct {
			Type int    `json:"type"`
			Sid  string `json:"sid"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		// Version 8 does not send the first two, the third is in the vectors as bytes.
		if m.Type != 0 && m.Sid == "" && m.Type != 7 && !official[line] {
			t.Errorf("no official package publishes %s", line)
		}
	}
}

// pageMessages returns the messages that the page shows as JSON, one a line.
func pageMessages(t *testing.T) (lines []string) {
	t.Helper()
	for _, block := range blocks(t, "json") {
		for line := range strings.Lines(block) {
			if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, `{"`) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// givenTo gives a message to one of the official adapters, and returns what it did to its
// sockets and what it answered, on which channel if that is not the usual one.
func givenTo(t *testing.T, node *script, message, usual string, sharded bool) (done, responses string) {
	t.Helper()
	node.tell(map[string]any{"hex": hex.EncodeToString([]byte(message)), "sharded": sharded})
	var got struct {
		Done      json.RawMessage
		Published []nodeMessage
	}
	node.hear(&got)
	var all []string
	for _, m := range got.Published {
		if m.Hex != "" {
			m.Text = `"` + m.Hex + `"`
		}
		if m.Channel != usual {
			m.Text = m.Channel + " " + m.Text
		}
		all = append(all, m.Text)
	}
	return string(got.Done), "[" + strings.Join(all, ",") + "]"
}

// theMessage returns the one message of the page that has a part, and is of the sharded
// adapter or not.
func theMessage(t *testing.T, part string, sharded bool) string {
	t.Helper()
	var found []string
	for _, line := range pageMessages(t) {
		if strings.Contains(line, part) && strings.Contains(line, `"0123456789abcdef"`) == sharded {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d messages of the page have %s", len(found), part)
	}
	return found[0]
}

const officialSocket = "fJRxQmAm-1NQwwRIAAAB" // of wire.cjs, as on the page

// officialSocketInfo is what the page says an answer has of a socket.
const officialSocketInfo = `{"id":"` + officialSocket + `","handshake":{"address":"::1"},"rooms":["` + officialSocket + `","room1"],"data":{"name":"Ada"}}`

// TestWireFormatSaysWhatRequestsDo gives each request of the page to the official
// adapter.
func TestWireFormatSaysWhatRequestsDo(t *testing.T) {
	node, _, _ := officialMessages(t)
	for _, row := range []struct{ part, done, responses string }{
		{`"type":0`, `[]`, `[{"requestId":"BBBBBB","sockets":["` + officialSocket + `"]}]`},
		{`"BBBBBB","type":1}`, `[]`, `[{"requestId":"BBBBBB","rooms":["` + officialSocket + `","room1"]}]`},
		{`"AAAAAA","type":2`, `[["join","room2","room3"]]`, `[]`},
		{`"AAAAAA","type":3`, `[["leave","room2"]]`, `[]`},
		{`"AAAAAA","type":4`, `[["disconnect",true]]`, `[]`},
		{`"BBBBBB","type":2,"sid"`, `[["join","room2"]]`, `[{"requestId":"BBBBBB"}]`},
		{`"BBBBBB","type":3,"sid"`, `[["leave","room2"]]`, `[{"requestId":"BBBBBB"}]`},
		{`"BBBBBB","type":4,"sid"`, `[["disconnect",true]]`, `[{"requestId":"BBBBBB"}]`},
		{`"BBBBBB","type":5`, `[]`, `[{"requestId":"BBBBBB","sockets":[` + officialSocketInfo + `]}]`},
		{`"AAAAAA","type":6`, `[["serverSideEmit","refresh",{"x":1}]]`, `[]`},
		{`"BBBBBB","type":6`, `[["serverSideEmit","question"]]`, `[{"type":6,"requestId":"BBBBBB","data":"pong"}]`},
		{`"BBBBBB","type":7`, `[]`, `["83a47479706509a9726571756573744964a6424242424242a67061636b6574a26f6b",{"type":8,"requestId":"BBBBBB","clientCount":1}]`},
	} {
		request := theMessage(t, row.part, false)
		message := request
		if strings.Contains(request, `"type":7`) {
			packed, err := notepack.AppendJSON(nil, []byte(request), nil)
			if err != nil {
				t.Fatal(err)
			}
			message = string(packed)
		}
		if done, responses := givenTo(t, node, message, "socket.io-response#/#", false); done != row.done || responses != row.responses {
			t.Errorf("%s\ndid %s, answered %s\nwant %s, %s", request, done, responses, row.done, row.responses)
		}
	}
}

// TestWireFormatSaysWhatShardedMessagesDo is the same for the sharded adapter.
func TestWireFormatSaysWhatShardedMessagesDo(t *testing.T) {
	node, _, modes := officialMessages(t)
	answer := func(kind int, data string) string {
		return fmt.Sprintf(`{"type":%d,"data":{"requestId":"89abcdef01234567",%s},"uid":"cccccccccccccccc","nsp":"/"}`, kind, data)
	}
	for _, row := range []struct{ part, done, responses string }{
		{`["hello",1]`, `[["event"]]`, `[]`},
		{`["hi"]},"opts":{"rooms":["room1"]`, `[["event"]]`, `[]`},
		{`["a","b"]`, `[]`, `[]`}, // the socket is in neither
		{`["q"]`, `[]`, `[` + answer(12, `"packet":"ok"`) + `,` + answer(11, `"clientCount":1`) + `]`},
		{`"type":4`, `[["join","room2","room3"]]`, `[]`},
		{`"type":5`, `[["leave","room2"]]`, `[]`},
		{`"type":6`, `[["disconnect",true]]`, `[]`},
		{`"type":7`, `[]`, `[` + answer(8, `"sockets":[`+officialSocketInfo+`]`) + `]`},
		{`"refresh"`, `[["serverSideEmit","refresh",{"x":1}]]`, `[]`},
		{`"question"`, `[["serverSideEmit","question"]]`, `[` + answer(10, `"packet":"pong"`) + `]`},
	} {
		message := theMessage(t, row.part, true)
		if done, responses := givenTo(t, node, message, "socket.io#/#0123456789abcdef#", true); done != row.done || responses != row.responses {
			t.Errorf("%s\ndid %s, answered %s\nwant %s, %s", message, done, responses, row.done, row.responses)
		}
	}
	emitter := regexp.MustCompile(`SPUBLISH 'socket\.io#/#' \\\n +'(.*)'`).FindStringSubmatch(wireFormat(t))
	if emitter == nil {
		t.Fatal("the page has no emitter for the sharded adapter")
	}
	if done, responses := givenTo(t, node, emitter[1], "", true); done != `[["event"]]` || responses != `[]` {
		t.Errorf("%s\ndid %s, answered %s", emitter[1], done, responses)
	}

	always := "socket.io#/# socket.io#/#0123456789abcdef#"
	for mode, want := range map[string]string{
		"static": always, "dynamic": always + " socket.io#/#room1#",
		"dynamic-private": always + " socket.io#/#" + officialSocket + "# socket.io#/#room1#",
	} {
		if modes[mode] != want {
			t.Errorf("%s subscribes to %s, want %s", mode, modes[mode], want)
		}
	}
}
