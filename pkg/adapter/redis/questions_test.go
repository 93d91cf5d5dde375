package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// listener is a stranger on the bus: it hears what nodes answer.
type stranger struct {
	t      testing.TB
	client *goredis.Client
	pubsub *goredis.PubSub
}

func newStranger(t testing.TB, channels ...string) *stranger {
	t.Helper()
	s := &stranger{t: t, client: direct(t)}
	s.pubsub = s.client.Subscribe(t.Context(), channels...)
	t.Cleanup(func() { _ = s.pubsub.Close() })
	for range channels {
		if _, err := s.pubsub.ReceiveTimeout(t.Context(), waitLimit); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// next returns the channel and the text of the next message.
func (s *stranger) next() (channel, text string) {
	s.t.Helper()
	m, err := s.pubsub.ReceiveTimeout(s.t.Context(), waitLimit)
	if err != nil {
		s.t.Fatal(err)
	}
	message, ok := m.(*goredis.Message)
	if !ok {
		s.t.Fatalf("%T instead of a message", m)
	}
	return message.Channel, message.Payload
}

// answered publishes a request and compares the answer, in which UID stands for the
// member's name.
func (s *stranger) answered(m *member, request, channel, want string) {
	s.t.Helper()
	publish(s.t, s.client, m.names.requests("/"), request)
	gotChannel, got := s.next()
	if want = strings.ReplaceAll(want, "UID", m.uid); got != want || gotChannel != channel {
		s.t.Errorf("%s\n got %s on %s\nwant %s on %s", request, got, gotChannel, want, channel)
	}
}

// Each question that a node of any age can ask is answered, where its sender listens.
func TestEveryRequestIsAnswered(t *testing.T) {
	members, _ := cluster(t, 1)
	m := members[0]
	const id = "tag0abcdefghijklmnop"
	m.node.sockets["/ "+id] = true
	m.node.infos = []socketio.SocketInfo{{ID: id, Rooms: []string{id, "a"}, Handshake: json.RawMessage(`{"url":"/"}`)}}
	m.join("/")
	shared, own := m.names.answers("/", ""), m.names.answers("/", "asker1")
	s := newStranger(t, shared, own)
	for _, row := range []struct{ request, channel, want string }{
		{`{"uid":"asker1","requestId":"r0","type":0,"rooms":["a"]}`, own, `{"requestId":"r0","sockets":["` + id + `"],"uid":"UID"}`},
		{`{"requestId":"r0","type":0,"rooms":[]}`, shared, `{"requestId":"r0","sockets":["` + id + `"],"uid":"UID"}`},
		{`{"uid":"asker1","requestId":"r1","type":1}`, own, `{"requestId":"r1","rooms":["` + id + `","a"],"uid":"UID"}`},
		{`{"uid":"asker1","requestId":"r5","type":5,"opts":{"rooms":["a"],"except":[]}}`, own, `{"requestId":"r5","sockets":[{"id":"` + id + `","handshake":{"url":"/"},"rooms":["` + id + `","a"],"data":{}}],"uid":"UID"}`},
		{`{"requestId":"r5","type":5}`, shared, `{"requestId":"r5","sockets":[{"id":"` + id + `","handshake":{"url":"/"},"rooms":["` + id + `","a"],"data":{}}],"uid":"UID"}`},
		{`{"requestId":"r2","type":2,"sid":"` + id + `","room":"new"}`, shared, `{"requestId":"r2","uid":"UID"}`},
		{`{"uid":"asker1","requestId":"r3","type":3,"sid":"` + id + `","room":"new"}`, own, `{"requestId":"r3","uid":"UID"}`},
		{`{"requestId":"r4","type":4,"sid":"` + id + `","close":true}`, shared, `{"requestId":"r4","uid":"UID"}`},
		// The official adapter looks for this answer nowhere else.
		{`{"uid":"asker1","requestId":"r6","type":6,"data":["hello"]}`, shared, `{"type":6,"requestId":"r6","data":"tag0","uid":"UID"}`},
		{packed(t, `{"uid":"asker1","requestId":"r7","type":7,"packet":{"type":2,"data":["q"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}}}`), own, `{"type":8,"requestId":"r7","clientCount":0,"uid":"UID"}`},
		{`{"requestId":"r7","type":7,"packet":{"type":2,"data":["q"]}}`, shared, `{"type":8,"requestId":"r7","clientCount":0,"uid":"UID"}`},
	} {
		s.answered(m, row.request, row.channel, row.want)
	}
	wantChanges := []socketio.Change{
		{Target: socketio.Target{Namespace: "/", Rooms: []string{id}}, Kind: socketio.ChangeJoin, ChangeRooms: []string{"new"}},
		{Target: socketio.Target{Namespace: "/", Rooms: []string{id}}, Kind: socketio.ChangeLeave, ChangeRooms: []string{"new"}},
		{Target: socketio.Target{Namespace: "/", Rooms: []string{id}}, Kind: socketio.ChangeDisconnect, Close: true},
	}
	m.node.asked.mu.Lock()
	if got := fmt.Sprint(m.node.changes); got != fmt.Sprint(wantChanges) {
		t.Errorf("changes are %v, want %v", got, wantChanges)
	}
	m.node.asked.mu.Unlock()

	// With nothing to say, a node says so.
	m.node.asked.mu.Lock()
	m.node.infos = nil
	m.node.asked.mu.Unlock()
	s.answered(m, `{"requestId":"r0","type":0,"rooms":["a"]}`, shared, `{"requestId":"r0","sockets":[],"uid":"UID"}`)
	s.answered(m, `{"requestId":"r1","type":1}`, shared, `{"requestId":"r1","rooms":[],"uid":"UID"}`)
	s.answered(m, `{"requestId":"r5","type":5,"opts":{"rooms":["a"]}}`, shared, `{"requestId":"r5","sockets":[],"uid":"UID"}`)

	// The number of acks comes before the acks, even if they are there at once.
	m.node.asked.mu.Lock()
	m.node.acks = []socketio.Ack{{Data: []byte(`["ok"]`)}, {Data: []byte(`[]`)}}
	m.node.asked.mu.Unlock()
	s.answered(m, `{"requestId":"BBBBBB","type":7,"packet":{"type":2,"data":["q"]}}`, shared, `{"type":8,"requestId":"BBBBBB","clientCount":2,"uid":"UID"}`)
	for _, want := range []string{"83a47479706509a9726571756573744964a6424242424242a67061636b6574a26f6b", "82a47479706509a9726571756573744964a6424242424242"} {
		if _, got := s.next(); got != unhex(want) {
			t.Errorf("ack is %x, want %s", got, want)
		}
	}
}

func TestAnswersAreSharedIfConfigured(t *testing.T) {
	members, prefix := cluster(t, 1)
	m := start(t, Config{URL: members[0].cfg.URL, Prefix: prefix + "x", SharedResponses: true}, "tag9")
	m.join("/")
	s := newStranger(t, m.names.answers("/", ""), m.names.answers("/", "asker1"))
	s.answered(m, `{"uid":"asker1","requestId":"r0","type":0,"rooms":[]}`, m.names.answers("/", ""), `{"requestId":"r0","sockets":[],"uid":"UID"}`)
}

// One that does not answer makes a result partial, and says so.
func TestMissingNodeMakesTheResultPartial(t *testing.T) {
	members, _ := cluster(t, 3)
	for i, m := range members {
		m.node.infos = []socketio.SocketInfo{{ID: fmt.Sprint("s", i)}}
		m.node.acks = []socketio.Ack{{Data: fmt.Appendf(nil, "[%d]", i)}}
		m.join("/")
	}
	newStranger(t, members[0].names.requests("/")) // counted, and silent
	for name, ask := range map[string]func(ctx context.Context) (int, error){
		"sockets": func(ctx context.Context) (int, error) {
			found, err := members[0].FetchSockets(ctx, socketio.Target{Namespace: "/"})
			return len(found), err
		},
		"rooms": func(ctx context.Context) (int, error) {
			rooms, err := members[0].AllRooms(ctx, "/")
			return 2 + len(rooms), err
		},
		"ids": func(ctx context.Context) (int, error) {
			ids, err := members[0].SocketIDs(ctx, "/")
			return len(ids), err
		},
		"server-side": func(ctx context.Context) (n int, err error) {
			err = members[0].ServerSideEmit(ctx, &socketio.ServerEvent{Namespace: "/", Data: []byte(`["hi"]`)}, func(socketio.Ack) { n++ })
			return n, err
		},
		"acks": func(ctx context.Context) (n int, err error) {
			err = members[0].BroadcastWithAck(ctx, event("/", `["q"]`), func() {}, func(socketio.Ack) { n++ })
			return n, err
		},
	} {
		before := members[0].Stats().Responses
		ctx, cancel := context.WithCancelCause(t.Context())
		given := errors.New("given up")
		go func() { // when the two others have answered
			want := uint64(2)
			if name == "acks" {
				want = 4
			}
			for members[0].Stats().Responses < before+want && t.Context().Err() == nil {
				time.Sleep(time.Millisecond) // a look at a counter, not a wait of a length
			}
			cancel(given)
		}()
		n, err := ask(ctx)
		var partial *socketio.PartialError
		if n != 2 || !errors.As(err, &partial) || partial.Answered != 2 || partial.Expected != 3 || !errors.Is(err, given) {
			t.Errorf("%s: %d results, %v", name, n, err)
		}
	}
	if s := members[0].Stats(); s.Questions != 0 {
		t.Errorf("%d questions are left", s.Questions)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	members, prefix := cluster(t, 1)
	m := start(t, Config{URL: members[0].cfg.URL, Prefix: prefix + "x", MaxQuestions: 2}, "tag9")
	m.join("/")
	newStranger(t, m.names.requests("/")) // never answers
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := m.FetchSockets(ctx, socketio.Target{Namespace: "/"})
			results <- err
		}()
	}
	eventually(t, "both wait", func() bool { return m.Stats().Questions == 2 })
	if _, err := m.AllRooms(ctx, "/"); !errors.Is(err, ErrBusy) {
		t.Errorf("a third question: %v", err)
	}
	delivered := false
	if err := m.BroadcastWithAck(ctx, event("/", `["q"]`), func() { delivered = true }, nil); !errors.Is(err, ErrBusy) || !delivered {
		t.Errorf("an event: %v, delivered here: %v", err, delivered)
	}
	cancel()
	for range 2 {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if s := m.Stats(); s.RefusedBusy != 2 || s.Questions != 0 {
		t.Errorf("%+v", s)
	}
}

// A question can't be answered where its answers are not heard.
func TestQuestionWithoutRedisFailsAtOnce(t *testing.T) {
	a, err := New(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	delivered := false
	_, fetch := a.FetchSockets(t.Context(), socketio.Target{Namespace: "/"})
	emit := a.BroadcastWithAck(t.Context(), event("/", `["q"]`), func() { delivered = true }, nil)
	ask := a.ServerSideEmit(t.Context(), &socketio.ServerEvent{Namespace: "/", Data: []byte(`["q"]`)}, func(socketio.Ack) {})
	if !errors.Is(fetch, ErrAway) || !errors.Is(emit, ErrAway) || !errors.Is(ask, ErrAway) || !delivered {
		t.Errorf("%v, %v, %v; delivered here: %v", fetch, emit, ask, delivered)
	}
}

// A node that takes long to answer still delivers, and refuses what would pile up.
func TestSlowAnswersDoNotHoldUpDeliveries(t *testing.T) {
	members, _ := cluster(t, 2)
	m, c := members[1], direct(t)
	m.join("/")
	m.node.hold = make(chan struct{})
	const surplus = 20
	for i := range maxWaiting + 1 + surplus { // one is being answered
		if i == 1 {
			eventually(t, "the first is taken", func() bool { return m.Stats().Requests == 1 && len(m.answerer.questions.queue) == 0 })
		}
		publish(t, c, m.names.requests("/"), `{"uid":"asker1","requestId":"r","type":5}`)
	}
	members[0].emit(event("/", `["still here"]`))
	if b := m.next(); string(b.Data) != `["still here"]` {
		t.Errorf("got %s", b.Data)
	}
	if s := m.Stats(); s.Dropped[DropBusy] != surplus || s.Requests != maxWaiting+1 {
		t.Errorf("%d busy, %d requests", s.Dropped[DropBusy], s.Requests)
	}
	close(m.node.hold)
	eventually(t, "the others are answered", func() bool { return m.Stats().ResponsesSent == maxWaiting+1 })
}

// An ack that never comes is not waited for without end, nor without number.
func TestWaitsForAcksAreBounded(t *testing.T) {
	a, n := loneAnswerer(t)
	n.acks, n.silent = []socketio.Ack{{Data: []byte(`[1]`)}}, true
	request := func(timeout int) *goredis.Message {
		return &goredis.Message{Channel: "c", Payload: fmt.Sprintf(`{"uid":"u","requestId":"r","type":7,"packet":{"type":2,"data":["q"]},"opts":{"flags":{"timeout":%d}}}`, timeout)}
	}
	for range maxAwaited {
		a.request("/", request(1e9))
	}
	if got := a.acks.awaited.Load(); got != maxAwaited || a.Stats().AcksGivenUp != 0 {
		t.Fatalf("%d waits, %d given up", got, a.Stats().AcksGivenUp)
	}
	a.request("/", request(1e9))
	if s := a.Stats(); s.AcksGivenUp != 1 || len(n.delivered) != maxAwaited+1 {
		t.Errorf("%d given up, %d delivered", s.AcksGivenUp, len(n.delivered))
	}
	b, _ := loneAnswerer(t)
	b.node.(*testNode).acks = n.acks
	b.node.(*testNode).silent = true
	b.request("/", request(1))
	eventually(t, "the wait has ended", func() bool { return b.acks.awaited.Load() == 0 })
}
