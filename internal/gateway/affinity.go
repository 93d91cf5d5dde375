package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// affinity returns what adds the cookie with the node's tag to the first answer of a
// session, for balancers that can route by it. It saves a hop and is never needed:
// any node answers for any session.
func affinity(cfg Config, tag func() string) func(http.Header, *http.Request, bool) {
	if cfg.AffinityCookie == "" {
		return nil
	}
	return func(h http.Header, r *http.Request, initial bool) {
		if !initial {
			return
		}
		c := http.Cookie{
			Name: cfg.AffinityCookie, Value: tag(), Path: cfg.Path,
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: encrypted(r, cfg.TrustedProxies),
		}
		h.Add("Set-Cookie", c.String())
	}
}

// encrypted reports whether the client's connection is, as far as this node or a
// trusted proxy in front of it can tell.
func encrypted(r *http.Request, trusted []netip.Prefix) bool {
	if r.TLS != nil {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	vouched := err == nil && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	return vouched && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
