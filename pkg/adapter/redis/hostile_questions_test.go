package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// TestBadRequestIsNotCarriedOut publishes what no honest node would. Each request is counted by
// its reason, and the good one behind it is carried out.
func TestBadRequestIsNotCarriedOut(t *testing.T) {
	members, _ := cluster(t, 1)
	m, c := members[0], direct(t)
	m.join("/")
	m.join("/chat")
	deep := `{"uid":"u","requestId":"r","type":6,"data":` + strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5) + `}`
	for _, row := range []struct {
		name, payload string
		want          Reason
	}{
		{"empty", "", DropMalformed},
		{"one byte", "\xff", DropMalformed},
		{"a brace", "{", DropMalformed},
		{"two values", `{"type":1,"requestId":"r"}{}`, DropMalformed},
		{"an array", "\x91\x01", DropMalformed},
		{"not UTF-8", "\x82\xa4type\x01\xa9requestId\xa1\xff", DropMalformed},
		{"too large", `{"type":1,"requestId":"r","x":"` + repeat("x", 17<<20) + `"}`, DropTooLarge},
		{"announced map of 4 GB", "\xdf\xff\xff\xff\xff", DropMalformed},
		{"announced string of 4 GB", "\x81\xa3uid\xdb\xff\xff\xff\xff", DropMalformed},
		{"announced rooms of 4 GB", "\x83\xa4type\x00\xa9requestId\xa1r\xa5rooms\xdd\xff\xff\xff\xff", DropMalformed},
		{"a million levels", "\x82\xa4type\x06\xa4data" + repeat("\x91", 1e6) + "\x01", DropTooDeep},
		{"deep JSON", deep, DropTooDeep},
		{"no type", `{"requestId":"r"}`, DropUnknownRequest},
		{"type 8", `{"type":8,"requestId":"r","clientCount":3}`, DropUnknownRequest},
		{"type 2^63", `{"type":9223372036854775808,"requestId":"r"}`, DropUnknownRequest},
		{"negative type", `{"type":-1,"requestId":"r"}`, DropMalformed},
		{"type is text", `{"type":"5","requestId":"r"}`, DropMalformed},
		{"no request id", `{"type":5,"uid":"u"}`, DropMalformed},
		{"long request id", `{"type":5,"uid":"u","requestId":"` + repeat("r", 65) + `"}`, DropMalformed},
		{"long uid", `{"type":5,"requestId":"r","uid":"` + repeat("u", 65) + `"}`, DropMalformed},
		{"uid is a list", `{"type":5,"requestId":"r","uid":["u"]}`, DropMalformed},
		{"request id is an object", `{"type":5,"requestId":{"a":1}}`, DropMalformed},
		{"opts is a list", `{"type":5,"requestId":"r","opts":[]}`, DropMalformed},
		{"rooms are an object", `{"type":5,"requestId":"r","opts":{"rooms":{}}}`, DropMalformed},
		{"a room is a list", `{"type":4,"opts":{"rooms":[["a"]]}}`, DropMalformed},
		{"join nothing", `{"type":2,"opts":{"rooms":[]}}`, DropMalformed},
		{"join a map", `{"type":2,"opts":{"rooms":[]},"rooms":{"0":"a"}}`, DropMalformed},
		{"disconnect without target", `{"type":4,"close":true}`, DropMalformed},
		{"close is text", `{"type":4,"opts":{},"close":"yes"}`, DropMalformed},
		{"old join without room", `{"type":2,"sid":"x"}`, DropMalformed},
		{"server-side event is no list", `{"type":6,"data":{"0":"a"}}`, DropNotEvent},
		{"server-side event is missing", `{"type":6,"requestId":"r"}`, DropNotEvent},
		{"no packet", `{"type":7,"requestId":"r"}`, DropNotEvent},
		{"connect packet", `{"type":7,"requestId":"r","packet":{"type":0,"data":["a"]}}`, DropNotEvent},
		{"packet without data", `{"type":7,"requestId":"r","packet":{"type":2}}`, DropNotEvent},
		{"other namespace", `{"type":7,"requestId":"r","packet":{"type":2,"data":["a"],"nsp":"/chat"}}`, DropNamespace},
		{"own name, never sent", `{"uid":"UID","type":4,"opts":{"rooms":[]}}`, DropForged},
		{"panic", `{"type":7,"requestId":"r","packet":{"type":2,"data":["panic"]}}`, DropPanic},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := m.Stats()
			publish(t, c, m.names.requests("/"), strings.ReplaceAll(row.payload, "UID", m.uid))
			publish(t, c, m.names.requests("/"), `{"type":6,"data":["good"]}`)
			eventually(t, "the good one is carried out", func() bool { return m.Stats().Requests > before.Requests })
			s := m.Stats()
			if s.Dropped[row.want] != before.Dropped[row.want]+1 || s.Requests != before.Requests+1 {
				t.Errorf("%d carried out, dropped %v", s.Requests-before.Requests, s.Dropped)
			}
		})
	}
	if m.node.asked.mu.Lock(); len(m.node.changes)+len(m.node.targets) != 0 {
		t.Errorf("changes %v, questions %v", m.node.changes, m.node.targets)
	}
	m.node.asked.mu.Unlock()
	if !m.Healthy() {
		t.Error("not healthy any more")
	}
}

