package engineio

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, row := range map[string]struct {
		peer      string
		forwarded []string
		proto     string
		tls       bool
		address   string
		secure    bool
	}{
		"no proxy":                {"192.0.2.1:5", nil, "", false, "192.0.2.1", false},
		"untrusted peer lies":     {"192.0.2.1:5", []string{"127.0.0.1"}, "https", false, "192.0.2.1", false},
		"one proxy":               {"10.1.1.1:5", []string{"192.0.2.1"}, "https", false, "192.0.2.1", true},
		"trusted, says nothing":   {"10.1.1.1:5", nil, "", false, "10.1.1.1", false},
		"client forged a hop":     {"10.1.1.1:5", []string{"127.0.0.1, 192.0.2.1"}, "", false, "192.0.2.1", false},
		"two proxies":             {"10.1.1.1:5", []string{"127.0.0.1, 192.0.2.1, 10.2.2.2"}, "", false, "192.0.2.1", false},
		"two headers":             {"10.1.1.1:5", []string{"192.0.2.1", "10.2.2.2"}, "", false, "192.0.2.1", false},
		"only proxies":            {"10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "", false, "10.3.3.3", false},
		"rubbish ends the walk":   {"10.1.1.1:5", []string{"192.0.2.1, <script>, 10.2.2.2"}, "", false, "10.2.2.2", false},
		"only rubbish":            {"10.1.1.1:5", []string{"unknown"}, "", false, "10.1.1.1", false},
		"IPv6":                    {"[fd00::1]:5", []string{"2001:db8::1"}, "", false, "2001:db8::1", false},
		"IPv4 in IPv6":            {"[::ffff:10.1.1.1]:5", []string{"192.0.2.1"}, "", false, "192.0.2.1", false},
		"own TLS":                 {"192.0.2.1:5", nil, "", true, "192.0.2.1", true},
		"proxy without TLS":       {"10.1.1.1:5", []string{"192.0.2.1"}, "http", false, "192.0.2.1", false},
		"peer without a port":     {"@", []string{"192.0.2.1"}, "https", false, "@", false},
		"IPv6 peer, not trusted":  {"[2001:db8::2]:5", []string{"192.0.2.1"}, "", false, "2001:db8::2", false},
		"header of many elements": {"10.1.1.1:5", []string{repeat("10.0.0.1,", 10_000) + "192.0.2.1"}, "", false, "192.0.2.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?x=1", nil)
			r.RemoteAddr = row.peer
			r.Header["X-Forwarded-For"] = row.forwarded
			r.Header.Set("X-Forwarded-Proto", row.proto)
			r.Header.Set("X-Real-IP", "127.0.0.1")
			r.Header.Set("Forwarded", "for=127.0.0.1;proto=https")
			if row.tls {
				r.TLS = &tls.ConnectionState{}
			}
			h := newHandshake(r, trusted)
			if h.Address() != row.address || h.Secure() != row.secure {
				t.Errorf("address %q, secure %v; want %q, %v", h.Address(), h.Secure(), row.address, row.secure)
			}
		})
	}
}

func TestHandshakeKeepsTheRequest(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/engine.io/?EIO=4&token=a%20b&token=c", nil)
	r.Header.Add("X-Many", "one")
	r.Header.Add("X-Many", "two: three")
	r.Header.Set("Origin", "https://a.example")
	h := newHandshake(r, nil)
	r.Header.Set("X-Many", "changed")
	if got := h.Headers(); len(got["X-Many"]) != 2 || got["X-Many"][1] != "two: three" || got.Get("Host") != "example.com" {
		t.Errorf("headers are %v", got)
	}
	if got := h.Query()["token"]; len(got) != 2 || got[0] != "a b" {
		t.Errorf("query is %q", got)
	}
	if h.URL() != "/engine.io/?EIO=4&token=a%20b&token=c" || !h.CrossOrigin() || h.Issued().IsZero() {
		t.Errorf("handshake is %+v", h)
	}
	h.Headers().Set("X-Many", "of the caller's own")
	if len(h.Headers()["X-Many"]) != 2 {
		t.Error("the caller's change came back")
	}
}
