// Command gateway serves Socket.IO clients.
//
// It reads its configuration from the command line, the environment and a file,
// and hands it to package gateway, which does the rest. Exit status: 0 after a
// drain, 1 when serving failed, 2 when the configuration is refused, but for
// healthcheck and drain: Docker and hooks know 0 and 1 only.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/causeway-rt/causeway/internal/gateway"
	"github.com/causeway-rt/causeway/internal/version"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		// The first signal starts the drain. Handing signals back to the system before
		// makes the second one end the process at once, however soon it comes.
		signal.Stop(signals)
		cancel()
	}()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	cmd, err := parse(args, sources{environ, allSections}, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "gateway:", oneLine(err))
		if cmd.name == cmdHealth || cmd.name == cmdDrain {
			return exitFailed
		}
		return exitUsage
	}
	switch cmd.name {
	case cmdHelp: // already printed
	case cmdVersion:
		fmt.Fprintln(stdout, version.Line("gateway"))
	case cmdCheck:
		for _, w := range cmd.cfg.Warnings {
			fmt.Fprintln(stderr, "gateway: warning:", w)
		}
		fmt.Fprintln(stdout, "configuration ok")
	case cmdHealth:
		answer, err := askHealth(ctx, cmd.url)
		if err != nil {
			fmt.Fprintln(stderr, "gateway:", oneLine(err))
			return exitFailed
		}
		fmt.Fprintln(stdout, answer)
	case cmdDrain:
		if err := cmd.stop.run(ctx, stdout); err != nil {
			fmt.Fprintln(stderr, "gateway:", oneLine(err))
			return exitFailed
		}
	default:
		cmd.cfg.LogOutput = stderr
		if err := gateway.Run(ctx, cmd.cfg, stdout); err != nil {
			fmt.Fprintln(stderr, "gateway:", oneLine(err))
			return exitFailed
		}
	}
	return exitOK
}
