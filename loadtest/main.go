// Command loadtest puts a load on a Socket.IO server, checks that every message
// arrives where it should, and reports what it saw.
//
// Exit status: 0 if all that was expected came true, 1 if something did not, 2 if the
// run could not be made.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const (
	exitOK    = 0
	exitUnmet = 1
	exitNoRun = 2
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		// The first signal ends the run with a report. Signals are handed back to the system
		// before that begins, so that the second one ends the process at once.
		<-signals
		signal.Stop(signals)
		cancel()
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd, err := parse(args, stdout)
	if err == nil {
		err = cmd.run(ctx, stdout, stderr)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUnmet):
		return exitUnmet
	}
	fmt.Fprintln(stderr, "loadtest:", oneLine(err))
	return exitNoRun
}

// oneLine keeps an error on one line, whatever a value in it contains.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}
