package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-rt/causeway/internal/tracing"
)

var handshakeOpts = prometheus.HistogramOpts{
	Name:    "gateway_handshake_duration_seconds",
	Help:    "Time from a request for a new connection to its answer. What was refused is in gateway_rejected_total by reason.",
	Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
}

// The label values of handshakes, and their indexes.
const (
	handshakePolling = iota
	handshakeWebSocket
	handshakeTransports
)

const (
	handshakeOK = iota
	handshakeRefused
	handshakeUnavailable // 503: the node is full, or going
	handshakeResults
)

var (
	handshakeTransportNames = [handshakeTransports]string{"polling", "websocket"}
	handshakeResultNames    = [handshakeResults]string{"ok", "refused", "unavailable"}
)

// handshakes measures the requests that ask for a new session.
type handshakes struct {
	vec    *prometheus.HistogramVec
	tracer *tracing.Tracer
	by     [handshakeTransports][handshakeResults]prometheus.Observer
}

func newHandshakes(tracer *tracing.Tracer) *handshakes {
	h := &handshakes{tracer: tracer, vec: prometheus.NewHistogramVec(handshakeOpts, []string{"transport", "result"})}
	for t, transport := range handshakeTransportNames {
		for r, result := range handshakeResultNames {
			h.by[t][r] = h.vec.WithLabelValues(transport, result)
		}
	}
	return h
}

// measure wraps the handler of Socket.IO requests. One of an existing session, which is
// nearly all of them, passes as it is.
func (h *handshakes) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		transport, is := handshakeOf(r)
		if !is {
			next.ServeHTTP(w, r)
			return
		}
		start := time.Now()
		answer := &answerStatus{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		h.by[transport][answer.result()].Observe(time.Since(start).Seconds())
		h.tracer.Handshake(handshakeTransportNames[transport], answer.status, start)
	})
}

// handshakeOf says which transport a request for a new session asks for. One that asks for
// none that there is, is none: it is refused.
func handshakeOf(r *http.Request) (transport int, ok bool) {
	q := r.URL.RawQuery
	if r.Method != http.MethodGet || strings.Contains(q, "sid=") {
		return 0, false
	}
	for i, name := range handshakeTransportNames {
		if strings.Contains(q, "transport="+name) {
			return i, true
		}
	}
	return 0, false
}

// answerStatus notes the status of an answer.
type answerStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answerStatus) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find the connection.
func (a *answerStatus) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answerStatus) result() int {
	switch {
	case a.status == http.StatusServiceUnavailable:
		return handshakeUnavailable
	case a.status >= http.StatusBadRequest:
		return handshakeRefused
	}
	return handshakeOK
}
