package live

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"context"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
)

// asProgram, when set, makes this test binary a program that shows a run, for tests
// that need a process of its own on a terminal of its own.
const asProgram = "LIVE_TEST_AS"

func TestMain(m *testing.M) {
	if how := os.Getenv(asProgram); how != "" {
		program(how)
		return
	}
	goleak.VerifyTestMain(m)
}

// program shows a run until it is interrupted, as the load tool does, or breaks.
func program(how string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // the second one ends the program
	res := fixture.Run(fixture.Config{Seconds: 20})
	v := New(os.Stdout, res.Plan)
	defer v.Close()
	for _, iv := range res.Intervals {
		v.Interval(iv)
	}
	v.Say("ready")
	switch how {
	case "panic":
		panic("broken on purpose")
	case "deaf": // it ends too slowly
		<-ctx.Done()
		v.Say("ending")
		time.Sleep(time.Hour)
	default:
		<-ctx.Done()
		v.Say("ending")
		v.Close()
		fmt.Println("summary")
	}
}

// environment is one of which nothing but these is set.
func environment(settings ...string) func(string) string {
	return func(name string) string {
		for _, s := range settings {
			if value, ok := strings.CutPrefix(s, name+"="); ok {
				return value
			}
		}
		return ""
	}
}