// Requests that look odd, and are carried out: other senders are known to write them.
func TestUnusualButHonestRequestsAreCarriedOut(t *testing.T) {
	members, _ := cluster(t, 1)
	m, c := members[0], direct(t)
	m.join("/")
	for _, payload := range []string{
		` {"type":6,"data":["not JSON by its first byte"]}`[1:],
		packed(t, `{"type":2,"opts":{"rooms":["a"],"except":null},"rooms":["b",7],"requestId":null,"uid":null,"extra":[{}]}`),
		`{"type":3.0,"opts":{"rooms":[42]},"rooms":["b"]}`,
		`{"type":4,"opts":{"rooms":["a"],"except":["b"],"flags":{"local":true}},"close":false,"close":true}`,
	} {
		before := m.Stats().Requests
		publish(t, c, m.names.requests("/"), payload)
		eventually(t, payload, func() bool { return m.Stats().Requests == before+1 })
	}
	want := []socketio.Change{
		{Target: socketio.Target{Namespace: "/", Rooms: []string{"a"}}, Kind: socketio.ChangeJoin, ChangeRooms: []string{"b", "7"}},
		{Target: socketio.Target{Namespace: "/", Rooms: []string{"42"}}, Kind: socketio.ChangeLeave, ChangeRooms: []string{"b"}},
		{Target: socketio.Target{Namespace: "/", Rooms: []string{"a"}, Except: []string{"b"}}, Kind: socketio.ChangeDisconnect, Close: true},
	}
	m.node.asked.mu.Lock()
	defer m.node.asked.mu.Unlock()
	if fmt.Sprint(m.node.changes) != fmt.Sprint(want) {
		t.Errorf("changes are %v, want %v", m.node.changes, want)
	}
}

