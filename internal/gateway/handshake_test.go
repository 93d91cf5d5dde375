package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func TestHandshakesAreMeasuredByTransportAndResult(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	w.get(w.handshake())
	w.join("r")
	w.join("r")
	w.get(w.public + "/socket.io/?EIO=3&transport=polling")
	_, page := w.get(w.internal + "/metrics")
	expectHandshakes(t, page, map[[2]string]string{
		{"polling", "ok"}: "1", {"polling", "refused"}: "1", {"polling", "unavailable"}: "0",
		{"websocket", "ok"}: "2", {"websocket", "refused"}: "0", {"websocket", "unavailable"}: "0",
	})
}

func expectHandshakes(t *testing.T, page string, counts map[[2]string]string) {
	t.Helper()
	for labels, count := range counts {
		line := `gateway_handshake_duration_seconds_count{result="` + labels[1] + `",transport="` + labels[0] + `"} ` + count
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// TestOnlyHandshakesAreMeasured: a request of a session reaches its handler with nothing
// around it.
func TestOnlyHandshakesAreMeasured(t *testing.T) {
	h := newHandshakes(nil)
	var got http.ResponseWriter
	handler := h.measure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		got = w
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	for url, handshake := range map[string]bool{
		"/?EIO=4&transport=polling&sid=x": false, "/?EIO=4&transport=websocket": true, "/?EIO=4&transport=pigeon": false,
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
		if (got != w) != handshake {
			t.Errorf("%s: the handler got %T", url, got)
		}
	}
	r := prometheus.NewRegistry()
	r.MustRegister(h.vec)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	expectHandshakes(t, w.Body.String(), map[[2]string]string{{"polling", "unavailable"}: "0", {"websocket", "unavailable"}: "1"})
}
