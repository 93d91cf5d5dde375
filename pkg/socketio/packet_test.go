package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var testLimits = limits{attachments: 10, nameBytes: 256, args: 1000, depth: 128}

// refused are the packets that the reference decodes and this server does not.
var refused = map[string]string{
	``: "no kind: JavaScript reads the empty string as the number 0",

	`0 {}`:        "JavaScript reads a space as the ack id 0",
	`2 ["a"]`:     "the same",
	`21 ["a"]`:    "the same",
	`2`:           "an event without a name",
	`2/chat`:      "the same",
	`2/chat,`:     "the same",
	`2/chat["x"]`: "the same, as the name of the namespace goes on to the end",

	`29007199254740992["a"]`:                 "an ack id of more than 15 digits",
	`29223372036854775808["a"]`:              "the same",
	`218446744073709551616["a"]`:             "the same",
	`2` + strings.Repeat("1", 40) + `["a"]`:  "the same",
	`2` + strings.Repeat("0", 40) + `1["a"]`: "the same",

	`51e0-["a",{"_placeholder":true,"num":0}]`: "a count that is not plain digits",
	`5 1-["a",{"_placeholder":true,"num":0}]`:  "the same",
	`5+1-["a",{"_placeholder":true,"num":0}]`:  "the same",
	`50x1-["a",{"_placeholder":true,"num":0}]`: "the same",

	`51-`:                                    "an attachment that is used nowhere",
	`61-12`:                                  "the same",
	`51-["a"]`:                               "the same",
	`51-["a",{}]`:                            "the same",
	`52-["a",{"_placeholder":true,"num":0}]`: "the same",
	`51-["a",{"_placeholder":false,"num":0}]`:                     "the same",
	`51-["a",{"_placeholder":1,"num":0}]`:                         "the same",
	`51-["a",{"_placeholder":"true","num":0}]`:                    "the same",
	`51-["a",{"_placeholder":true,"_placeholder":false,"num":0}]`: "the same",

	`51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`:     "an attachment that is used twice",
	`52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`:     "the same",
	`52-["a",{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":1}}]`: "an attachment within a placeholder, where it is lost",

	`51-["a",{"_placeholder":true,"num":0.5}]`: "a placeholder's number that is not a plain integer",
	`51-["a",{"_placeholder":true,"num":0.0}]`: "the same",
	`51-["a",{"_placeholder":true,"num":0e5}]`: "the same",
	`51-["a",{"_placeholder":true,"num":-0}]`:  "the same",
}

// decoded is a whole packet, in the form that testdata/reference.mjs writes.
type decoded struct {
	Kind      int      `json:"kind"`
	Namespace string   `json:"nsp"`
	ID        *float64 `json:"id"`
	Data      any      `json:"data"`
}

func decodeWhole(t *testing.T, text string) (decoded, error) {
	t.Helper()
	pkt, err := decodePacket([]byte(text), &testLimits)
	if err != nil {
		return decoded{}, err
	}
	attachments := make([][]byte, pkt.attachments)
	for i := range attachments {
		attachments[i] = []byte("attachment " + strconv.Itoa(i))
	}
	d := decoded{Kind: int(pkt.kind), Namespace: pkt.namespace}
	if pkt.id >= 0 {
		id := float64(pkt.id)
		d.ID = &id
	}
	var args Args
	switch pkt.kind {
	case kindBinaryEvent, kindEvent:
		d.Kind = int(kindEvent)
		_, args, err = parseEvent(pkt.data, attachments, &testLimits)
	case kindBinaryAck, kindAck:
		d.Kind = int(kindAck)
		args, err = parseArgs(pkt.data, attachments, &testLimits)
	}
	if err == nil && pkt.data != nil {
		err = json.Unmarshal(withAttachments(pkt.data, args), &d.Data)
	}
	return d, err
}

// withAttachments puts {"attachment":CONTENT} in the place of placeholders.
func withAttachments(data []byte, args Args) []byte {
	var out []byte
	done := uint32(0)
	for _, p := range args.placeholders {
		out = append(out, data[done:p.start]...)
		out = append(out, `{"attachment":`...)
		out = strconv.AppendQuote(out, string(args.attachments[p.num]))
		out = append(out, '}')
		done = p.end
	}
	return append(out, data[done:]...)
}

