package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// The emitters of docs/redis-wire-format.md, as they stand there, with a Redis, a
// gateway and official clients.
func TestEmittersOfThePageReachOfficialClients(t *testing.T) {
	needNode(t)
	t.Parallel()
	python := program(t, "python3")
	program(t, "redis-cli")
	redis, prefix := redistest.Start(t), redistest.Prefix(t)
	s := startGateway(t, "--redis-url", redis, "--redis-prefix", prefix)
	at, err := url.Parse(redis)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/redis-wire-format.md")
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer(
		`("localhost", 6379)`, `("`+at.Hostname()+`", `+at.Port()+`)`,
		"redis-cli", "redis-cli -h "+at.Hostname()+" -p "+at.Port(),
		"socket.io", prefix,
	)
	dir := t.TempDir()
	var files []string // of the page: the emitter, its example, and the one in bash, which comes first
	for _, block := range regexp.MustCompile("(?ms)^```(?:python|bash)\n(.*?)^```$").FindAllSubmatch(page, -1) {
		file := filepath.Join(dir, []string{"emit.sh", "emitter.py", "example.py"}[len(files)])
		if err := os.WriteFile(file, []byte(here.Replace(string(block[1]))), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}

	script := startScript(t, "emitterOfThePage", s.url(), nil)
	script.expect("ready")
	for _, args := range [][]string{{python, files[2]}, {"bash", files[0]}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[1], err, out)
		}
	}
	script.expect("passed")
}
