package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

var transports = []Transport{WebSocket, Polling, Upgrade}

// everywhere runs a test with each transport.
func everywhere(t *testing.T, test func(t *testing.T, transport Transport)) {
	for _, transport := range transports {
		t.Run(string(transport), func(t *testing.T) { test(t, transport) })
	}
}

// echo sends the arguments of "echo" back, as an event and in the ack, and asks the
// client itself what "ask" is to be answered with.
func echo(s *socketio.Server) {
	s.OnConnect(func(k *socketio.Socket) {
		k.On("echo", func(e *socketio.Event) {
			args := make([]any, e.Len())
			for i := range args {
				args[i] = e.Arg(i)
			}
			_ = k.Emit("echoed", args...)
			_ = e.Ack(args...)
		})
		k.On("ask", func(e *socketio.Event) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			reply, err := k.EmitWithAck(ctx, "question", 42)
			_ = e.Ack(fmt.Sprint(err), reply.Arg(0))
		})
		k.On("kick", func(*socketio.Event) { k.Disconnect(false) })
		k.On("burst", func(e *socketio.Event) {
			var n int
			_ = e.Bind(&n)
			for i := range n {
				_ = k.Emit("numbered", i)
			}
		})
	})
}

// ask emits and returns the answer.
func ask(t *testing.T, c *Client, array string) (string, error) {
	t.Helper()
	type answer struct {
		args string
		err  error
	}
	answers := make(chan answer, 2)
	err := c.EmitAck([]byte(array), func(args []byte, err error) { answers <- answer{string(args), err} })
	if err != nil {
		t.Fatalf("EmitAck: %v", err)
	}
	a := wait(t, answers, "answer")
	if len(answers) > 0 {
		t.Error("answered twice")
	}
	return a.args, a.err
}

func TestClientConnectsEmitsAndIsAnswered(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport})
		if o := wait(t, r.connected, "Connected"); o.SID == "" || o.Took <= 0 || o.Attempt != 0 {
			t.Errorf("opened %+v", o)
		}
		const args = `"ü\n\"",[1,{"a":null}],""`
		if got, err := ask(t, c, `["echo",`+args+`]`); err != nil || got != args {
			t.Errorf("answer %q, %v", got, err)
		}
		if e := wait(t, r.events, "event"); e.name != "echoed" || e.args != args || e.wantsAck {
			t.Errorf("event %+v", e)
		}
		in, out := c.Stats()
		if in < int64(len(args)) || out < int64(len(args)) {
			t.Errorf("counted %d bytes in, %d out", in, out)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrClosed) {
			t.Errorf("disconnected: %v", err)
		}
		if err := c.Emit([]byte(`["x"]`)); !errors.Is(err, ErrNotConnected) {
			t.Errorf("Emit after Close: %v", err)
		}
	})
}

func TestClientAnswersTheServersQuestions(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport})
		answers := make(chan string, 1)
		if err := c.EmitAck([]byte(`["ask"]`), func(args []byte, _ error) { answers <- string(args) }); err != nil {
			t.Fatal(err)
		}
		e := wait(t, r.events, "question")
		if e.name != "question" || e.args != "42" || !e.wantsAck {
			t.Fatalf("event %+v", e)
		}
		if err := c.Ack(e.ackID, []byte(`["yes"]`)); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, answers, "answer"); got != `"<nil>","yes"` {
			t.Errorf("the server got %s", got)
		}
	})
}