func TestPacketsDecodeAsInTheReference(t *testing.T) {
	file, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Text   string
		Result *decoded
	}
	if err := json.Unmarshal(file, &rows); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row.Text] = true
		t.Run(row.Text, func(t *testing.T) {
			got, err := decodeWhole(t, row.Text)
			switch reason := refused[row.Text]; {
			case reason != "" && row.Result == nil:
				t.Fatal("the reference refuses it too: drop it from the list")
			case reason != "" && err == nil:
				t.Fatalf("decoded to %+v, but must be refused: %s", got, reason)
			case reason != "":
			case row.Result == nil && err == nil:
				t.Fatalf("decoded to %+v, the reference refuses it", got)
			case row.Result != nil && err != nil:
				t.Fatalf("refused (%v), the reference decodes it to %+v", err, *row.Result)
			case row.Result != nil && !reflect.DeepEqual(got, *row.Result):
				t.Fatalf("decoded to %+v, the reference to %+v", got, *row.Result)
			}
		})
	}
	for text := range refused {
		if !seen[text] {
			t.Errorf("%q is not among the reference's packets", text)
		}
	}
}

func TestPacketLimitsAreExact(t *testing.T) {
	name := func(n int) string { return "/" + strings.Repeat("n", n-1) }
	tests := []struct {
		name, text string
		want       error
	}{
		{"namespace of the greatest length", "0" + name(256), nil},
		{"namespace one byte longer", "0" + name(257), errNamespaceLength},
		{"namespace of a megabyte", "0" + name(1e6) + ",", errNamespaceLength},
		{"id of 15 digits", "2999999999999999[\"a\"]", nil},
		{"id of 16 digits", "20000000000000001[\"a\"]", errNumberTooLong},
		{"id of a million digits", "2" + strings.Repeat("7", 1e6), errNumberTooLong},
		{"attachment count of a million digits", "5" + strings.Repeat("0", 1e6) + "1-[]", errAttachmentCount},
		{"eleven attachments", "511-[]", errAttachmentCount},
		{"connect payload as deep as allowed", "0" + strings.Repeat(`{"a":`, 128) + "1" + strings.Repeat("}", 128), nil},
		{"connect payload one level deeper", "0" + strings.Repeat(`{"a":`, 129) + "1" + strings.Repeat("}", 129), errPayload},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := decodePacket([]byte(tt.text), &testLimits); !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestHeaderIsWrittenAsSpecified(t *testing.T) {
	tests := []struct {
		kind        packetKind
		namespace   string
		id          int64
		attachments int
		want        string
	}{
		{kindConnect, "/", -1, 0, "0"},
		{kindConnect, "/admin", -1, 0, "0/admin,"},
		{kindDisconnect, "/admin", -1, 0, "1/admin,"},
		{kindEvent, "/", -1, 0, "2"},
		{kindEvent, "/", 0, 0, "20"},
		{kindEvent, "/chat", 12, 3, "2/chat,12"},
		{kindAck, "/", 437, 0, "3437"},
		{kindConnectError, "/chat", -1, 0, "4/chat,"},
		{kindBinaryEvent, "/", -1, 1, "51-"},
		{kindBinaryEvent, "/chat", 12, 10, "510-/chat,12"},
		{kindBinaryAck, "/", 7, 2, "62-7"},
	}
	for _, tt := range tests {
		if got := appendHeader(nil, tt.kind, tt.namespace, tt.id, tt.attachments); string(got) != tt.want {
			t.Errorf("appendHeader(%d, %q, %d, %d) = %q, want %q", tt.kind, tt.namespace, tt.id, tt.attachments, got, tt.want)
		}
	}
}

func TestKnownNamespaceIsNotCopied(t *testing.T) {
	lim := testLimits
	lim.intern = func(name []byte) string {
		if string(name) == "/chat" {
			return "/chat"
		}
		return ""
	}
	p := []byte(`2/chat,12["message","hello"]`)
	allocs := testing.AllocsPerRun(100, func() {
		if pkt, err := decodePacket(p, &lim); err != nil || pkt.namespace != "/chat" {
			t.Error(pkt.namespace, err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
	if pkt, _ := decodePacket([]byte("0/other"), &lim); pkt.namespace != "/other" {
		t.Errorf("unknown namespace read as %q", pkt.namespace)
	}
}

func TestDecodingPlainPacketsDoesNotAllocate(t *testing.T) {
	for _, text := range []string{`2["message","hello"]`, `312[]`, `0{"token":"x"}`, `1`} {
		p := []byte(text)
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := decodePacket(p, &testLimits); err != nil {
				t.Error(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want none", text, allocs)
		}
	}
}

var header = regexp.MustCompile(`(?s)^(?:([0-4])|([56])([0-9]{1,15})-)(/[^,]*)?(,?)([0-9]*)(.*)$`)

// decodeByRegexp is decodePacket done another way.
func decodeByRegexp(p []byte, lim *limits) (packet, bool) {
	m := header.FindSubmatch(p)
	if m == nil {
		return packet{}, false
	}
	if len(m[4]) == 0 && len(m[5]) > 0 { // a comma belongs to a namespace
		return packet{}, false
	}
	pkt := packet{namespace: "/", id: -1}
	kind, _ := strconv.Atoi(string(m[1]) + string(m[2]))
	pkt.kind = packetKind(kind)
	pkt.attachments, _ = strconv.Atoi(string(m[3]))
	if len(m[4]) > 0 {
		pkt.namespace = string(m[4])
	}
	if len(m[6]) > 0 {
		pkt.id, _ = strconv.ParseInt(string(m[6]), 10, 64)
	}
	if len(m[7]) > 0 {
		pkt.data = m[7]
	}
	binary := len(m[2]) > 0
	countBad := binary && (pkt.attachments < 1 || pkt.attachments > lim.attachments)
	if countBad || len(m[4]) > lim.nameBytes || len(m[6]) > 15 {
		return packet{}, false
	}
	first := byte(0)
	if pkt.data != nil {
		first = pkt.data[0]
	}
	valid := json.Valid(pkt.data) && depthOf(pkt.data) <= lim.depth
	switch pkt.kind {
	case kindConnect:
		return pkt, first == 0 && pkt.data == nil || first == '{' && valid
	case kindDisconnect:
		return pkt, pkt.data == nil
	case kindConnectError:
		return pkt, first == 0 && pkt.data == nil || (first == '{' || first == '"') && valid
	case kindEvent:
		return pkt, first == '['
	case kindAck:
		return pkt, pkt.data == nil || first == '['
	case kindBinaryEvent:
		return pkt, first == '[' && valid && eventByJSON(pkt.data, lim) && placeholdersByJSON(pkt.data, pkt.attachments)
	default:
		return pkt, first == '[' && valid && argsByJSON(pkt.data, lim.args) && placeholdersByJSON(pkt.data, pkt.attachments)
	}
}

func eventByJSON(data []byte, lim *limits) bool {
	var array []json.RawMessage
	if json.Unmarshal(data, &array) != nil || len(array) == 0 || len(array) > lim.args+1 {
		return false
	}
	var number json.Number
	if c := array[0][0]; c != '"' {
		return json.Unmarshal(array[0], &number) == nil && c != 'n' && len(array[0]) <= lim.nameBytes
	}
	var name string
	if json.Unmarshal(array[0], &name) != nil || len(name) > lim.nameBytes || len(array[0]) > 6*lim.nameBytes+2 {
		return false
	}
	return !strings.Contains(" connect connect_error disconnect disconnecting newListener removeListener ", " "+name+" ") ||
		strings.Contains(name, " ") || name == ""
}

func argsByJSON(data []byte, most int) bool {
	var array []json.RawMessage
	return json.Unmarshal(data, &array) == nil && len(array) <= most
}

func FuzzDecodePacket(f *testing.F) {
	for _, text := range []string{
		`0`, `0/admin,{"token":"x"}`, `1/admin`, `2["a",1]`, `2/chat,12["a"]`, `2007["a"]`, `312[]`, `4{"message":"no"}`, `4"no"`,
		`51-/chat,12["a",{"_placeholder":true,"num":0}]`, `61-7[{"a":{"num":0,"_placeholder":true}}]`, `52-["connect"]`, `20000000000000001[]`,
	} {
		f.Add([]byte(text))
	}
	lim := limits{attachments: 3, nameBytes: 12, args: 4, depth: 5}
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := decodePacket(p, &lim)
		want, ok := decodeByRegexp(p, &lim)
		if (err == nil) != ok {
			t.Fatalf("%q: error %v, by regexp %v", p, err, ok)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %+v, by regexp %+v", p, got, want)
		}
		text := append(appendHeader(nil, got.kind, got.namespace, got.id, got.attachments), got.data...)
		again, err := decodePacket(text, &lim)
		if err != nil || again.namespace != got.namespace || again.id != got.id || again.kind != got.kind || !bytes.Equal(again.data, got.data) {
			t.Fatalf("%q: written as %q, read again as %+v, %v", p, text, again, err)
		}
	})
}
