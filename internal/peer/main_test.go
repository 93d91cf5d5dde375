package peer

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/internal/redistest"
)

func TestMain(m *testing.M) {
	code := redistest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}
