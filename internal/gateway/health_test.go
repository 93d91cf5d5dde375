package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestHealthNamesEachCheckAndItsState(t *testing.T) {
	redis := "ok"
	h := newHealth(check{"redis", func() (string, bool) { return redis, redis != "away" }})
	mux := internal(h, prometheus.NewRegistry(), nil, nil, nil)
	get := func(path string) (int, report) {
		t.Helper()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		var r report
		if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v in %q", path, err, w.Body.String())
		}
		return w.Code, r
	}
	for _, tt := range []struct {
		name  string
		redis string
		drain bool
		code  int
		want  report
	}{
		{"all is well", "ok", false, 200, report{"ok", map[string]string{"drain": "ok", "redis": "ok"}}},
		{"Redis went a moment ago", "reconnecting", false, 200, report{"ok", map[string]string{"drain": "ok", "redis": "reconnecting"}}},
		{"Redis is away", "away", false, 503, report{"unavailable", map[string]string{"drain": "ok", "redis": "away"}}},
		{"draining", "ok", true, 503, report{"unavailable", map[string]string{"drain": "draining", "redis": "ok"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			redis = tt.redis
			h.draining.Store(tt.drain)
			if code, got := get("/readyz"); code != tt.code || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("/readyz: %d %+v, want %d %+v", code, got, tt.code, tt.want)
			}
			if code, got := get("/livez"); code != 200 || got.Status != "ok" {
				t.Errorf("/livez: %d %+v: nothing of this is a reason to be killed", code, got)
			}
		})
	}
}

func TestInternalPathsTakeGetOnly(t *testing.T) {
	mux := internal(newHealth(), prometheus.NewRegistry(), nil, nil, nil)
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("FOO", path, nil))
		if w.Code != 405 {
			t.Errorf("FOO %s: status %d, want 405", path, w.Code)
		}
	}
}
