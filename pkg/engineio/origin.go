package engineio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// legalOrigin reports whether the Origin header is one value of visible characters.
func legalOrigin(r *http.Request) bool {
	v := r.Header["Origin"]
	return len(v) == 0 || len(v) == 1 && !strings.ContainsFunc(v[0], func(c rune) bool { return c <= ' ' || c > '~' || c == ',' })
}

// originAllowed reports whether a page of the request's origin may connect. The check
// is ours, not only the browser's: CORS does not stop a WebSocket.
func (s *Server) originAllowed(r *http.Request) bool {
	v := r.Header["Origin"]
	if len(v) == 0 {
		return true
	}
	origin := v[0]
	if slices.Contains(s.cfg.AllowedOrigins, "*") || slices.ContainsFunc(s.cfg.AllowedOrigins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return true
	}
	if len(s.cfg.AllowedOrigins) > 0 {
		return false
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host)
}

// addCORS lets the page of an allowed origin read the answer. An origin is never
// reflected unless it is listed, and credentials never go with "*".
func (s *Server) addCORS(w http.ResponseWriter, r *http.Request) {
	if len(s.cfg.AllowedOrigins) == 0 {
		return
	}
	h := w.Header()
	if slices.Contains(s.cfg.AllowedOrigins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
		return
	}
	h.Set("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && legalOrigin(r) && s.originAllowed(r) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// servePreflight answers OPTIONS, for any session or none: behind a balancer it may
// arrive anywhere.
func (s *Server) servePreflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
		if ask := r.Header.Get("Access-Control-Request-Headers"); ask != "" {
			h.Set("Access-Control-Allow-Headers", ask)
			h.Add("Vary", "Access-Control-Request-Headers")
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func appendQuoted(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // a string always can be
	return append(dst, b...)
}
