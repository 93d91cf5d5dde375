package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/causeway-rt/causeway/internal/access"
)

// TestTokensOfThePageAreGood runs the programs that make tokens, and lets the gateway's own
// check judge what they print.
func TestTokensOfThePageAreGood(t *testing.T) {
	page, err := os.ReadFile("access.md")
	if err != nil {
		t.Fatal(err)
	}
	const secret = "0123456789abcdef0123456789abcdef"
	a, err := access.New(access.Config{Keys: []access.Key{{Name: "app", Algorithms: []string{"HS256"}, Secret: secret}}}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ language, program, file string }{{"js", "node", "make-token.mjs"}, {"python", "python3", "make_token.py"}} {
		t.Run(tt.language, func(t *testing.T) {
			program, err := exec.LookPath(tt.program)
			if err != nil {
				t.Skip(tt.program + " is not installed")
			}
			block := regexp.MustCompile("(?s)```" + tt.language + "\n([^\n]*" + regexp.QuoteMeta(tt.file) + "\n.*?)```").FindSubmatch(page)
			if block == nil {
				t.Fatalf("the page has no %s", tt.file)
			}
			path := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(path, block[1], 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program, path)
			cmd.Env = append(os.Environ(), "TOKEN_SECRET="+secret)
			token, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			auth, err := json.Marshal(map[string]string{"token": string(bytes.TrimSpace(token))})
			if err != nil {
				t.Fatal(err)
			}
			m, err := a.Admit(t.Context(), "/", auth)
			if err != nil {
				t.Fatalf("%v: %s", err, token)
			}
			if m.User() != "42" || fmt.Sprint(m.Rooms()) != "[user:42 team:7]" || !m.May(access.Publish, "doc:1") || m.May(access.Join, "team:8") {
				t.Errorf("user %q, rooms %v", m.User(), m.Rooms())
			}
		})
	}
}
