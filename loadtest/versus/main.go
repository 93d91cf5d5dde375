package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

type flags struct {
	Rounds  int      `default:"3" help:"Rounds: in each, every server is started afresh."`
	Only    string   `help:"Workloads, with commas; all if left out."`
	Servers []string `default:"gateway,node" enum:"gateway,recovery,node" help:"Servers: recovery is the gateway with it on."`
	JSON    string   `name:"json" help:"Also write every figure to this file, for --base." placeholder:"FILE"`
	Base    string   `help:"Show ratios to the figures of this file, of an earlier version." placeholder:"FILE"`
	Gateway string   `default:"bin/gateway" help:"The gateway's binary."`
	Tool    string   `default:"bin/loadtest" help:"The load tool's binary."`
	Faults  bool     `help:"Instead, kill, restart and cut off nodes of both, and say whose clients recover what."`
	Script  string   `default:"loadtest/versus/node/server.mjs" help:"The Node.js server's script."`
}

// tools are the programs that take part, and where their logs go.
type tools struct {
	gateway, loadtest, script, dir string
	recovers                       bool // the servers let clients recover
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("versus"), kong.Description("Measures the gateway beside the official Node.js Socket.IO server."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	do := compare
	if f.Faults {
		do = compareFaults
	}
	err := do(ctx, f)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "versus:", err)
		os.Exit(2)
	}
}

func compare(ctx context.Context, f flags) error {
	chosen, err := choose(f.Only)
	if err != nil {
		return err
	}
	if f.Rounds < 1 {
		return fmt.Errorf("--rounds: %d is less than 1", f.Rounds)
	}
	base := &record{}
	if f.Base != "" {
		if base, err = readRecord(f.Base); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "causeway-versus")
	if err != nil {
		return err
	}
	t := tools{gateway: f.Gateway, loadtest: f.Tool, script: f.Script, dir: dir}
	taken := newRecord(ctx, t, f.Rounds)
	for _, w := range chosen {
		rows, err := measure(ctx, t, w, f)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		taken.Workloads = append(taken.Workloads, rows)
		rows.print(os.Stdout, w, f.Servers, base)
	}
	if f.JSON != "" {
		if err := taken.write(f.JSON); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir) // kept after an error: the logs are in it
}

// measure runs one workload on all servers, in turn, round by round.
func measure(ctx context.Context, t tools, w workload, f flags) (rows, error) {
	out := rows{Name: w.name, Nodes: w.nodes, Args: w.args, Figures: map[string]map[string][]float64{}}
	for range f.Rounds {
		for _, server := range f.Servers {
			r, err := once(ctx, t, w, server)
			if err != nil {
				return out, fmt.Errorf("%s: %w", server, err)
			}
			for what, n := range wrong(r.result) {
				fmt.Fprintf(os.Stderr, "%s: %s: %s: %d\n", w.name, server, what, n)
			}
			out.add(server, w.figures, r)
		}
	}
	return out, nil
}

// once starts a server, loads it, and reads what it cost.
func once(ctx context.Context, t tools, w workload, server string) (r run, err error) {
	c, err := startCluster(ctx, t, server, w.nodes)
	if err != nil {
		return r, err
	}
	defer c.stop()
	file := filepath.Join(t.dir, w.name+"-"+server+".json")
	args := append([]string{"run", "--quiet", "--json", file}, w.args...)
	for i, u := range c.urls {
		args = append(args, "--url", u, "--pid", strconv.Itoa(c.nodes[i].cmd.Process.Pid))
	}
	if r.before, err = c.resident(); err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, t.loadtest, args...).CombinedOutput()
	if err != nil {
		return r, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	r.result, err = result.ReadFile(file)
	if err == nil && r.result.Counts.Connected == 0 {
		err = errors.New("no client was connected")
	}
	return r, err
}
