package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/causeway-rt/causeway/internal/gateway"
)

// drainOrder is what the command drain does. Of the node's settings it needs the address,
// and a key: the others may have been given to the node in ways that it does not see.
type drainOrder struct {
	url     string // of the internal listener
	key     string // of the server API; empty with pid
	pid     int    // of the process that gets SIGTERM; 0: the API is asked
	timeout time.Duration
}

func (f *flags) drainOrder(names map[string]string, from *file) (drainOrder, error) {
	p := parser{names: names}
	d := drainOrder{
		url:     p.node("internal-listen", f.InternalListen),
		pid:     p.pid("pid", f.Drain.PID),
		key:     string(p.orFile("api-key", "", f.Drain.APIKeyFile)),
		timeout: p.duration("timeout", f.Drain.Timeout, time.Millisecond),
	}
	if p.err == nil && d.pid != 0 && d.key != "" {
		p.refuse("pid", string(f.Drain.PID), "one of this and --api-key-file, not both")
	}
	if p.err != nil || d.pid != 0 || d.key != "" {
		return d, p.err
	}
	var cfg gateway.Config
	if err := readSections([]section{{"api", readAPI}}, from, &cfg); err != nil {
		return d, err
	}
	i := slices.IndexFunc(cfg.APIKeys, func(k gateway.APIKey) bool { return slices.Contains(k.Scopes, "drain") })
	if i < 0 {
		return d, errors.New("drain: no key: want --config with an API key of the scope drain, --api-key-file, or --pid")
	}
	d.key = cfg.APIKeys[i].Secret
	return d, nil
}

// node is the URL of a listener on this machine.
func (p *parser) node(flag string, t text) string {
	address := p.address(flag, t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "" // refused
	}
	if port == "0" {
		p.refuse(flag, address, "the port that the node listens on")
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (p *parser) pid(flag string, t text) int {
	if t == "" {
		return 0
	}
	n, err := strconv.Atoi(string(t))
	if err != nil || n < 1 {
		p.refuse(flag, string(t), "the number of the node's process")
	}
	return n
}

const (
	// lookTime bounds one question to the node.
	lookTime = 5 * time.Second
	// lookPace is how often its figures are read, and what has changed is said.
	lookPace = time.Second
	// maxProblemBytes bounds what is read of the API's answer.
	maxProblemBytes = 16 << 10
)

// run begins the drain, unless it has begun, and returns when the node has ended.
func (d drainOrder) run(ctx context.Context, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	began := time.Now()
	before, err := d.look(ctx)
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	var process *os.Process
	if d.pid != 0 {
		if process, err = os.FindProcess(d.pid); err != nil {
			return fmt.Errorf("drain: process %d: %w", d.pid, err)
		}
		defer func() { _ = process.Release() }()
	}
	switch {
	case before.draining: // a second SIGTERM would end it at once
	case process != nil:
		if err := process.Signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("drain: process %d: %w", d.pid, err)
		}
	default:
		if err := d.ask(ctx); err != nil {
			return fmt.Errorf("drain: %w", err)
		}
	}
	if err := d.wait(ctx, stdout, before, process); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	fmt.Fprintln(stdout, "drained in", time.Since(began).Round(100*time.Millisecond))
	return nil
}

// ask has the API begin.
func (d drainOrder) ask(ctx context.Context) error {
	resp, err := d.do(ctx, http.MethodPost, "/api/v1/drain")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusAccepted {
		return nil
	}
	var problem struct{ Title, Detail string }
	if json.NewDecoder(io.LimitReader(resp.Body, maxProblemBytes)).Decode(&problem) != nil {
		return fmt.Errorf("%s: %s: want a node with the server API", resp.Request.URL, resp.Status)
	}
	return fmt.Errorf("%s: %s: %s", resp.Request.URL, problem.Title, problem.Detail)
}

// wait returns when the node's listener has gone or is another process's, and its own
// process has ended where that is known.
func (d drainOrder) wait(ctx context.Context, stdout io.Writer, before figures, process *os.Process) error {
	said := -1
	tick := time.NewTicker(lookPace)
	defer tick.Stop()
	for {
		now, err := d.look(ctx)
		gone := errors.Is(err, syscall.ECONNREFUSED) || err == nil && now.started != before.started
		if process != nil {
			gone = errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
		}
		if gone {
			return nil
		}
		// Any other error is a node on its way out, or one that is busy.
		if err == nil && now.started == before.started && now.sessions != said {
			said = now.sessions
			fmt.Fprintf(stdout, "draining, %d sessions left\n", said)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("not done within %v, %d sessions left: the node goes on", d.timeout, max(said, 0))
			}
			return fmt.Errorf("interrupted, %d sessions left: the node goes on", max(said, 0))
		}
	}
}

// do sends a request to the node. No proxy, whatever the environment says: the node is
// on this machine.
func (d drainOrder) do(ctx context.Context, method, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Authorization", "Bearer "+d.key)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: lookTime}
	return client.Do(r)
}
