package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long a server may take to start, and to end.
const patience = 20 * time.Second

// process is a started server. Its output is kept in a file.
type process struct {
	cmd    *exec.Cmd
	log    *os.File
	exited chan struct{} // closed when it has ended
}

// start runs a command and waits until it listens on port.
func start(ctx context.Context, dir, name, port string, env []string, command ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+"-"+port+".log"))
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(command[0], command[1:]...), log: log, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), env...)
	if err := p.cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	if err := p.listens(ctx, "127.0.0.1:"+port); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w; see %s", name, err, log.Name())
	}
	return p, nil
}

func (p *process) listens(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("nothing listens on %s", address)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process, if it has not ended, and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	p.log.Close()
}

// cluster is some nodes of one kind, with their Redis if they are several.
type cluster struct {
	nodes  []*process
	launch []func(context.Context) (*process, error) // starts a node, and again
	redis  *process                                  // nil: one node
	urls   []string
	ways   []*way // to each node; none unless openWays was called
}

// openWays makes urls lead to the nodes by ways.
func (c *cluster) openWays() error {
	for i, u := range c.urls {
		w, err := openWay(strings.TrimPrefix(u, "http://"))
		if err != nil {
			return err
		}
		c.ways, c.urls[i] = append(c.ways, w), w.url()
	}
	return nil
}

func (c *cluster) stop() {
	for _, p := range c.nodes {
		p.stop()
	}
	for _, w := range c.ways {
		w.close()
	}
	if c.redis != nil {
		c.redis.stop()
	}
}

// startCluster starts n nodes of a server, which is "gateway", "recovery" or "node".
func startCluster(ctx context.Context, t tools, server string, n int) (c *cluster, err error) {
	c = &cluster{}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	redis := ""
	if n > 1 {
		port := freePort()
		c.redis, err = start(ctx, t.dir, "redis", port, nil, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.dir)
		if err != nil {
			return nil, err
		}
		redis = "redis://127.0.0.1:" + port
	}
	for range n {
		port := freePort()
		env, command := t.command(server, port, redis)
		launch := func(ctx context.Context) (*process, error) { return start(ctx, t.dir, server, port, env, command...) }
		p, err := launch(ctx)
		if err != nil {
			return nil, err
		}
		c.launch = append(c.launch, launch)
		c.nodes, c.urls = append(c.nodes, p), append(c.urls, "http://127.0.0.1:"+port)
	}
	return c, nil
}

// command is that of a node.
func (t tools) command(server, port, redis string) (env, command []string) {
	if server == "node" {
		env = []string{"PORT=" + port, "REDIS_URL=" + redis}
		if t.recovers {
			env = append(env, "RECOVERY="+strconv.FormatInt(awayTime.Milliseconds(), 10))
		}
		return env, []string{"node", t.script}
	}
	command = []string{t.gateway, "--dev", "--listen", "127.0.0.1:" + port, "--internal-listen", "127.0.0.1:" + freePort()}
	if redis != "" {
		command = append(command, "--redis-url", redis)
	}
	if t.recovers || server == "recovery" {
		command = append(command, "--recovery", awayTime.String())
	}
	return nil, command
}

// freePort is a port that nobody listens on now, below those that the kernel gives to
// clients.
func freePort() string {
	for {
		port := strconv.Itoa(12000 + rand.IntN(18000))
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			listener.Close()
			return port
		}
	}
}

// resident is the memory of the nodes in bytes.
func (c *cluster) resident() (sum int64, err error) {
	for _, p := range c.nodes {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
		fields := strings.Fields(string(rest))
		if len(fields) == 0 {
			return 0, fmt.Errorf("no VmRSS of process %d", p.cmd.Process.Pid)
		}
		kib, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += kib * 1024
	}
	return sum, nil
}
