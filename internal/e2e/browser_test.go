package e2e

import (
	"os"
	"os/exec"
	"testing"
)

func chromium(t *testing.T) string {
	return program(t, "chromium", "chromium-browser", "google-chrome")
}

// The bundle that the official package ships for pages, in a real browser, on a
// page of another origin.
func TestOfficialClientInChromium(t *testing.T) {
	needNode(t)
	t.Parallel()
	browser := chromium(t)
	s := startGateway(t)
	for _, client := range []string{"4", "3"} {
		t.Run("client "+client+".x", func(t *testing.T) {
			runScript(t, "officialClientInChromium", s.url(), options{"client": client, "chromium": browser, "seconds": 60})
		})
	}
}

func TestForeignOriginIsRefusedInChromium(t *testing.T) {
	needNode(t)
	t.Parallel()
	browser := chromium(t)
	s := startStrict(t, "--allowed-origins", "https://good.example")
	runScript(t, "foreignOriginIsRefusedInChromium", s.url(), options{"chromium": browser, "seconds": 60})
}

// The demo page keeps what it promises; demo.mjs lists it.
func TestDemoPageInChromium(t *testing.T) {
	needNode(t)
	t.Parallel()
	browser := chromium(t)
	s := startGateway(t)
	demo := exec.Command("node", "demo.mjs", s.url())
	demo.Dir = "js"
	demo.Env = append(os.Environ(), "CHROMIUM="+browser)
	if out, err := demo.CombinedOutput(); err != nil {
		t.Errorf("demo.mjs: %v\n%s", err, out)
	}
}
