package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof" // it registers itself with http.DefaultServeMux as well, which nobody serves
	"strconv"
	"strings"
)

const (
	debugPath = "/debug/pprof/"
	// maxProfileSeconds bounds a profile that is taken over a time. A minute of a busy
	// node shows where it spends its time.
	maxProfileSeconds = 60
)

// profiling is held by who takes a profile: each stops all goroutines of the process for a
// moment or costs it processor time, and a heap of many connections is megabytes of answer.
var profiling = make(chan struct{}, 1)

// profiles are what can be asked for. Of Go's handlers cmdline is missing, as arguments may
// hold secrets, and symbol, which profiles of Go programs do not need.
var profiles = map[string]http.Handler{
	"":             http.HandlerFunc(pprof.Index),
	"allocs":       pprof.Handler("allocs"),
	"block":        pprof.Handler("block"),
	"goroutine":    pprof.Handler("goroutine"),
	"heap":         pprof.Handler("heap"),
	"mutex":        pprof.Handler("mutex"),
	"threadcreate": pprof.Handler("threadcreate"),
	"profile":      http.HandlerFunc(pprof.Profile),
	"trace":        http.HandlerFunc(pprof.Trace),
}

// debugHandler serves Go's profiles to whoever sends key as a bearer token, one at a time.
// nil, if key is empty: there are none then.
func debugHandler(key string, log *slog.Logger) http.Handler {
	if key == "" {
		return nil
	}
	want := sha256.Sum256([]byte(key)) // so that lengths compare in the same time, too
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(sent))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
			log.Warn("request for a profile without the key", "from", r.RemoteAddr)
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "send the debug key in the header Authorization: Bearer …", http.StatusUnauthorized)
			return
		}
		serveProfile(w, r, log)
	})
}

func serveProfile(w http.ResponseWriter, r *http.Request, log *slog.Logger) {
	name := strings.TrimPrefix(r.URL.Path, debugPath)
	profile := profiles[name]
	switch {
	case profile == nil:
		http.Error(w, "no such profile", http.StatusNotFound)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
		return
	case !legalSeconds(r):
		http.Error(w, fmt.Sprintf("seconds: want a whole number from 1 to %d", maxProfileSeconds), http.StatusBadRequest)
		return
	}
	select {
	case profiling <- struct{}{}:
		defer func() { <-profiling }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "another profile is being taken", http.StatusTooManyRequests)
		return
	}
	if name != "" {
		log.Info("profile taken", "profile", name, "from", r.RemoteAddr)
	}
	w.Header().Set("Cache-Control", "no-store")
	profile.ServeHTTP(w, r)
}

// legalSeconds reports whether the request asks for no time, or one within bounds.
func legalSeconds(r *http.Request) bool {
	values := r.URL.Query()["seconds"]
	if len(values) == 0 {
		return true
	}
	n, err := strconv.Atoi(values[0]) // Go's handlers take the first as well
	return err == nil && n >= 1 && n <= maxProfileSeconds
}
