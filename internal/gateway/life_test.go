package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// logged returns the levels and messages of the log, sorted, from the nth line on.
func (w *world) logged(from int) (found []string) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var l struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatalf("%q: %v", line, err)
		}
		found = append(found, l.Level+" "+l.Msg)
	}
	found = found[min(from, len(found)):]
	slices.Sort(found)
	return found
}

// TestLogTellsALifeInAFewLines follows a node from its start through an outage of Redis to
// its end: each step is told once, at its level, and nothing else is.
func TestLogTellsALifeInAFewLines(t *testing.T) {
	faulty := redistest.StartFaulty(t)
	w := start(t, Config{
		Dev: true, RedisURL: faulty.URL(), RedisPrefix: redistest.Prefix(t), RedisGrace: 100 * time.Millisecond, DebugKey: debugKey,
		DrainWindow: 50 * time.Millisecond, Sources: Sources{File: "/etc/gateway.yaml", Names: []string{"--dev", "GATEWAY_REDIS_URL_FILE"}},
	}, nil)
	told := 0
	expect := func(step string, want ...string) {
		t.Helper()
		slices.Sort(want)
		deadline := time.Now().Add(patience)
		for len(w.logged(told)) < len(want) && time.Now().Before(deadline) {
			time.Sleep(5 * time.Millisecond)
		}
		if got := w.logged(told); !slices.Equal(got, want) {
			t.Fatalf("%s is told as\n%q, want\n%q; the log is\n%s", step, got, want, w.log)
		}
		told += len(want)
	}
	expect("the start", "INFO configuration", "INFO joining cluster", "INFO serving", "INFO subscribed", "INFO ready")

	clients := []*client{w.join("r"), w.join("r"), w.join("r")}
	clients[0].send(`421["publish","r","ev"]`)
	clients[0].expect(`431[{"ok":true}]`)
	clients[1].expect(`42["ev"]`)
	clients[2].ws.CloseNow()
	w.get(w.public + "/nothing")
	w.get(w.public + "/socket.io/?EIO=4&transport=polling&sid=unknown")
	expect("what clients do all day")

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.public+"/socket.io/?EIO=3&transport=polling", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://"+strings.Repeat("a", 5000)+".example")
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
	}
	expect("a refused handshake", "INFO handshake refused")

	faulty.Stop()
	expect("the loss of Redis", "WARN not subscribed", "WARN registry is away", "WARN not ready")
	for range 3 {
		clients[0].send(`421["publish","r","ev"]`)
		clients[0].expect(`431[{"ok":true}]`)
	}
	expect("that emits do not go out", "WARN redis does not take messages")
	faulty.Restart()
	expect("its return", "INFO redis takes messages again", "INFO subscribed", "INFO registry is back", "INFO ready")

	clients[0].ws.CloseNow()
	clients[1].ws.CloseNow()
	w.stop()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	w.done <- nil
	expect("the end", "INFO draining", "INFO drained")

	text := w.log.String()
	for _, part := range []string{`"settings":["--dev","GATEWAY_REDIS_URL_FILE"]`, `"file":"/etc/gateway.yaml"`, `"reason":"origin"`, `"window":"50ms"`} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s", part)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 500 || strings.Contains(line, debugKey) {
			t.Errorf("too long, or with a secret: %s", line)
		}
	}
}

func TestReadinessIsToldWhenItChanges(t *testing.T) {
	log := &lines{}
	redis := "connecting"
	h := newHealth(check{"redis", func() (string, bool) { return redis, redis == "ok" }})
	r := readiness{health: h, log: newLogger(Config{LogOutput: log})}
	looked := func(n int, part string) {
		t.Helper()
		r.look()
		r.look()
		text := log.String()
		if strings.Count(text, "\n") != n || !strings.Contains(text, part) {
			t.Errorf("%d lines with %q, want %d with %q", strings.Count(text, "\n"), text, n, part)
		}
	}
	looked(0, "")
	redis = "ok"
	looked(1, `"msg":"ready"`)
	redis = "away"
	looked(2, `"msg":"not ready","checks":"redis: away"`)
	redis = "ok"
	looked(3, "")
	h.draining.Store(true)
	redis = "away"
	looked(3, "")
}