func TestBinaryTravelsBothWays(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	attachments := [][]byte{{0, 1, 0xff, 0x1e}, []byte(strings.Repeat("b", 100_000)), {}}
	const array = `["echo",{"_placeholder":true,"num":0},"x",[{"_placeholder":true,"num":1}],{"_placeholder":true,"num":2}]`
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport})
		if err := c.EmitBinary([]byte(array), attachments...); err != nil {
			t.Fatal(err)
		}
		e := wait(t, r.events, "event")
		if len(e.attachments) != len(attachments) {
			t.Fatalf("%d attachments", len(e.attachments))
		}
		for i, a := range attachments {
			if e.attachments[i] != string(a) {
				t.Errorf("attachment %d differs: %d bytes", i, len(e.attachments[i]))
			}
		}
		if want := strings.TrimSuffix(strings.TrimPrefix(array, `["echo",`), "]"); e.args != want {
			t.Errorf("args %s", e.args)
		}
	})
}

func TestMessagesOfAllSizesArriveWhole(t *testing.T) {
	url := serve(t, socketio.Config{Engine: engineio.Config{MaxPayload: 4 << 20}}, echo)
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport})
		for _, n := range []int{0, 1, 100, 125, 126, 127, inboxSize - 20, inboxSize, 65_500, 65_536, 300_000, 2_000_000} {
			arg := `"` + strings.Repeat("x", n) + `"`
			if err := c.Emit([]byte(`["echo",` + arg + `]`)); err != nil {
				t.Fatal(err)
			}
			if e := wait(t, r.events, "event"); e.args != arg {
				t.Errorf("%d bytes came back as %d", len(arg), len(e.args))
			}
		}
	})
}

func TestClientEntersItsNamespaceWithAuth(t *testing.T) {
	auth := make(chan string, 10)
	url := serve(t, socketio.Config{}, func(s *socketio.Server) {
		room := s.Of("/room/1")
		room.Use(func(k *socketio.Socket) error {
			auth <- string(k.Handshake().Auth()) + " " + k.Handshake().Headers().Get("X-Test") + " " + k.Handshake().Query().Get("token")
			return nil
		})
		room.OnConnect(func(k *socketio.Socket) {
			k.On("echo", func(e *socketio.Event) { _ = e.Ack(e.Arg(0)); _ = k.Emit("echoed") })
		})
	})
	everywhere(t, func(t *testing.T, transport Transport) {
		asked := 0
		c, r := connect(t, Config{
			URL: url + "?token=a%20b", Namespace: "/room/1", Transport: transport, Header: map[string][]string{"X-Test": {"y"}},
			Auth: func() ([]byte, error) { asked++; return []byte(`{"n":1}`), nil },
		})
		if got := wait(t, auth, "auth"); got != `{"n":1} y a b` || asked != 1 {
			t.Errorf("the server got %q, Auth was asked %d times", got, asked)
		}
		if got, err := ask(t, c, `["echo",7]`); got != "7" || err != nil {
			t.Errorf("answer %q, %v", got, err)
		}
		if e := wait(t, r.events, "event"); e.name != "echoed" {
			t.Errorf("event %+v", e)
		}
	})
}

func TestRefusedConnectIsAnError(t *testing.T) {
	url := serve(t, socketio.Config{}, func(s *socketio.Server) {
		s.Use(func(*socketio.Socket) error {
			return &socketio.ConnectError{Message: "not today", Data: map[string]int{"code": 7}}
		})
	})
	everywhere(t, func(t *testing.T, transport Transport) {
		_, err := Dial(t.Context(), Config{URL: url, Transport: transport, Handler: newRecorder()})
		refusal := new(ConnectError)
		if !errors.As(err, &refusal) || refusal.Message != "not today" || string(refusal.Data) != `{"code":7}` {
			t.Fatalf("dial: %v", err)
		}
		if got := Class(err); got != "connect_error: not today" {
			t.Errorf("class %q", got)
		}
		_, err = Dial(t.Context(), Config{URL: url, Namespace: "/none", Transport: transport, Handler: newRecorder()})
		if got := Class(err); got != "connect_error: Invalid namespace" {
			t.Errorf("class %q of %v", got, err)
		}
	})
}

