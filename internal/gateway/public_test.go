package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyTheSocketPathIsPublic(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })
	}
	closed := &publicHandler{prefix: "/socket.io/", sockets: named("sockets")}
	dev := &publicHandler{prefix: "/socket.io/", sockets: named("sockets"), page: named("page")}
	for _, tt := range []struct {
		target      string
		closed, dev string // body; "" means 404
	}{
		{"/socket.io/?EIO=4", "sockets", "sockets"},
		{"/socket.io/foo/bar?EIO=4", "sockets", "sockets"},
		{"/socket.io?EIO=4", "", "page"},
		{"/socket.iox/", "", "page"},
		{"/socket%2eio/", "", "page"},
		{"//socket.io/", "", "page"},
		{"/", "", "page"},
		{"/metrics", "", "page"},
		{"/livez", "", "page"},
		{"/readyz", "", "page"},
		{"/api/v1/x", "", "page"},
		{"/peer/x", "", "page"},
		{"/debug/pprof/", "", "page"},
	} {
		for _, mode := range []struct {
			h    http.Handler
			want string
		}{{closed, tt.closed}, {dev, tt.dev}} {
			w := httptest.NewRecorder()
			mode.h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.target, nil))
			if mode.want == "" {
				if w.Code != http.StatusNotFound {
					t.Errorf("%s: status %d, want 404", tt.target, w.Code)
				}
			} else if got := w.Body.String(); got != mode.want {
				t.Errorf("%s: served by %q, want %q", tt.target, got, mode.want)
			}
		}
	}
}
