package engineio

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Handshake is the first request of a session. It keeps that request in a compact
// form, as every idle session has one; its methods parse on each call.
type Handshake struct {
	uri     string
	headers string // "Name: value\n" for each, values as they came
	address string
	issued  int64 // ns since 1970: a time.Time would make each session 32 bytes larger
	secure  bool
	origin  bool
}

func newHandshake(r *http.Request, trusted []netip.Prefix) Handshake {
	h := Handshake{uri: strings.Clone(r.RequestURI), issued: time.Now().UnixNano(), origin: r.Header.Get("Origin") != ""}
	var b strings.Builder
	b.WriteString("Host: " + r.Host + "\n")
	for name, values := range r.Header {
		for _, v := range values {
			b.WriteString(name)
			b.WriteString(": ")
			b.WriteString(v)
			b.WriteByte('\n')
		}
	}
	h.headers = strings.Clone(b.String())
	var proxied bool
	h.address, proxied = clientAddress(r, trusted)
	h.address = strings.Clone(h.address) // not the whole header
	h.secure = r.TLS != nil || proxied && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	return h
}

// clientAddress walks X-Forwarded-For from the nearest proxy outwards, as long as
// trusted proxies vouch for it. proxied reports whether the peer is one.
func clientAddress(r *http.Request, trusted []netip.Prefix) (address string, proxied bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	isTrusted := func(a string) bool {
		ip, err := netip.ParseAddr(a)
		return err == nil && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}
	address, proxied = host, isTrusted(host)
	if !proxied {
		return address, false
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(chain) {
		hop = strings.TrimSpace(hop)
		if ip, err := netip.ParseAddr(hop); err != nil || !ip.IsValid() {
			break
		}
		address = hop
		if !isTrusted(hop) {
			break
		}
	}
	return address, true
}

// Address is the client's IP address, without a port: the peer's, or what trusted
// proxies say of theirs.
func (h *Handshake) Address() string { return h.address }

// Headers returns the request's headers, Host included, in a map of the caller's own.
func (h *Handshake) Headers() http.Header {
	out := http.Header{}
	for line := range strings.Lines(h.headers) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		out[name] = append(out[name], value)
	}
	return out
}

// Query returns the parameters of the request's URL.
func (h *Handshake) Query() url.Values {
	_, q, _ := strings.Cut(h.uri, "?")
	v, _ := url.ParseQuery(q)
	return v
}

// URL is the request's target as the client sent it: path and query.
func (h *Handshake) URL() string { return h.uri }

// Secure reports whether the client's connection is encrypted, as far as this
// server or a trusted proxy can tell.
func (h *Handshake) Secure() bool { return h.secure }

// CrossOrigin reports whether the request named an origin.
func (h *Handshake) CrossOrigin() bool { return h.origin }

// Issued is when the session began.
func (h *Handshake) Issued() time.Time { return time.Unix(0, h.issued) }
