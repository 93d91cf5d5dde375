package peer

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Receiver is the handler of the internal listener for requests that other nodes
// forward: it checks that a peer sent them, makes them again what the client sent, and
// hands them to this node's own handler. They go no further, whoever owns the session.
type Receiver struct {
	token    string
	local    http.Handler
	releaser releaser // local, if it can; nil otherwise
	log      *slog.Logger

	trunks trunks

	served, refused atomic.Int64
}

// trunkPatience is how long a peer may take nothing of what is sent to it.
const trunkPatience = 45 * time.Second

// NewReceiver returns the Receiver of the node with a tag, which the caller ends with
// Close; local is its Socket.IO
// handler, and logger is told of requests that are no peer's.
func NewReceiver(tag, key string, local http.Handler, logger *slog.Logger) *Receiver {
	releaser, _ := local.(releaser)
	return &Receiver{
		token: token(key, tag), local: local, releaser: releaser, log: logger,
		trunks: trunks{patience: trunkPatience, byID: map[string]*trunk{}},
	}
}

// ReceiverStats counts since the Receiver was made.
type ReceiverStats struct {
	Served  int64 // requests of peers
	Refused int64 // requests without the right token
}

// Stats returns the figures of now.
func (o *Receiver) Stats() ReceiverStats { return ReceiverStats{o.served.Load(), o.refused.Load()} }

// ServeHTTP implements http.Handler.
func (o *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	original := o.restore(r)
	if original == nil {
		o.refused.Add(1)
		o.log.Warn("request on the peer path without the right token", "from", r.RemoteAddr)
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	o.served.Add(1)
	switch original.Method {
	case methodTrunk:
		o.trunks.serve(w, r)
		return
	case methodRelease:
		o.release(w, original)
		return
	}
	if t, number := o.trunks.find(r); t != nil {
		w = &trunkWriter{w, t, number}
	}
	o.local.ServeHTTP(&timed{ResponseWriter: w, began: time.Now()}, original)
}

// Close ends what other nodes have opened here.
func (o *Receiver) Close() { o.trunks.close() }

// restore returns the request as the client sent it, or nil if no peer vouches for it.
func (o *Receiver) restore(r *http.Request) *http.Request {
	if !same(r.Header.Get(headerToken), o.token) || !validTag(r.Header.Get(headerFrom)) {
		return nil
	}
	u, err := url.ParseRequestURI("/" + strings.TrimPrefix(r.RequestURI, Path))
	if err != nil {
		return nil
	}
	out := r.WithContext(r.Context()) // the server keeps looking at its own
	out.URL, out.RequestURI = u, u.RequestURI()
	out.Method, out.RemoteAddr, out.TLS = r.Header.Get(headerMethod), r.Header.Get(headerClient), nil
	if r.Header.Get(headerSecure) != "" {
		out.TLS = &tls.ConnectionState{} // it is asked only whether there is one
	}
	out.Header = r.Header.Clone()
	for name := range r.Header {
		if strings.HasPrefix(name, headerPrefix) {
			delete(out.Header, name)
		}
	}
	return out
}

// timed adds to an answer the time that it took until it began.
type timed struct {
	http.ResponseWriter
	began time.Time
	wrote bool
}

// Unwrap lets http.ResponseController find what this type does not have.
func (t *timed) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (t *timed) WriteHeader(status int) {
	if !t.wrote {
		t.wrote = true
		t.Header().Set(headerTook, strconv.FormatInt(int64(time.Since(t.began)), 10))
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (t *timed) Write(p []byte) (int, error) {
	if !t.wrote {
		t.WriteHeader(http.StatusOK)
	}
	return t.ResponseWriter.Write(p)
}