// TestBadResponseIsSkipped puts hostile answers before the good one. None of them ends
// the wait, or gets into the result.
func TestBadResponseIsSkipped(t *testing.T) {
	members, _ := cluster(t, 1)
	m := members[0]
	m.join("/")
	m.join("/chat")
	s := newStranger(t, m.names.requests("/"))
	answers, other := m.names.answers("/", m.uid), m.names.answers("/chat", m.uid)
	type bad struct {
		name, channel, payload string
		want                   Reason
		packed                 func(id string) string // instead of payload
	}
	common := []bad{
		{"unknown question", answers, `{"requestId":"UIDzzz","sockets":[]}`, DropLate, nil},
		{"another namespace", other, `{"requestId":"ID","sockets":[{"id":"x"}],"data":1,"type":8,"clientCount":0}`, DropNamespace, nil},
		{"nothing", answers, `{"requestId":"ID"`, DropMalformed, nil},
		{"cut", answers, "", DropMalformed, func(id string) string { return packed(t, `{"requestId":"`+id+`","type":9}`)[:24] }},
		{"announced 4 GB", answers, "", DropMalformed, func(id string) string { return "\x81\xa7" + id[:7] + "\xdb\xff\xff\xff\xff" }},
		{"announced sockets of 4 GB", answers, "", DropMalformed, func(id string) string {
			return "\x82\xa9requestId\xa7" + id[:7] + "\xa7sockets\xdd\xff\xff\xff\xff"
		}},
		{"too large", answers, `{"requestId":"ID","x":"` + repeat("x", 17<<20) + `"}`, DropTooLarge, nil},
		{"deep", answers, `{"requestId":"ID","data":` + repeat("[", 1e5) + repeat("]", 1e5) + `}`, DropTooDeep, nil},
		{"sender is a list", answers, `{"requestId":"ID","uid":[]}`, DropMalformed, nil},
	}
	for _, question := range []struct {
		name string
		ask  func() (string, error)
		bad  []bad
		good []string
		want string
	}{
		{
			"fetch", func() (string, error) {
				found, err := m.FetchSockets(t.Context(), socketio.Target{Namespace: "/"})
				text, _ := appendJSON(nil, found)
				return string(text), err
			},
			[]bad{
				{"no sockets", answers, `{"requestId":"ID"}`, DropMalformed, nil},
				{"sockets are ids", answers, `{"requestId":"ID","sockets":["a"]}`, DropMalformed, nil},
				{"socket without id", answers, `{"requestId":"ID","sockets":[{"id":""}]}`, DropMalformed, nil},
				{"rooms are a number", answers, `{"requestId":"ID","sockets":[{"id":"a","rooms":7}]}`, DropMalformed, nil},
				{"a socket with bytes", answers, "", DropMalformed, func(id string) string {
					return packed(t, `{"requestId":"`+id+`","sockets":[{"id":"a","data":{"_placeholder":true,"num":0}}]}`, []byte{1})
				}},
				{"acks", answers, `{"requestId":"ID","type":8,"clientCount":0}`, DropMalformed, nil},
			},
			[]string{`{"requestId":"ID","sockets":[{"id":"a","handshake":{"x":1},"rooms":["a"],"data":{}},{"id":"a"}]}`},
			`[{"id":"a","handshake":{"x":1},"rooms":["a"],"data":{}}]`,
		},
		{
			"acks", func() (string, error) {
				var got []string
				err := m.BroadcastWithAck(t.Context(), event("/", `["q"]`), func() {}, func(a socketio.Ack) { got = append(got, string(a.Data)) })
				return strings.Join(got, " "), err
			},
			[]bad{
				{"ack before the count", answers, `{"requestId":"ID","type":9,"packet":1}`, DropSurplus, nil},
				{"no type", answers, `{"requestId":"ID","sockets":[]}`, DropMalformed, nil},
				{"no count", answers, `{"requestId":"ID","type":8}`, DropMalformed, nil},
				{"negative count", answers, `{"requestId":"ID","type":8,"clientCount":-1}`, DropMalformed, nil},
				{"count of 2^63", answers, `{"requestId":"ID","type":8,"clientCount":9223372036854775808}`, DropMalformed, nil},
				{"count is text", answers, `{"requestId":"ID","type":8,"clientCount":"2"}`, DropMalformed, nil},
			},
			[]string{
				`{"requestId":"ID","type":8,"clientCount":2,"uid":"peer"}`, `{"requestId":"ID","type":8,"clientCount":2,"uid":"peer"}`,
				`{"requestId":"ID","type":9,"packet":"a"}`, `{"requestId":"ID","type":9}`,
			},
			`["a"] []`,
		},
		{
			"server-side", func() (string, error) {
				var got []string
				err := m.ServerSideEmit(t.Context(), &socketio.ServerEvent{Namespace: "/", Data: []byte(`["hi"]`)}, func(a socketio.Ack) { got = append(got, string(a.Data)) })
				return strings.Join(got, " "), err
			},
			[]bad{{"more is no list", answers, `{"requestId":"ID","type":6,"data":1,"more":2}`, DropMalformed, nil}},
			[]string{`{"requestId":"ID","type":6,"data":null}`},
			`[null]`,
		},
	} {
		result := make(chan string, 1)
		go func() {
			got, err := question.ask()
			if err != nil {
				got = err.Error()
			}
			result <- got
		}()
		_, request := s.next()
		id := requestID(t, request)
		fill := strings.NewReplacer("UID", m.uid, "ID", id)
		for _, b := range append(common, question.bad...) {
			before := m.Stats()
			payload := fill.Replace(b.payload)
			if b.packed != nil {
				payload = b.packed(id)
			}
			publish(t, s.client, b.channel, payload)
			eventually(t, question.name+", "+b.name, func() bool { return m.Stats().Received > before.Received })
			eventually(t, question.name+", "+b.name+" counted", func() bool { return m.Stats().Dropped[b.want] == before.Dropped[b.want]+1 })
		}
		for _, good := range question.good {
			publish(t, s.client, answers, fill.Replace(good))
		}
		if got := <-result; got != question.want {
			t.Errorf("%s: got %s, want %s", question.name, got, question.want)
		}
	}
	if got := m.Stats().Dropped[DropSurplus]; got != 2 {
		t.Errorf("%d surplus answers: the ack before its count, and the second count of one node", got)
	}
}

// requestID reads the id of a question in either form.
func requestID(t *testing.T, request string) string {
	t.Helper()
	f, err := decodeFields(request, "requestId")
	if err != nil {
		t.Fatal(err)
	}
	id, err := f.name("requestId")
	if err != nil || id == "" {
		t.Fatalf("%q has no id: %v", request, err)
	}
	return id
}

// A million answers to one question cost a count each.
func TestFloodOfResponsesIsCountedOnly(t *testing.T) {
	members, _ := cluster(t, 1)
	m := members[0]
	m.join("/")
	s := newStranger(t, m.names.requests("/"))
	done := make(chan int, 1)
	go func() {
		n := 0
		err := m.BroadcastWithAck(t.Context(), event("/", `["q"]`), func() {}, func(socketio.Ack) { n++ })
		if err != nil {
			t.Error(err)
		}
		done <- n
	}()
	_, request := s.next()
	id := requestID(t, request)
	publish(t, s.client, m.names.answers("/", ""), `{"requestId":"`+id+`","type":8,"clientCount":3}`)
	const flood = 20000
	ack := string(must(appendAck(nil, clientAck, id, "packet", socketio.Ack{Data: []byte(`[1]`)})))
	pipe := s.client.Pipeline()
	for range flood {
		pipe.Publish(t.Context(), m.names.answers("/", ""), ack)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-done; n != 3 {
		t.Errorf("%d acks were taken, 3 announced", n)
	}
	eventually(t, "all are counted", func() bool {
		d := m.Stats().Dropped
		return d[DropLate]+d[DropSurplus] == flood-3
	})
	if s := m.Stats(); s.Questions != 0 || s.Responses != 4 {
		t.Errorf("%+v", s)
	}
}
