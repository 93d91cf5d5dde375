package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// preview is for whoever changes how the page looks:
//
//	go test ./loadtest/internal/report -run TestEveryKindOfRunHasAPage -preview /tmp
var preview = flag.String("preview", "", "directory to leave the pages and summaries in")

// runs is one result of each kind. Nobody changes them.
var runs = sync.OnceValue(func() map[string]*result.Result {
	distributed := fixture.Run(fixture.Config{Servers: 3, Faulty: true})
	fixture.Workers(distributed)
	hostile := fixture.Run(fixture.Config{Servers: 3, Faulty: true})
	fixture.MakeHostile(hostile)
	unjudged := fixture.Run(fixture.Config{})
	unjudged.Checks = nil
	return map[string]*result.Result{
		"passed":      fixture.Run(fixture.Config{}),
		"failed":      distributed,
		"unjudged":    unjudged,
		"empty":       fixture.Empty(),
		"interrupted": fixture.Interrupted(),
		"hostile":     hostile,
		"zero":        {},
	}
})

func TestEveryKindOfRunHasAPage(t *testing.T) {
	for name, res := range runs() {
		var page, text bytes.Buffer
		if err := HTML(&page, res); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := Text(&text, res); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Contains(page.Bytes(), []byte("</html>")) {
			t.Errorf("%s: the page has no end", name)
		}
		if *preview == "" {
			continue
		}
		for file, b := range map[string][]byte{name + ".html": page.Bytes(), name + ".txt": text.Bytes()} {
			if err := os.WriteFile(filepath.Join(*preview, file), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
