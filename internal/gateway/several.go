package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/causeway-rt/causeway/internal/gateway/devredis"
)

// sibling is one of several nodes in this process: a gateway of its own, with its own
// listeners, tag, metrics and connections to Redis.
type sibling struct {
	*gateway
	public, internal net.Listener
}

// runSeveral is Run for several nodes. All stop when ctx ends, or when one fails.
func runSeveral(ctx context.Context, cfg Config, stdout io.Writer) error {
	if !cfg.Dev || cfg.RedisURL != "" {
		return errors.New("several nodes in one process need --dev, and no --redis-url")
	}
	redis, err := devredis.Start()
	if err != nil {
		return err
	}
	defer redis.Close()
	cfg.RedisURL = redis.URL()
	cfg.Advertise = "" // each its own
	if cfg.ClusterKey == "" {
		cfg.ClusterKey = rand.Text()
	}
	siblings, err := newSiblings(cfg)
	if err != nil {
		return err
	}
	for _, m := range siblings {
		defer m.close()
		fmt.Fprintln(stdout, m.line(m.public, m.internal))
	}
	fmt.Fprintf(stdout, "%d nodes in this process, joined by a Redis in it: %s\n", len(siblings), redis.URL())
	return runTogether(ctx, siblings)
}

// runTogether returns when every sibling has stopped.
func runTogether(ctx context.Context, siblings []sibling) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make([]error, len(siblings))
	var running sync.WaitGroup
	for i, m := range siblings {
		running.Go(func() {
			defer cancel()
			failures[i] = m.run(ctx, m.public, m.internal, io.Discard)
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// newSiblings listens on all ports first: that is what can fail, and what the nodes
// show of each other.
func newSiblings(cfg Config) (siblings []sibling, err error) {
	defer func() {
		if err != nil {
			discard(siblings)
			siblings = nil
		}
	}()
	var ports []string
	for i := range cfg.Nodes {
		one := cfg
		one.Listen, one.InternalListen = portAfter(cfg.Listen, i), portAfter(cfg.InternalListen, i)
		public, internal, err := listen(one)
		if err != nil {
			return siblings, err
		}
		siblings = append(siblings, sibling{public: public, internal: internal})
		_, port, _ := net.SplitHostPort(public.Addr().String()) // a listener has one
		ports = append(ports, port)
	}
	for i := range siblings {
		one := cfg
		one.port = ports[i]
		if siblings[i].gateway, err = newGateway(one); err != nil {
			return siblings, err
		}
		for _, port := range ports {
			siblings[i].neighbours = append(siblings[i].neighbours, ":"+port)
		}
	}
	return siblings, nil
}

// discard gives back what siblings that never ran have taken.
func discard(siblings []sibling) {
	for _, m := range siblings {
		m.public.Close()
		m.internal.Close()
		if m.gateway != nil {
			_ = m.sockets.Close(context.Background()) // it has no sockets to wait for
			m.close()
		}
	}
}

// portAfter is the address whose port is i after that of address. Port 0 stays: it is any
// free one. An address that is none, or has no such port, is left to net.Listen.
func portAfter(address string, i int) string {
	host, port, err := net.SplitHostPort(address)
	n, atoi := strconv.Atoi(port)
	if err != nil || atoi != nil || n == 0 {
		return address
	}
	return net.JoinHostPort(host, strconv.Itoa(n+i))
}
