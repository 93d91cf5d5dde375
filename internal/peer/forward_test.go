package peer

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

func TestAnyNodeAnswersForAnySession(t *testing.T) {
	store := &Memory{}
	a, b, c := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	sid := a.handshake()
	if got := b.post(sid, "4hello"); got.status != 200 || got.body != "ok" {
		t.Fatalf("POST through another node: %+v", got)
	}
	if got := c.get(sid); got.status != 200 || got.body != "4hello" {
		t.Fatalf("GET through a third: %+v", got)
	}
	ws, br, resp := b.upgrade(sid, "")
	if resp.StatusCode != 101 {
		t.Fatalf("upgrade through another node: %s", resp.Status)
	}
	if resp.Header.Get(headerTook) != "" || resp.Header.Get("Sec-WebSocket-Accept") == "" {
		t.Errorf("headers of the upgrade: %v", resp.Header)
	}
	_, _ = io.WriteString(ws, frame("2probe"))
	expect(t, br, "\x81\x063probe")
	_, _ = io.WriteString(ws, frame("5")+frame("4over the tunnel"))
	expect(t, br, "\x81\x104over the tunnel")
	if s := b.forward.Stats(); s.Tunnels != 1 || s.Forwarded["post"] != 1 || s.Forwarded["upgrade"] != 1 {
		t.Errorf("figures of the forwarding node: %+v", s)
	}
	ws.Close()
	receive(t, "the session's end", a.closed)
	until(t, "the tunnel's end", func() bool { return b.forward.Stats().Tunnels == 0 })
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestClientIsWhoItIsThroughAnyNode(t *testing.T) {
	var seen *http.Request
	store := &Memory{}
	a := startNode(t, store, nodeConfig{engine: engineio.Config{Headers: func(_ http.Header, r *http.Request, _ bool) { seen = r }}})
	b := startNode(t, store, nodeConfig{})
	sid := a.handshake()
	got := b.do("POST", "transport=polling&sid="+sid+"&x=%2F%3b", "4x", "Cookie", "c=1", "Host", "h", "Connection", "X-Mine", "X-Mine", "1",
		headerClient, "6.6.6.6:6", headerSecure, "1")
	if got.status != 200 {
		t.Fatalf("%+v", got)
	}
	if seen.Method != "POST" || seen.RequestURI != "/engine.io/?EIO=4&transport=polling&sid="+sid+"&x=%2F%3b" || seen.URL.Path != "/engine.io/" {
		t.Errorf("the owner saw %s %s", seen.Method, seen.RequestURI)
	}
	if seen.Host != strings.TrimPrefix(b.public.URL, "http://") || !strings.HasPrefix(seen.RemoteAddr, "127.0.0.1:") || seen.TLS != nil {
		t.Errorf("the owner saw host %s, client %s, TLS %v", seen.Host, seen.RemoteAddr, seen.TLS)
	}
	for name := range seen.Header {
		if strings.HasPrefix(name, headerPrefix) || name == "X-Mine" {
			t.Errorf("the owner saw the header %s", name)
		}
	}
	if seen.Header.Get("Cookie") != "c=1" {
		t.Errorf("the owner saw %v", seen.Header)
	}
	for name := range got.header {
		if strings.HasPrefix(name, headerPrefix) {
			t.Errorf("the client saw the header %s", name)
		}
	}
}

func TestLargeBodiesPassBothWays(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	sid := a.handshake()
	large := "4" + strings.Repeat("x", 999_000)
	if got := b.post(sid, large); got.status != 200 {
		t.Fatalf("POST of 1 MB: %d %q", got.status, got.body)
	}
	if got := b.get(sid); got.body != large {
		t.Fatalf("GET brought %d bytes, want %d", len(got.body), len(large))
	}
}

// The owner refuses by the announced length, while the client still sends.
func TestTooLargeBodyIsRefusedAtItsBeginning(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	c, err := net.Dial("tcp", b.public.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, "POST /engine.io/?EIO=4&transport=polling&sid="+a.handshake()+" HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n4xx")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestEveryAnswerIsTheOwners(t *testing.T) {
	store := &Memory{}
	config := nodeConfig{engine: engineio.Config{AllowedOrigins: []string{"https://a.example"}}}
	a, b := startNode(t, store, config), startNode(t, store, config)
	for _, tt := range []struct {
		name, method, query, body string
		header                    []string
	}{
		{"method", "DELETE", "transport=polling", "", nil},
		{"head", "HEAD", "transport=polling", "", nil},
		{"origin", "GET", "transport=polling", "", []string{"Origin", "https://b.example"}},
		{"transport", "GET", "transport=other", "", nil},
		{"preflight", "OPTIONS", "transport=polling", "", []string{"Origin", "https://a.example", "Access-Control-Request-Headers", "x"}},
		{"empty body", "POST", "transport=polling", "", []string{"Origin", "https://a.example"}},
		{"bad packet", "POST", "transport=polling", "x", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			direct := a.do(tt.method, tt.query+"&sid="+a.handshake(), tt.body, tt.header...)
			through := b.do(tt.method, tt.query+"&sid="+a.handshake(), tt.body, tt.header...)
			direct.header.Del("Date")
			through.header.Del("Date")
			if direct.status != through.status || direct.body != through.body {
				t.Errorf("direct %d %q, through another node %d %q", direct.status, direct.body, through.status, through.body)
			}
			for name := range direct.header {
				if strings.Join(direct.header[name], "|") != strings.Join(through.header[name], "|") {
					t.Errorf("%s: direct %q, through another node %q", name, direct.header[name], through.header[name])
				}
			}
		})
	}
}

func TestClientThatGoesTakesItsPollWithIt(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	sid := a.handshake()
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", b.public.URL+"/engine.io/?EIO=4&transport=polling&sid="+sid, nil)
	over := make(chan struct{})
	go func() {
		defer close(over)
		if resp, err := client.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	until(t, "the poll to be held", func() bool { return b.forward.pending() == 1 && a.receiver.Stats().Served == 1 })
	cancel()
	if got := receive(t, "the session's end", a.closed); got != engineio.ReasonTransportError {
		t.Errorf("the session ended for %q", got)
	}
	receive(t, "the request's end", over)
	until(t, "the failure to be counted", func() bool { return b.forward.Stats().Failed["client_gone"] == 1 })
}

// refused checks that a request about a lost session is answered in the reference's
// form, and soon.
func refused(t *testing.T, n *node, sid string) {
	t.Helper()
	began := time.Now()
	for range 2 { // the second finds the node marked
		if got := n.get(sid); got.status != 400 || got.body != `{"code":1,"message":"Session ID unknown"}` || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("GET: %+v", got)
		}
		if got := n.post(sid, "4x"); got.status != 400 || got.body != `{"code":1,"message":"Session ID unknown"}` {
			t.Errorf("POST: %+v", got)
		}
		_, _, resp := n.upgrade(sid, "")
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 400 || string(body) != "Session ID unknown" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("upgrade: %s %v %q", resp.Status, resp.Header, body)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("six refusals took %v", took)
	}
}

var anyOrigin = engineio.Config{AllowedOrigins: []string{"*"}}

func TestDeadOwnerMeansUnknownSession(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{engine: anyOrigin})
	sid := a.handshake()
	if got := b.post(sid, "4x"); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	a.internal.CloseClientConnections()
	a.internal.Close()
	refused(t, b, sid)
	if s := b.forward.Stats(); s.Failed["unreachable"] == 0 || s.Failed["down"] == 0 {
		t.Errorf("figures: %+v", s)
	}
}

