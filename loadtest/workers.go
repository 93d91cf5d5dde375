package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/crew"
	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

const (
	defaultListen = "127.0.0.1:7070"
	// keyVariable is the secret itself, in place of a file.
	keyVariable = "LOADTEST_WORKER_KEY"
)

// workerCommand serves coordinators.
type workerCommand struct {
	Listen        texts `placeholder:"127.0.0.1:7070" help:"Where coordinators reach it. Other than on the loopback it needs a key."`
	WorkerKeyFile texts `placeholder:"FILE" help:"Secret that coordinators must have too, or LOADTEST_WORKER_KEY in the environment."`
	Source        texts `placeholder:"ADDRESS" help:"Address of this machine to connect from, in place of those of the run; repeat it for more."`
}

func (c *workerCommand) run(ctx context.Context, stdout, _ io.Writer) error {
	listen, err := once("listen", c.Listen, defaultListen)
	if err != nil {
		return err
	}
	key, err := workerKey(c.WorkerKeyFile)
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return fmt.Errorf("--listen=%q: want host:port, such as %s", listen, defaultListen)
	}
	if key == nil && !crew.Private(listen) {
		return fmt.Errorf("--listen=%q: strangers could have it run what they like: want --worker-key-file with a secret, or an address of the loopback", listen)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("--listen=%q: want an address of this machine that is free: %w", listen, err)
	}
	say := func(line string) { fmt.Fprintln(stdout, time.Now().Format(time.TimeOnly), line) }
	protected := "without a key: any program on this machine can use it"
	if key != nil {
		protected = "for those who have the key"
	}
	say(fmt.Sprintf("worker listening on %s, %s", l.Addr(), protected))
	w := &crew.Worker{Key: key, Tool: tool(), Sources: split(c.Source), Log: say}
	return w.Serve(ctx, l)
}

// split is all values of a flag that takes several, also with commas.
func split(given texts) (all []string) {
	for _, g := range given {
		for one := range strings.SplitSeq(g, ",") {
			all = append(all, strings.TrimSpace(one))
		}
	}
	return all
}

// workerKey is the secret from a file or the environment; nil if there is none.
func workerKey(files texts) ([]byte, error) {
	file, err := once("worker-key-file", files, "")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		raw, set := os.LookupEnv(keyVariable)
		if !set {
			return nil, nil
		}
		key, err := crew.CheckKey([]byte(raw))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", keyVariable, err)
		}
		return key, nil
	}
	key, err := crew.ReadKey(file)
	if err != nil {
		return nil, fmt.Errorf("--worker-key-file=%q: %w", file, withoutPath(err))
	}
	return key, nil
}

// crew is who makes the run; nil: this process.
func (c *runFlags) crew() (*crew.Config, error) {
	if len(c.Workers) == 0 {
		if len(c.WorkerKeyFile)+len(c.WorkerTimeout) > 0 {
			return nil, errors.New("--worker-key-file and --worker-timeout are about --workers, which is missing")
		}
		return nil, nil
	}
	key, err := workerKey(c.WorkerKeyFile)
	if err != nil {
		return nil, err
	}
	out := &crew.Config{Workers: split(c.Workers), Key: key, Tool: tool()}
	for i, w := range out.Workers {
		host, port, err := net.SplitHostPort(w)
		switch {
		case err != nil || host == "" || port == "":
			return nil, fmt.Errorf("--workers=%q: want host:port of each, with commas", w)
		case slices.Contains(out.Workers[:i], w):
			return nil, fmt.Errorf("--workers=%q: want each worker once", w)
		case key == nil && !crew.Private(w):
			return nil, fmt.Errorf("--workers=%q: on another machine: want --worker-key-file with the secret that it has", w)
		}
	}
	if timeout, err := once("worker-timeout", c.WorkerTimeout, ""); err != nil {
		return nil, err
	} else if timeout != "" {
		if out.Silence, err = time.ParseDuration(timeout); err != nil || out.Silence < time.Second || out.Silence > 5*time.Minute {
			return nil, fmt.Errorf("--worker-timeout=%q: want a duration of 1s to 5m", timeout)
		}
	}
	return out, nil
}

// driveBy runs the plan, here or by the crew.
func driveBy(ctx context.Context, p plan.Plan, by *crew.Config, h drive.Hooks) (*result.Result, error) {
	if by == nil {
		return drive.Run(ctx, p, h)
	}
	return crew.Run(ctx, p, *by, h)
}

// lostWorkers begins a sentence with those of a result; "" if there are none.
func lostWorkers(res *result.Result) string {
	switch lost := res.Lost(); len(lost) {
	case 0:
		return ""
	case 1:
		return "the worker " + lost[0] + " was lost"
	default:
		return "the workers " + strings.Join(lost, ", ") + " were lost"
	}
}
