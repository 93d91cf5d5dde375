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
		// go-redis looks once a second whether a pool that can't connect has been closed.
		dialling := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
		if err := goleak.Find(dialling); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}
