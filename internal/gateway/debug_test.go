package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

const debugKey = "0123456789abcdef"

// askDebug asks for a profile with a header of authorization, if any.
func (w *world) askDebug(ctx context.Context, path, authorization string) (int, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.internal+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		if ctx.Err() == nil {
			w.t.Fatal(err)
		}
		return 0, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil && ctx.Err() == nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestProfilesNeedTheKey(t *testing.T) {
	w := start(t, Config{DebugKey: debugKey}, nil)
	for _, tt := range []struct {
		name, path, authorization string
		status                    int
	}{
		{"nothing", "/debug/pprof/heap", "", 401},
		{"another key", "/debug/pprof/heap", "Bearer 0123456789abcdeF", 401},
		{"the beginning of the key", "/debug/pprof/heap", "Bearer 0123456789abcde", 401},
		{"another scheme", "/debug/pprof/heap", "Basic " + debugKey, 401},
		{"key in the address", "/debug/pprof/heap?key=" + debugKey + "&access_token=" + debugKey, "", 401},
		{"the key", "/debug/pprof/heap", "Bearer " + debugKey, 200},
		{"the key, small letters", "/debug/pprof/heap", "bearer " + debugKey, 200},
		{"index", "/debug/pprof/", "Bearer " + debugKey, 200},
		{"goroutines", "/debug/pprof/goroutine?debug=1", "Bearer " + debugKey, 200},
		{"arguments of the process", "/debug/pprof/cmdline", "Bearer " + debugKey, 404},
		{"a profile that there is not", "/debug/pprof/../../etc/passwd", "Bearer " + debugKey, 404},
		{"an hour", "/debug/pprof/profile?seconds=3600", "Bearer " + debugKey, 400},
		{"an hour of trace", "/debug/pprof/trace?seconds=3600", "Bearer " + debugKey, 400},
		{"an hour between two heaps", "/debug/pprof/heap?seconds=3600", "Bearer " + debugKey, 400},
		{"an hour behind a second", "/debug/pprof/profile?seconds=3600&seconds=1", "Bearer " + debugKey, 400},
		{"part of a second", "/debug/pprof/trace?seconds=0.1", "Bearer " + debugKey, 400},
		{"less than nothing", "/debug/pprof/profile?seconds=-1", "Bearer " + debugKey, 400},
		{"more than an integer", "/debug/pprof/profile?seconds=99999999999999999999", "Bearer " + debugKey, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, body := w.askDebug(t.Context(), tt.path, tt.authorization); status != tt.status {
				t.Errorf("%d %q, want %d", status, body, tt.status)
			}
		})
	}
	if log := w.log.String(); strings.Contains(log, debugKey) || !strings.Contains(log, "without the key") {
		t.Errorf("log: %s", log)
	}
	if code, _ := w.get(w.public + "/debug/pprof/"); code != 404 {
		t.Errorf("public listener: %d, want 404", code)
	}
}

func TestWithoutAKeyThereAreNoProfiles(t *testing.T) {
	w := start(t, Config{}, nil)
	for _, authorization := range []string{"", "Bearer ", "Bearer"} {
		if status, _ := w.askDebug(t.Context(), "/debug/pprof/heap", authorization); status != 404 {
			t.Errorf("%q: %d, want 404", authorization, status)
		}
	}
}

// TestOneProfileAtATime holds one open until the others have been refused.
func TestOneProfileAtATime(t *testing.T) {
	w := start(t, Config{DebugKey: debugKey}, nil)
	profiling <- struct{}{} // as one that is being taken
	for range 3 {
		if status, _ := w.askDebug(t.Context(), "/debug/pprof/heap", "Bearer "+debugKey); status != 429 {
			t.Errorf("%d, want 429", status)
		}
	}
	<-profiling
	status, body := w.askDebug(t.Context(), "/debug/pprof/heap", "Bearer "+debugKey)
	if status != 200 || !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		t.Errorf("%d, %d bytes, want a gzipped profile", status, len(body))
	}
}

// TestProfileEndsWithItsClient: who has gone must not keep others from theirs.
func TestProfileEndsWithItsClient(t *testing.T) {
	w := start(t, Config{DebugKey: debugKey}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() { defer close(gone); w.askDebug(ctx, "/debug/pprof/profile?seconds=60", "Bearer "+debugKey) }()
	w.awaitProfiling(1)
	cancel()
	<-gone
	w.awaitProfiling(0)
}

func (w *world) awaitProfiling(n int) {
	w.t.Helper()
	w.await("profiles under way", func() bool { return len(profiling) == n })
}
