package gateway

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

func clusterConfig(t *testing.T) Config {
	t.Helper()
	return Config{Dev: true, RedisURL: redistest.Start(t), RedisPrefix: redistest.Prefix(t), ClusterKey: "a key for all nodes"}
}

// ask sends a request without keep-alive, and returns what it got.
func (w *world) ask(method, url, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Close = true
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, "" // the body would end with the session
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(b)
}

var sidForm = regexp.MustCompile(`"sid":"([^"]+)"`)

func TestAnyNodeServesAnySession(t *testing.T) {
	cfg := clusterConfig(t)
	a, b := start(t, cfg, nil), start(t, cfg, nil)
	a.until(a.internal+"/readyz", http.StatusOK, `"registry":"ok"`)
	_, opened := a.ask("GET", a.handshake(), "")
	found := sidForm.FindStringSubmatch(opened)
	if found == nil || found[1][:4] != a.sockets.Tag() {
		t.Fatalf("handshake: %q", opened)
	}
	through := b.handshake() + "&sid=" + found[1]
	if resp, body := b.ask("POST", through, "40"); resp.StatusCode != 200 {
		t.Fatalf("POST: %s %q", resp.Status, body)
	}
	if resp, body := b.ask("GET", through, ""); resp.StatusCode != 200 || !strings.HasPrefix(body, `40{"sid":"`) {
		t.Fatalf("GET: %s %q", resp.Status, body)
	}
	b.until(b.internal+"/metrics", 200, `gateway_forwarded_requests_total{kind="get"} 1`)
	b.until(b.internal+"/metrics", 200, `gateway_forward_added_seconds_count{kind="post"} 1`)
	b.until(b.internal+"/metrics", 200, `gateway_registry_nodes 2`)
	a.until(a.internal+"/metrics", 200, `gateway_peer_requests_total{result="served"} 2`)
	if resp, _ := a.ask("GET", a.public+"/peer/socket.io/", ""); resp.StatusCode != 200 { // the demo page answers for all paths
		t.Logf("public: %s", resp.Status)
	}
	if resp, _ := a.ask("POST", a.internal+"/peer/socket.io/?EIO=4&transport=polling&sid="+found[1], "41"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without the key: %s", resp.Status)
	}
}

func TestAffinityCookieNamesTheNode(t *testing.T) {
	w := start(t, Config{Path: "/rt", AffinityCookie: "node", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil)
	resp, body := w.ask("GET", w.handshake(), "")
	want := "node=" + w.sockets.Tag() + "; Path=/rt; HttpOnly; SameSite=Lax"
	if got := resp.Header.Values("Set-Cookie"); len(got) != 1 || got[0] != want {
		t.Errorf("handshake: %q, want %q", got, want)
	}
	sid := sidForm.FindStringSubmatch(body)[1]
	if resp, _ = w.ask("POST", w.handshake()+"&sid="+sid, "40"); resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("later answer: %q", resp.Header.Get("Set-Cookie"))
	}
	resp, _ = w.ask("GET", w.handshake(), "", "X-Forwarded-Proto", "https")
	if got, want := resp.Header.Get("Set-Cookie"), "; HttpOnly; Secure; SameSite=Lax"; !strings.Contains(got, want) {
		t.Errorf("behind a proxy with TLS: %q, want …%q", got, want)
	}
	resp, _ = w.ask("GET", strings.Replace(w.handshake(), "transport=polling", "transport=websocket", 1), "",
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	if resp.StatusCode != 101 || resp.Header.Get("Set-Cookie") != want {
		t.Errorf("WebSocket: %s %q", resp.Status, resp.Header.Get("Set-Cookie"))
	}
}

func TestWithoutTheFlagThereIsNoCookie(t *testing.T) {
	w := start(t, Config{}, nil)
	if resp, _ := w.ask("GET", w.handshake(), ""); resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("%q", resp.Header.Get("Set-Cookie"))
	}
}

func TestAdvertisedAddressCanBeReached(t *testing.T) {
	own := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9090}
	if got := advertised(own); got != "127.0.0.1:9090" {
		t.Errorf("a listener on one address: %s", got)
	}
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := net.DialTimeout("tcp", advertised(ln.Addr()), time.Second)
	if err != nil {
		t.Fatalf("a listener on all addresses: %v", err)
	}
	conn.Close()
}
