package redis

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// answerTimeout is how long a Redis that is there may take to accept a connection and to
// answer on it. It is short, and lastBackoff as well, so that what comes back is found
// within 3 s: an attempt that began before may have to run out first.
const answerTimeout = 1500 * time.Millisecond

// slotsInterval is how old a client's picture of a Redis Cluster may become before it is
// renewed beside the next command. A server that is gone does not say who has its slots,
// and go-redis would ask for it for a minute.
const slotsInterval = time.Second

// OpenClient returns a client for commands with keys, at any URL that Config takes. It
// connects to nothing yet. A command is not repeated when a connection fails, except in a
// Redis Cluster, where go-redis looks for the key's server again. The caller closes it. The
// error quotes nothing of the URL, which may have a password.
func OpenClient(url string) (goredis.UniversalClient, error) {
	l, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if l.kind != inCluster {
		return newClient(l), nil
	}
	o := l.options
	return goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: l.addresses, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig, ClientName: o.ClientName,
		MaxRetries: o.MaxRetries, Protocol: o.Protocol, DialerRetries: o.DialerRetries,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled, DisableIdentity: o.DisableIdentity,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolSize: o.PoolSize,
		ClusterStateReloadInterval: slotsInterval,
	}), nil
}

// newClient makes the client for one server, or for the master that Sentinels name.
func newClient(l location) *goredis.Client {
	var c *goredis.Client
	if l.kind == underSentinels {
		c = goredis.NewFailoverClient(l.failover())
	} else {
		c = goredis.NewClient(l.options)
	}
	c.AddHook(dialOnce{})
	return c
}

func (l location) failover() *goredis.FailoverOptions {
	o := l.options
	return &goredis.FailoverOptions{
		MasterName: l.master, SentinelAddrs: l.addresses,
		SentinelUsername: l.sentinelUser, SentinelPassword: l.sentinelPassword,
		Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig, ClientName: o.ClientName,
		OnConnect:  o.OnConnect,
		MaxRetries: o.MaxRetries, Protocol: o.Protocol, DialerRetries: o.DialerRetries,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled, DisableIdentity: o.DisableIdentity,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout, MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns,
		ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime,
	}
}

// wasMoved reports whether a server has said that a channel is another's.
func wasMoved(err error) bool {
	_, moved := goredis.IsMovedError(err)
	return err != nil && moved
}

var errSessionOver = errors.New("the connection of this subscription has ended")

// oneDial limits a context to one connection: see dialOnce.
type oneDial struct {
	used atomic.Bool
	conn atomic.Pointer[connName] // set when it is open, unless Redis has refused that
}

type oneDialKey struct{}

func withOneDial(ctx context.Context) context.Context {
	return context.WithValue(ctx, oneDialKey{}, new(oneDial))
}

// dialOnce is a go-redis hook that refuses a listener's second connection: after an
// error PubSub connects again before it returns, and would subscribe to everything on
// a connection that is thrown away.
type dialOnce struct{}

func (dialOnce) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if d, ok := ctx.Value(oneDialKey{}).(*oneDial); ok && d.used.Swap(true) {
			return nil, errSessionOver
		}
		return next(ctx, network, addr)
	}
}

func (dialOnce) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (dialOnce) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}