func TestUnknownOwnerMeansUnknownSession(t *testing.T) {
	b := startNode(t, &Memory{}, nodeConfig{engine: anyOrigin})
	refused(t, b, "zzzz4567890123456789abcd")
	refused(t, b, "zzz")
	if s := b.forward.Stats(); s.Failed["unknown_node"] != 6 {
		t.Errorf("figures: %+v", s)
	}
}

func TestNodeThatHasJustStartedIsFound(t *testing.T) {
	store := &Memory{}
	b := startNode(t, store, nodeConfig{})
	for range 3 { // however fresh b's copy is
		a := startNode(t, store, nodeConfig{})
		sid := a.handshake()
		if got := b.post(sid, "4x"); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
}

func TestNodesWithDifferentKeysDoNotTalk(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{key: "another key", engine: anyOrigin})
	refused(t, b, a.handshake())
	if s := b.forward.Stats(); s.Failed["refused"] != 6 {
		t.Errorf("figures of the node that forwards: %+v", s)
	}
	if s := a.receiver.Stats(); s.Refused < 6 || s.Served != 0 {
		t.Errorf("figures of the owner: %+v", s)
	}
}

// A tag that leads to a node with another tag ends there: nothing is forwarded twice.
func TestNothingIsForwardedTwice(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	astray := Node{ID: "x", Address: a.internal.Listener.Addr().String()}
	if _, err := store.Claim(t.Context(), "zzzz", astray.entry(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := b.get("zzzz4567890123456789abcd"); got.status != 400 {
		t.Errorf("%+v", got)
	}
	loop := Node{ID: "y", Address: b.public.Listener.Addr().String()} // a mistake of --advertise
	if _, err := store.Claim(t.Context(), "yyyy", loop.entry(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := b.get("yyyy4567890123456789abcd"); got.status != 400 {
		t.Errorf("%+v", got)
	}
	if s := a.receiver.Stats(); s.Served != 0 {
		t.Errorf("figures: %+v", s)
	}
}

// What follows a refused upgrade on the same connection never reaches the internal
// listener, which trusts who can connect to it.
func TestRefusedUpgradeOpensNoWayInside(t *testing.T) {
	reached := make(chan string, 16)
	store := &Memory{}
	a := startNode(t, store, nodeConfig{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(headerMethod) != methodTrunk {
				reached <- r.URL.Path
			}
			next.ServeHTTP(w, r)
		})
	}})
	b := startNode(t, store, nodeConfig{})
	sid := a.registry.Tag() + "567890123456789abcd" // the owner knows no such session
	c, br, resp := b.upgrade(sid, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
	if resp.StatusCode != 400 {
		t.Fatalf("%s", resp.Status)
	}
	_, _ = io.ReadAll(resp.Body)
	_, _ = io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
	if rest, _ := io.ReadAll(br); strings.Contains(string(rest), "internal") {
		t.Errorf("the internal listener answered: %q", rest)
	}
	if got := receive(t, "the upgrade", reached); got != Path+"engine.io/" {
		t.Errorf("reached %s", got)
	}
	select {
	case got := <-reached:
		t.Errorf("reached %s", got)
	default:
	}
}

func TestNodeThatLeavesTakesItsRequestsWithIt(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	tunnelled, polling := a.handshake(), a.handshake()
	_, br, _ := b.upgrade(tunnelled, frame("2probe"))
	expect(t, br, "\x81\x063probe")
	held := make(chan answer, 1)
	go func() { held <- b.get(polling) }()
	until(t, "the poll to be held", func() bool { return b.forward.pending() == 1 })
	n, why := b.registry.copied(a.registry.Tag())
	if why != failNone {
		t.Fatal(failureNames[why])
	}
	n.forget()
	if got := receive(t, "the poll's answer", held); got.status != 400 {
		t.Errorf("%+v", got)
	}
	if _, err := io.ReadAll(br); err != nil {
		t.Logf("the tunnel ended with %v", err)
	}
	until(t, "the tunnel's end", func() bool { return b.forward.Stats().Tunnels == 0 })
}
