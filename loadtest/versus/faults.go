package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	faultNodes   = 3
	faultMembers = 90
	faultRooms   = 3
	faultEvery   = 20 // ms between two messages
	// awayTime is how long clients may be away.
	awayTime = 2 * time.Minute
	// returnTime is what clients of a restarted node have to come back before the next is
	// restarted.
	returnTime = 2 * time.Second
	faultLimit = 3 * time.Minute // of one fault on one server
)

// fault is something that happens to the nodes while members of rooms hear messages.
type fault struct {
	name, what string
	happen     func(context.Context, *cluster) error
}

var faults = []fault{
	{"kill", "kill -9 of one of 3 nodes", func(_ context.Context, c *cluster) error {
		c.nodes[0].stop()
		return nil
	}},
	{"restart", "SIGTERM and restart of 3 nodes, one after the other", rollingRestart},
	{"switch", "every client changes its network, and its old connection stays open", func(_ context.Context, c *cluster) error {
		for _, w := range c.ways {
			w.lose()
		}
		return nil
	}},
}

func rollingRestart(ctx context.Context, c *cluster) error {
	for i, p := range c.nodes {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		select {
		case <-p.exited:
			p.log.Close()
		case <-time.After(patience):
			return errors.New("a node does not end by SIGTERM")
		}
		var err error
		if c.nodes[i], err = c.launch[i](ctx); err != nil {
			return err
		}
		select {
		case <-time.After(returnTime):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// heard is what the members tell at the end: see Fleet.account of members.mjs.
type heard struct {
	Members, Sent, Acknowledged int
	Lost, Recovered             int // members that lost their connection, and that never had to start afresh
	Expected, Missed            int // arrivals of acknowledged messages
	Silent                      int // of Missed: the client was not told
	Twice, Reordered            int
	Away, Longest               int // ms that clients were away, the median and the most
}

func (h heard) print(out io.Writer, server string) {
	fmt.Fprintf(out, "  %-8s %3d of %3d sessions recovered, %5d of %6d arrivals missed, %d without a word, %d twice, %d out of order; away for %d ms, at most %d\n",
		server, h.Recovered, h.Lost, h.Missed, h.Expected, h.Silent, h.Twice, h.Reordered, h.Away, h.Longest)
}

// compareFaults lets everything happen to each server.
func compareFaults(ctx context.Context, f flags) error {
	dir, err := os.MkdirTemp("", "causeway-versus")
	if err != nil {
		return err
	}
	t := tools{gateway: f.Gateway, script: f.Script, dir: dir, recovers: true}
	fmt.Printf("%s\nNode.js %s, %s\n%d members of %d rooms, half of them polling; a message every %d ms; recovery for %v\n",
		says(ctx, t.gateway, "version"), says(ctx, "node", "--version"), says(ctx, "redis-server", "--version"), faultMembers, faultRooms, faultEvery, awayTime)
	for _, one := range faults {
		fmt.Printf("\n%s: %s\n", one.name, one.what)
		for _, server := range f.Servers {
			h, err := suffer(ctx, t, server, one)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", one.name, server, err)
			}
			h.print(os.Stdout, server)
		}
	}
	return os.RemoveAll(dir) // kept after an error: the logs are in it
}

// suffer starts a server, puts members on it, and lets a fault happen.
func suffer(ctx context.Context, t tools, server string, f fault) (h heard, err error) {
	ctx, cancel := context.WithTimeout(ctx, faultLimit)
	defer cancel()
	c, err := startCluster(ctx, t, server, faultNodes)
	if err != nil {
		return h, err
	}
	defer c.stop()
	if err := c.openWays(); err != nil {
		return h, err
	}
	options, err := json.Marshal(map[string]any{"urls": c.urls, "members": faultMembers, "rooms": faultRooms, "every": faultEvery})
	if err != nil {
		return h, err
	}
	fleet := exec.CommandContext(ctx, "node", filepath.Join(filepath.Dir(t.script), "fleet.mjs"), string(options))
	var complaints strings.Builder
	fleet.Stderr = &complaints
	in, err := fleet.StdinPipe()
	if err != nil {
		return h, err
	}
	out, err := fleet.StdoutPipe()
	if err != nil {
		return h, err
	}
	if err := fleet.Start(); err != nil {
		return h, err
	}
	h, err = direct(ctx, bufio.NewScanner(out), in, func() error { return f.happen(ctx, c) })
	in.Close()
	return h, errors.Join(err, fleet.Wait(), complaint(complaints.String()))
}

func complaint(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(strings.TrimSpace(text))
}

// direct lets something happen when the clients are there, and reads what came of it.
func direct(ctx context.Context, lines *bufio.Scanner, in io.Writer, happen func() error) (h heard, err error) {
	if !lines.Scan() || lines.Text() != "connected" {
		return h, errors.Join(fmt.Errorf("the clients said %q", lines.Text()), lines.Err(), ctx.Err())
	}
	if err := happen(); err != nil {
		return h, err
	}
	if _, err := io.WriteString(in, "over\n"); err != nil {
		return h, err
	}
	if !lines.Scan() {
		return h, errors.Join(errors.New("the clients have ended"), lines.Err(), ctx.Err())
	}
	return h, json.Unmarshal(lines.Bytes(), &h)
}
