package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

const apiKey = "0123456789abcdef-e2e"

// startTwoWithAPI starts two gateways of one cluster, with the keys that docs/api.md shows.
func startTwoWithAPI(t *testing.T, page string) [2]*server {
	t.Helper()
	yaml := regexp.MustCompile("(?s)```yaml\n(api:.*?)```").FindStringSubmatch(page)
	if yaml == nil {
		t.Fatal("the page shows no keys")
	}
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "key"), filepath.Join(dir, "gateway.yaml")
	for path, text := range map[string]string{secret: apiKey, file: strings.ReplaceAll(yaml[1], "/run/secrets/api_key", secret)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := []string{"--config", file, "--redis-url", redistest.Start(t), "--redis-prefix", redistest.Prefix(t)}
	return [2]*server{startGateway(t, flags...), startGateway(t, flags...)}
}

func apiPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// post asks the API of s, and returns what it answers.
func (s *server) post(route, body string) string {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+s.internal+"/api/v1/"+route, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: %s %s, %v", route, body, resp.Status, text, err)
	}
	return strings.TrimSpace(string(text))
}

var (
	exampleBlock = regexp.MustCompile("(?ms)^<!-- example -->\n```(\\w+)\n(.*?)^```$")
	// exampleRuns says how each language's example is run.
	exampleRuns = map[string]struct {
		file string
		run  []string
	}{
		"sh":     {"example.sh", []string{"bash", "-e"}},
		"js":     {"example.mjs", []string{"node"}},
		"python": {"example.py", []string{"python3"}},
		"go":     {"main.go", []string{"go", "run"}},
	}
)

// The examples of docs/api.md, as they stand there.
func TestBackendsOfThePageReachAnOfficialClient(t *testing.T) {
	needNode(t)
	t.Parallel()
	page := apiPage(t)
	examples := exampleBlock.FindAllStringSubmatch(page, -1)
	if len(examples) != len(exampleRuns) {
		t.Fatalf("%d examples, want one of each of %d languages", len(examples), len(exampleRuns))
	}
	program(t, "curl")
	nodes := startTwoWithAPI(t, page)
	script := startScript(t, "backendsReachAClientOfAnotherNode", nodes[0].url(), options{"urls": urls(nodes[:]), "backends": len(examples)})
	script.expect("ready")
	for _, example := range examples {
		how := exampleRuns[example[1]]
		file := filepath.Join(t.TempDir(), how.file)
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(example[2], "localhost:9090", nodes[0].internal)), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), program(t, how.run[0]), append(how.run[1:], file)...)
		cmd.Env = append(os.Environ(), "CAUSEWAY_KEY="+apiKey)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "reached") || !strings.Contains(string(out), "cluster") {
			t.Errorf("the example in %s: %v\n%s", example[1], err, out)
		}
	}
	script.expect("passed")
}

// A19: all sockets of a user are gone from all nodes within a second.
func TestAPIAsksAndDisconnectsOfficialClientsOfTwoNodes(t *testing.T) {
	needNode(t)
	t.Parallel()
	nodes := startTwoWithAPI(t, apiPage(t))
	script := startScript(t, "backendAsksAndDisconnectsAUser", nodes[0].url(), options{"urls": urls(nodes[:])})
	var ids []string
	for id := range strings.FieldsSeq(script.expect("ready").ID) {
		ids = append(ids, fmt.Sprintf("%q", id))
	}
	if len(ids) != 4 {
		t.Fatalf("sockets %q", ids)
	}
	nodes[0].post("join", `{"target":{"sockets":[`+strings.Join(ids, ",")+`]},"rooms":["user:ann"]}`)
	eventually(t, 5*time.Second, "all to be ann's", func() error {
		var page struct {
			Total    int
			Complete bool
		}
		if text, err := nodes[1].getAPI("sockets?user=ann", &page); err != nil || page.Total != 4 || !page.Complete {
			return fmt.Errorf("%s, %v", text, err)
		}
		return nil
	})

	got := nodes[1].post("emit", `{"target":{"users":["ann"]},"event":"ask","args":[2],"ack_timeout_ms":10000}`)
	const ack = `{"args":["mine",2,{"binary":{"_placeholder":true,"num":0}}],"attachments":["AQI="]}`
	if want := `{"reached":"cluster","complete":true,"acks":[` + strings.Repeat(ack+",", 3) + ack + `],"missing":0}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}

	began := time.Now()
	nodes[0].post("disconnect", `{"target":{"users":["ann"]}}`)
	script.expect("gone")
	if took := time.Since(began); took > time.Second {
		t.Errorf("they were gone after %v", took)
	}
	script.expect("waiting")
	nodes[0].post("emits", `{"emits":[{"target":{"all":true},"event":"still","args":["there?"]}]}`)
	script.expect("passed")
}

// getAPI asks the API of s for something.
func (s *server) getAPI(route string, into any) (string, error) {
	r, err := http.NewRequest(http.MethodGet, "http://"+s.internal+"/api/v1/"+route, nil)
	if err != nil {
		return "", err
	}
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+apiKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	return string(text), json.Unmarshal(text, into)
}
