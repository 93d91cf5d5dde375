package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// node is a gateway with its own way to Redis.
type node struct {
	number           int
	public, internal string
	toRedis          *way
	counts           *counts

	mu sync.Mutex // held by the fault that the node has
	*process
}

// startNode starts a gateway of a cluster.
func startNode(w *world, number int) (*node, error) {
	n := &node{number: number, counts: newCounts()}
	var err error
	if n.toRedis, err = openWay(func() (net.Conn, error) { return net.DialTimeout("tcp", w.redis.address, time.Second) }); err != nil {
		return nil, err
	}
	public, err1 := freeAddress()
	internal, err2 := freeAddress()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	n.public, n.internal = public, internal
	n.process = &process{
		path: w.gateway, env: w.cfg.Env, logPath: filepath.Join(w.dir, fmt.Sprintf("node%d.log", number)),
		args: append([]string{
			"--dev", "--listen", public, "--internal-listen", internal, "--redis-url", "redis://" + n.toRedis.address,
			"--ping-interval", w.cfg.pingInterval().String(), "--ping-timeout", w.cfg.pingInterval().String(),
			"--drain-delay", "0s", "--drain-window", w.cfg.drainWindow().String(),
		}, w.cfg.gatewayFlags()...),
		ready: func() error { _, err := n.get("/readyz"); return err },
		ended: func(err error) { w.problem("node %d ended by itself: %v", number, err) },
	}
	return n, n.start()
}

// asker gives up on a node that is stopped.
var asker = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// get asks the internal listener.
func (n *node) get(path string) ([]byte, error) {
	res, err := asker.Get("http://" + n.internal + path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, body)
	}
	return body, err
}

// replace ends the node with a signal and starts it again after a time.
func (n *node) replace(s syscall.Signal, down time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.look()
	err := n.end(s)
	n.counts.restarted()
	time.Sleep(down)
	return errors.Join(err, n.start())
}

// stop stops the node for a time, as a machine that is swapping does.
func (n *node) stop(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.signal(syscall.SIGSTOP)
	time.Sleep(d)
	n.signal(syscall.SIGCONT)
}

func (n *node) close() error {
	n.look()
	err := n.end(syscall.SIGTERM)
	n.toRedis.close()
	return errors.Join(err, n.badLog())
}

// badLog finds what a gateway never writes when it is well.
func (n *node) badLog() error {
	log, err := os.ReadFile(n.logPath)
	if err != nil {
		return err
	}
	for _, bad := range []string{"WARNING: DATA RACE", "\npanic: ", "fatal error: "} {
		if i := bytes.Index(log, []byte(bad)); i >= 0 {
			return fmt.Errorf("node %d: %s", n.number, log[i:min(i+4000, len(log))])
		}
	}
	return nil
}

// look reads the node's counters.
func (n *node) look() {
	if page, err := n.get("/metrics"); err == nil {
		n.counts.read(page)
	}
}

// counts are a node's counters over all its lives: at least so much, as what a life counted
// after it was last looked at is not known.
type counts struct {
	mu sync.Mutex
	// Guarded by mu.
	before, now map[string]float64
}

func newCounts() *counts { return &counts{before: map[string]float64{}} }

func (c *counts) read(page []byte) {
	now := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil && strings.HasPrefix(name, "gateway_") {
			now[name] = v
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// restarted begins a new life.
func (c *counts) restarted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, v := range c.now {
		c.before[name] += v
	}
	c.now = nil
}

// addTo adds up the counters, which have _total in their names.
func (c *counts) addTo(sum map[string]float64) {
	c.restarted()
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, v := range c.before {
		if strings.Contains(name, "_total") {
			sum[name] += v
		}
	}
}
