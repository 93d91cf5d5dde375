package redis

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/internal/redistest"
)

func TestMain(m *testing.M) {
	// The parallel tests wait for faults to be noticed, and hardly work meanwhile.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	status := redistest.Main(m)
	// testcontainers keeps a connection to its reaper until the process ends.
	reaper := goleak.IgnoreAnyFunction("github.com/testcontainers/testcontainers-go.(*Reaper).connect.func1")
	if err := goleak.Find(reaper); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		status = 1
	}
	os.Exit(status)
}
