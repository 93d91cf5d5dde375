// Command chaos puts the promise of recovery to the test: it runs a cluster of gateways with
// their Redis, makes clients talk through networks of their own, lets processes and networks fail at
// random, and judges afterwards what the clients have seen (package checker).
//
//	make chaos                                     200 clients, 30 minutes, seeds 1, 2 and 3
//	go run ./internal/chaos --clients 40 --duration 2m --seeds 7 --only kill-node,switch
//
// The same seed makes the same faults at the same times; what the clients get to do between them is
// up to the machine. Exit status: 0 all promises were kept, 1 one was not, 2 a run could not be made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	status := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// command is main without the process: it returns the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, seeds, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	status := 0
	for _, cfg.Seed = range seeds {
		r, err := run(ctx, cfg, stdout)
		if err != nil {
			fmt.Fprintln(stderr, "chaos:", err)
			return 2
		}
		r.report(stdout, cfg)
		if r.failed() {
			status = 1
		}
	}
	return status
}

func parse(args []string, stderr io.Writer) (cfg config, seeds []uint64, err error) {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage: go run ./internal/chaos [flags]\n\nRuns a cluster whose networks, nodes and Redis fail at random, and judges what its clients saw.\n\nFlags:")
		f.PrintDefaults()
	}
	f.IntVar(&cfg.Clients, "clients", 200, "`number` of clients; half of them poll")
	f.IntVar(&cfg.Nodes, "nodes", 3, "`number` of gateways")
	f.DurationVar(&cfg.Duration, "duration", 30*time.Minute, "`time` with faults, for each seed")
	list := f.String("seeds", "1,2,3", "comma-separated `numbers`: one run each")
	f.Float64Var(&cfg.Rate, "rate", 60, "`messages` a second that all clients together publish")
	f.Float64Var(&cfg.Scale, "scale", 1, "`factor` for the lengths of faults and the times between them")
	f.StringVar(&cfg.Only, "only", "", "comma-separated `kinds` of faults; empty: all of "+kindList())
	f.DurationVar(&cfg.Recovery, "recovery", 2*time.Minute, "the gateways' --recovery; 0 is without")
	f.StringVar(&cfg.Adapter, "adapter", "", "the gateways' --adapter")
	f.StringVar(&cfg.Fsync, "appendfsync", "always", "Redis's appendfsync: with another `value` a killed Redis may lose what it has accepted, which must be announced")
	f.DurationVar(&cfg.Quiet, "quiet", 90*time.Second, "longest `time` that is waited for everybody's return, and for the last messages")
	f.StringVar(&cfg.Gateway, "gateway", "", "the gateway's `program`; empty: it is built")
	sabotage := f.String("sabotage", "", "build the gateway with the tag sabotage, and switch off `what`: catch-up, dedupe or fencing. This must fail")
	f.DurationVar(&cfg.ChangeEvery, "change-every", 15*time.Second, "`time` that a client stays before it leaves a room for another")
	f.BoolVar(&cfg.Race, "race", false, "build it with the race detector")
	f.BoolVar(&cfg.Keep, "keep", false, "keep the logs of a run that went well, too")
	f.Float64Var(&cfg.MinRecovered, "min-recovered", 0.5, "least `share` of returns that must be recovered")
	if err := f.Parse(args); err != nil {
		return cfg, nil, err
	}
	if *sabotage != "" {
		cfg.sabotage(*sabotage)
	}
	if cfg.Recovery == 0 {
		cfg.MinRecovered = 0
	}
	for s := range strings.SplitSeq(*list, ",") {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			fmt.Fprintf(stderr, "chaos: seeds: %v\n", err)
			return cfg, nil, err
		}
		seeds = append(seeds, seed)
	}
	if err := cfg.validate(); err != nil {
		fmt.Fprintf(stderr, "chaos: %v\n", err)
		return cfg, nil, err
	}
	return cfg, seeds, nil
}
