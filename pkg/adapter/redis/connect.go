package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	neturl "net/url"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// newClient makes the client for a URL.
func newClient(url string) (goredis.UniversalClient, error) {
	o, err := goredis.ParseURL(url)
	var withURL *neturl.Error
	if errors.As(err, &withURL) {
		err = withURL.Err // the URL may have a password in it
	}
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	o.MaxRetries = -1   // a PUBLISH that is repeated is delivered twice
	o.Protocol = 2      // nothing of RESP 3 is used, and its pushes cost a look per message
	o.DialerRetries = 1 // the loops of this package have their own pace
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true // no command of a connection's beginning may be left unanswered
	set(&o.DialTimeout, 2*time.Second)
	set(&o.ReadTimeout, 3*time.Second)
	set(&o.WriteTimeout, 3*time.Second)
	set(&o.PoolSize, 4)
	c := goredis.NewClient(o)
	c.AddHook(dialOnce{})
	return c, nil
}

var errSessionOver = errors.New("the connection of this subscription has ended")

// oneDial limits a context to one connection: see dialOnce.
type oneDial struct{ used atomic.Bool }

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
