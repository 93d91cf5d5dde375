package deploy

import (
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// demoKey is the server API's key in demo.yaml, which says that it is public.
func demoKey(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ +key: (development-key-\S+)$`).FindStringSubmatch(read(t, "deploy/compose/gateway/demo.yaml"))
	if m == nil {
		t.Fatal("demo.yaml has no API key that is called a development key")
	}
	return m[1]
}

// emit asks for an event chat in the room lobby, with a key and an Idempotency-Key if
// they are not empty, and returns the answer's status and whether it is a repetition's.
func (s *stack) emit(key, id, text string) (status int, replayed bool) {
	s.t.Helper()
	body := fmt.Sprintf(`{"target": {"rooms": ["lobby"]}, "event": "chat", "args": [%q]}`, text)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.api+"/api/v1/emit", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	if id != "" {
		request.Header.Set("Idempotency-Key", id)
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Idempotency-Replayed") == "true"
}

// runPage runs one of the two curl commands of docs/deploy.md, as it stands there but for
// the port, and for words in place of others.
func (s *stack) runPage(n int, oldnew ...string) {
	s.t.Helper()
	commands := regexp.MustCompile("(?s)```sh\n(curl .*?)```").FindAllStringSubmatch(read(s.t, "docs/deploy.md"), -1)
	if len(commands) != 2 {
		s.t.Fatalf("docs/deploy.md has %d curl commands", len(commands))
	}
	command := strings.NewReplacer(append(oldnew, "http://localhost:3002", s.api)...).Replace(commands[n][1])
	out, err := exec.CommandContext(s.t.Context(), "bash", "-e", "-c", command).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), `{"reached":"cluster"}`) {
		s.t.Errorf("%s%s, %v", command, out, err)
	}
}

// backendsAreHeard emits through the balancer's port for backends, and sees that it leads
// to the server API alone.
func (s *stack) backendsAreHeard(nodes []string) {
	s.t.Helper()
	key := demoKey(s.t)
	events := []string{"0", "1", "2", "3", "once", "three cups"} // in the order of the alphabet
	script := startScenario(s.t, "everyNodeHearsTheBackend", s.public, map[string]any{"nodes": len(nodes), "room": "lobby", "events": events})
	s.t.Log(script.expect("joined").Error)
	for _, text := range events[:4] { // by more than one node, as they are dealt in turn
		if status, _ := s.emit(key, "", text); status != http.StatusOK {
			s.t.Errorf("event %s: %d", text, status)
		}
	}
	for i := range 2 * len(nodes) { // more than there are nodes: one of them remembers it
		if status, replayed := s.emit(key, "1-of-them", "once"); status != http.StatusOK || replayed != (i > 0) {
			s.t.Errorf("time %d: %d, a repetition: %v", i+1, status, replayed)
		}
	}
	for name, wrong := range map[string]string{"no key": "", "another key": key + "x"} {
		if status, _ := s.emit(wrong, "", "refused"); status != http.StatusUnauthorized {
			s.t.Errorf("%s: %d", name, status)
		}
	}
	s.runPage(0)
	script.expect("passed")

	if status := get(s.t, s.api+"/api/v1/openapi.json", nil); status != http.StatusOK {
		s.t.Errorf("the API's description: %d", status)
	}
	for _, path := range []string{"/metrics", "/livez", "/readyz", "/debug/pprof/", "/peer/", "/socket.io/", "/", "/api/../metrics", "/api/v1/../../metrics", "/api/v1/%2e%2e/%2e%2e/metrics"} {
		if status := get(s.t, s.api+path, nil); status != http.StatusNotFound {
			s.t.Errorf("GET %s of the port for backends: %d", path, status)
		}
	}
	if status := get(s.t, s.public+"/api/v1/openapi.json", nil); status != http.StatusNotFound {
		s.t.Errorf("the API on the port for clients: %d", status)
	}
}
