package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// askTimeout is how long one server of a cluster may take to say where the others are.
const askTimeout = time.Second

// redisCluster is how the servers of a Redis Cluster are found and reached.
type redisCluster struct {
	options *goredis.Options // of every server, but for Addr and Dialer
	seeds   []string

	mu sync.Mutex
	// Guarded by mu.
	known   []string // addresses of all servers, masters first, as far as is known
	askers  map[string]*goredis.Client
	isEnded bool
}

func newCluster(l location) *redisCluster {
	return &redisCluster{options: l.options, seeds: l.addresses, askers: make(map[string]*goredis.Client)}
}

func (c *redisCluster) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isEnded = true
	var errs []error
	for _, asker := range c.askers {
		errs = append(errs, asker.Close())
	}
	return errors.Join(errs...)
}

// addresses returns all that are known, each once, in random order but for those that are
// to be tried first.
func (c *redisCluster) addresses(first ...string) []string {
	c.mu.Lock()
	rest := append(slices.Clone(c.known), c.seeds...)
	c.mu.Unlock()
	rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	var list []string
	for _, address := range append(first, rest...) {
		if address != "" && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

// asker returns a client for one server.
func (c *redisCluster) asker(address string) (*goredis.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isEnded {
		return nil, ErrClosed
	}
	client := c.askers[address]
	if client == nil {
		o := *c.options
		o.Addr, o.PoolSize = address, 1
		client = goredis.NewClient(&o)
		c.askers[address] = client
	}
	return client, nil
}

// slots asks one server after the other who has which slots.
func (c *redisCluster) slots(ctx context.Context, first ...string) ([]goredis.ClusterSlot, error) {
	var errs []error
	for _, address := range c.addresses(first...) {
		slots, err := c.slotsOf(ctx, address)
		if err == nil {
			c.learn(slots)
			return slots, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (c *redisCluster) slotsOf(ctx context.Context, address string) ([]goredis.ClusterSlot, error) {
	asker, err := c.asker(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	slots, err := asker.ClusterSlots(ctx).Result() //nolint:staticcheck // its successor needs Redis 7, which the classic adapter does not
	if err == nil && len(slots) == 0 {
		err = errors.New("it has no slots")
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s for slots: %w", address, err)
	}
	host, _, _ := net.SplitHostPort(address)
	for i := range slots {
		for k, node := range slots[i].Nodes {
			if h, port, err := net.SplitHostPort(node.Addr); err == nil && h == "" { // the one that was asked
				slots[i].Nodes[k].Addr = net.JoinHostPort(host, port)
			}
		}
	}
	return slots, nil
}

// learn notes all servers, and forgets those that have gone.
func (c *redisCluster) learn(slots []goredis.ClusterSlot) {
	var masters, replicas []string
	for _, s := range slots {
		for i, node := range s.Nodes {
			switch {
			case slices.Contains(masters, node.Addr) || slices.Contains(replicas, node.Addr):
			case i == 0:
				masters = append(masters, node.Addr)
			default:
				replicas = append(replicas, node.Addr)
			}
		}
	}
	known := slices.Concat(masters, replicas)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = known
	for address, asker := range c.askers {
		if !slices.Contains(known, address) && !slices.Contains(c.seeds, address) {
			delete(c.askers, address)
			_ = asker.Close()
		}
	}
}

// subscribers counts who has subscribed to a plain channel on any server: each knows only
// its own. One that does not answer counts for nothing, as nobody hears by it.
func (c *redisCluster) subscribers(ctx context.Context, channel string) (sum int, err error) {
	if _, err := c.slots(ctx); err != nil {
		return 0, err
	}
	c.mu.Lock()
	known := slices.Clone(c.known)
	c.mu.Unlock()
	var (
		asking sync.WaitGroup
		counts = make([]int64, len(known))
	)
	for i, address := range known {
		asking.Go(func() {
			if asker, err := c.asker(address); err == nil {
				ctx, cancel := context.WithTimeout(ctx, askTimeout)
				defer cancel()
				counts[i] = asker.PubSubNumSub(ctx, channel).Val()[channel]
			}
		})
	}
	asking.Wait()
	for _, n := range counts {
		sum += int(n)
	}
	return sum, ctx.Err()
}

// dialAny connects to whichever server answers first of those that are tried in turn.
func (c *redisCluster) dialAny(ctx context.Context, _, _ string) (net.Conn, error) {
	var errs []error
	for _, address := range c.addresses() {
		conn, err := c.dial(ctx, address, func(conn net.Conn) (net.Conn, error) { return conn, nil })
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// dial connects to one server. note is given the connection, below TLS, and may wrap it.
func (c *redisCluster) dial(ctx context.Context, address string, note func(net.Conn) (net.Conn, error)) (net.Conn, error) {
	dialer := net.Dialer{Timeout: c.options.DialTimeout, KeepAlive: 5 * time.Minute}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if conn, err = note(conn); err != nil || c.options.TLSConfig == nil {
		return conn, err
	}
	secured := tls.Client(conn, c.options.TLSConfig)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}
