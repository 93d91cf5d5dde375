package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func textOf(t *testing.T, res *result.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, res); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSummaryFitsATerminal(t *testing.T) {
	for name, res := range runs() {
		for _, line := range strings.Split(textOf(t, res), "\n") {
			if len(line) > columns {
				t.Errorf("%s: %d columns: %s", name, len(line), line)
			}
			for _, c := range []byte(line) {
				if c < ' ' || c > '~' {
					t.Errorf("%s: byte %#x in %q", name, c, line)
				}
			}
		}
	}
}

func TestSummaryEndsWithTheVerdict(t *testing.T) {
	for name, want := range map[string]string{
		"passed":      "PASSED: All 3 expectations were met.\n",
		"failed":      "FAILED: 3 of 3 expectations were not met.\n",
		"unjudged":    "MEASURED: No expectations were set, so there is nothing to pass or to fail.\n",
		"empty":       "GIVEN UP: The run was given up after 0:00: no server answered at\n          http://localhost:3000.\n",
		"interrupted": "INTERRUPTED: The run was interrupted after 0:23. All 3 expectations were met.\n",
	} {
		if got := textOf(t, runs()[name]); !strings.HasSuffix(got, "\n"+want) {
			t.Errorf("%s ends in\n%s", name, got[max(0, len(got)-200):])
		}
	}
}

func TestSummaryBalanceNamesWhatIsMissing(t *testing.T) {
	text := textOf(t, fixture.Run(fixture.Config{Servers: 3, Faulty: true}))
	for _, want := range []string{"1,140,000 due\n", "=       1,139,299 delivered\n", "+              57 lost\n", "+             620 gap\n", "+              24 unjudged\n", "duplicated 11, reordered 8, corrupted 1,\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestSummaryWritesMicrosecondsInASCII(t *testing.T) {
	res := &result.Result{Latency: result.Latency{Connect: result.NewHistogram()}}
	res.Latency.Connect.Record(321 * time.Microsecond)
	if text := textOf(t, res); !strings.Contains(text, " 321 us ") {
		t.Errorf("no 321 us in\n%s", text)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestErrorOfTheFileIsReturned(t *testing.T) {
	if err := HTML(full{}, &result.Result{}); !errors.Is(err, errFull) {
		t.Errorf("HTML: %v", err)
	}
	if err := Text(full{}, &result.Result{}); !errors.Is(err, errFull) {
		t.Errorf("Text: %v", err)
	}
}
