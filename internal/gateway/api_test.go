package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/api"
	"github.com/causeway-rt/causeway/internal/redistest"
)

const testKey = "0123456789abcdef-test"

func withKey(cfg Config) Config {
	cfg.APIKeys = []APIKey{{Name: "test", Secret: testKey, Scopes: APIScopes}}
	return cfg
}

// call asks the API of a node, with its key.
func (w *world) call(method, route, body string) (int, string) {
	w.t.Helper()
	resp, text := w.ask(method, w.internal+api.Path+route, body, "Authorization", "Bearer "+testKey, "Content-Type", "application/json")
	return resp.StatusCode, strings.TrimSpace(text)
}

func (w *world) calls(route, body, want string) {
	w.t.Helper()
	if status, got := w.call(http.MethodPost, route, body); status != http.StatusOK || got != want {
		w.t.Errorf("%s %s: %d %s, want %s", route, body, status, got, want)
	}
}

const reachedAll = `{"reached":"cluster"}`

func TestThereIsNoAPIWithoutAKey(t *testing.T) {
	w := start(t, Config{Dev: true}, nil)
	for _, route := range []string{"openapi.json", "nodes"} {
		if status, _ := w.call(http.MethodGet, route, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", route, status)
		}
	}
	if _, page := w.get(w.internal + "/metrics"); strings.Contains(page, "gateway_api") {
		t.Error("there are metrics of it")
	}
}

func TestAPIIsNotPublic(t *testing.T) {
	w := start(t, withKey(Config{}), nil)
	resp, _ := w.ask(http.MethodGet, w.public+api.Path+"nodes", "", "Authorization", "Bearer "+testKey)
	if resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
}

func TestAPIOfOneNode(t *testing.T) {
	w := start(t, withKey(Config{Dev: true, Version: "v1"}), nil)
	c := w.join("tea")
	w.calls("emit", `{"target":{"rooms":["tea"]},"event":"poured","args":[ 2.0 ]}`, reachedAll)
	c.expect(`42["poured",2.0]`)
	status, body := w.call(http.MethodGet, "nodes", "")
	var got struct{ Nodes []api.Node }
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK || len(got.Nodes) != 1 || !got.Nodes[0].Self || got.Nodes[0].Tag != w.sockets.Tag() {
		t.Errorf("%d %s", status, body)
	}
	_, page := w.get(w.internal + "/metrics")
	for _, line := range []string{
		`gateway_api_requests_total{code="200",route="emit"} 1`,
		`gateway_api_key_requests_total{class="2xx",key="test"} 2`,
		`gateway_api_request_duration_seconds_count{route="nodes"} 1`,
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestAPIReachesNodesThroughRedis(t *testing.T) {
	for _, adapter := range []string{AdapterClassic, AdapterSharded} {
		t.Run(adapter, func(t *testing.T) {
			cfg := withKey(clusterConfig(t))
			cfg.Adapter = adapter
			a, b := start(t, cfg, nil), start(t, cfg, nil)
			for _, w := range []*world{a, b} {
				w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
			}
			near, far := a.join("tea"), b.join("tea")
			a.calls("emit", `{"target":{"rooms":["tea"]},"event":"poured","args":[2]}`, reachedAll)
			near.expect(`42["poured",2]`)
			far.expect(`42["poured",2]`)

			answered := make(chan string)
			go func() {
				_, body := a.call(http.MethodPost, "emit", `{"target":{"rooms":["tea"]},"event":"ask","ack_timeout_ms":10000}`)
				answered <- body
			}()
			for _, c := range []*client{near, far} {
				frame := c.expectPrefix("42")
				id, _, _ := strings.Cut(frame[2:], "[")
				c.send("43" + id + `["mine"]`)
			}
			if got, want := <-answered, `{"reached":"cluster","complete":true,"acks":[{"args":["mine"]},{"args":["mine"]}],"missing":0}`; got != want {
				t.Errorf("%s, want %s", got, want)
			}

			b.calls("join", `{"target":{"sockets":["`+near.id+`"]},"rooms":["coffee"]}`, reachedAll)
			eventuallySays(a, "rooms", `{"rooms":[{"name":"coffee","sockets":1},{"name":"tea","sockets":2}],"complete":true}`)
			eventuallySays(b, "rooms?after=coffee", `{"rooms":[{"name":"tea","sockets":2}],"complete":true}`)
			eventuallySays(b, "sockets?room=coffee", fmt.Sprintf(`{"sockets":[{"id":%q,"rooms":["coffee","tea"]}],"total":1,"complete":true}`, near.id))

			a.calls("emit", `{"namespace":"/nobody-here","target":{"all":true},"event":"e","ack_timeout_ms":1000}`, `{"reached":"cluster","complete":true,"acks":[],"missing":0}`)
			began := time.Now()
			b.calls("disconnect", `{"target":{"rooms":["tea"]}}`, reachedAll)
			near.expect("41")
			far.expect("41")
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %v", took)
			}
			_, body := b.call(http.MethodGet, "nodes", "") // a may not have looked since b came
			var got struct{ Nodes []api.Node }
			if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Nodes) != 2 || got.Nodes[0].Tag != b.sockets.Tag() || got.Nodes[1].Self {
				t.Errorf("%s", body)
			}
		})
	}
}