func TestServerDisconnectIsTheEnd(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport, Reconnect: &Backoff{Delay: time.Millisecond}})
		_, err := ask(t, c, `["kick"]`)
		if !errors.Is(err, ErrDisconnected) {
			t.Errorf("ack: %v", err)
		}
		if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrServerDisconnect) {
			t.Errorf("disconnected: %v", err)
		}
		wait(t, c.Done(), "end")
		if len(r.connected) != 1 {
			t.Errorf("connected %d times", len(r.connected))
		}
	})
}

func TestUpgradeGoesOverWithoutLossOrReordering(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	for range 20 {
		c, r := connect(t, Config{URL: url, Transport: Upgrade})
		const n = 300
		if err := c.Emit([]byte(fmt.Sprintf(`["burst",%d]`, n))); err != nil {
			t.Fatal(err)
		}
		for i := range n { // while the transport changes
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
		if got := c.Transport(); got != WebSocket {
			t.Errorf("transport %q", got)
		}
		if got, err := ask(t, c, `["echo","after"]`); got != `"after"` || err != nil {
			t.Errorf("answer %q, %v", got, err)
		}
	}
}

func TestFailedUpgradeStaysWithPolling(t *testing.T) {
	web := pollingOnly(t)
	c, r := connect(t, Config{URL: web, Transport: Upgrade})
	if err := wait(t, r.upgraded, "Upgraded"); Class(err) != "http 400" {
		t.Errorf("upgraded: %v", err)
	}
	if got, err := ask(t, c, `["echo",1]`); got != "1" || err != nil || c.Transport() != Polling {
		t.Errorf("answer %q, %v by %q", got, err, c.Transport())
	}
}

func TestPacketsAreCutToTheServersMaxPayload(t *testing.T) {
	packets := []byte("4aaaa\x1e4b\x1e4cccccccccccc\x1e4d\x1e")
	for _, c := range []struct {
		limit int
		want  []string
	}{
		{0, []string{"4aaaa\x1e4b\x1e4cccccccccccc\x1e4d"}},
		{1, []string{"4aaaa", "4b", "4cccccccccccc", "4d"}},
		{8, []string{"4aaaa\x1e4b", "4cccccccccccc", "4d"}},
		{15, []string{"4aaaa\x1e4b", "4cccccccccccc", "4d"}},
		{16, []string{"4aaaa\x1e4b", "4cccccccccccc\x1e4d"}},
		{1000, []string{"4aaaa\x1e4b\x1e4cccccccccccc\x1e4d"}},
	} {
		var got []string
		for rest := packets; len(rest) > 0; {
			var payload []byte
			payload, rest = cutPayload(rest, c.limit)
			got = append(got, string(payload))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("limit %d: %q", c.limit, got)
		}
	}
}

func TestConfigErrorsAreNamed(t *testing.T) {
	h := newRecorder()
	for name, cfg := range map[string]Config{
		"no handler":   {URL: "http://a"},
		"no scheme":    {URL: "127.0.0.1:3000", Handler: h},
		"other scheme": {URL: "ftp://a", Handler: h},
		"no host":      {URL: "http://:80", Handler: h},
		"path":         {URL: "http://a/b", Handler: h},
		"transport":    {URL: "http://a", Transport: "telex", Handler: h},
		"header":       {URL: "http://a", Header: map[string][]string{"A": {"b\r\nC: d"}}, Handler: h},
		"header name":  {URL: "http://a", Header: map[string][]string{"A B": {"b"}}, Handler: h},
		"namespace":    {URL: "http://a", Namespace: "/a,b", Handler: h},
	} {
		if _, err := Dial(t.Context(), cfg); Class(err) != "config" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadArraysAreNotSent(t *testing.T) {
	c, _ := connect(t, Config{URL: serve(t, socketio.Config{}, echo)})
	for _, bad := range []string{"", "[", "{}", `"x"`} {
		if err := c.Emit([]byte(bad)); !errors.Is(err, ErrBadPacket) {
			t.Errorf("Emit(%q): %v", bad, err)
		}
	}
}