// eventuallySays waits for what another node was only told to do.
func eventuallySays(w *world, route, want string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		status, got := w.call(http.MethodGet, route, "")
		if status == http.StatusOK && got == want {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: %d %s, want %s", route, status, got, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// While Redis is away, and while it only does not answer, an emit is no success.
func TestAPIDoesNotSayOKWhileRedisIsAway(t *testing.T) {
	redis := redistest.StartFaulty(t)
	cfg := withKey(Config{Dev: true, RedisPrefix: redistest.Prefix(t), ClusterKey: "a key for all nodes"})
	cfg.RedisURL = redis.URL() + "?read_timeout=200ms&dial_timeout=200ms"
	w := start(t, cfg, nil)
	w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	c := w.join("tea")
	const emit = `{"target":{"rooms":["tea"]},"event":"e"}`
	w.calls("emit", emit, reachedAll)
	c.expect(`42["e"]`)

	redis.Pause()
	if status, body := w.call(http.MethodPost, "emit", emit); status != http.StatusServiceUnavailable || !strings.Contains(body, `"reached":"node"`) {
		t.Errorf("while it is silent: %d %s", status, body)
	}
	c.expect(`42["e"]`)
	w.eventuallyAway(emit)
	redis.Resume()
	deadline := time.Now().Add(patience)
	for status := 0; status != http.StatusOK; status, _ = w.call(http.MethodPost, "emit", emit) {
		if time.Now().After(deadline) {
			t.Fatal("it does not recover")
		}
	}
}

// eventuallyAway waits until an emit is refused without anything being done.
func (w *world) eventuallyAway(emit string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		status, body := w.call(http.MethodPost, "emit", emit)
		switch {
		case status != http.StatusServiceUnavailable:
			w.t.Fatalf("%d %s", status, body)
		case strings.Contains(body, `"reached":"none"`):
			return
		case time.Now().After(deadline):
			w.t.Fatalf("still %s", body)
		}
	}
}

func TestAPIDrainsTheNode(t *testing.T) {
	w := start(t, withKey(Config{Dev: true}), nil)
	c := w.join("tea")
	if status, body := w.call(http.MethodPost, "drain", ""); status != http.StatusAccepted || body != `{"draining":true}` {
		t.Errorf("%d %s", status, body)
	}
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	if frame, err := c.next(); err == nil {
		t.Errorf("got %q instead of the end", frame)
	}
	if !strings.Contains(w.log.String(), `"drained"`) {
		t.Error("it was no drain")
	}
}

// A19: all sockets of a user, who is the sub of their tokens, are gone from all nodes within
// a second.
func TestUserOfATokenIsDisconnectedEverywhere(t *testing.T) {
	cfg := withKey(withTokens(nil))
	cfg.RedisURL, cfg.RedisPrefix, cfg.ClusterKey = redistest.Start(t), redistest.Prefix(t), "a key for all nodes"
	a, b := start(t, cfg, nil), start(t, cfg, nil)
	for _, w := range []*world{a, b} {
		w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	}
	ann := []*client{a.enter(tokenFor(t, "ann", nil)), b.enter(tokenFor(t, "ann", nil)), b.enter(tokenFor(t, "ann", nil))}
	bob := b.enter(tokenFor(t, "bob", nil))
	if status, body := a.call(http.MethodGet, "sockets?user=ann", ""); status != http.StatusOK || !strings.Contains(body, `"total":3,"complete":true`) || strings.Count(body, `"user":"ann","rooms":[]`) != 3 {
		t.Errorf("%d %s", status, body)
	}
	began := time.Now()
	a.calls("disconnect", `{"target":{"users":["ann"]},"close_connections":true}`, reachedAll)
	for _, c := range ann {
		c.expect("41")
		if _, err := c.next(); err == nil {
			t.Error("the connection goes on")
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	a.calls("emit", `{"target":{"users":["ann","bob"]},"event":"e"}`, reachedAll)
	bob.expect(`42["e"]`)
}
