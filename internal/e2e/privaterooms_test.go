package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// A wave of clients on a node that subscribes to each one's own room: none waits long, the
// subscriptions share commands, and with the clients they go.
func TestExactPrivateRoomsComeAndGoWithTheirSockets(t *testing.T) {
	const clients = 500
	own := redistest.StartOwn(t)
	s := start(t, plainProgram, "--dev", "--redis-url", own.URL(), "--redis-prefix", redistest.Prefix(t), "--private-rooms", "exact")
	c := goredis.NewClient(&goredis.Options{Addr: own.Address()})
	t.Cleanup(func() { _ = c.Close() })
	channels := func() int {
		t.Helper()
		list, err := c.PubSubChannels(context.Background(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	joinedWS(t, s.public) // the namespace exists from now on
	baseline, wanted := channels(), s.metrics().sum("gateway_adapter_subscriptions")

	begin := time.Now()
	all := make([]*wsClient, clients)
	for i := range all {
		all[i] = openWS(t, s.public)
	}
	opened := time.Now()
	for _, client := range all {
		client.send("40")
	}
	ids := map[string]bool{}
	for _, client := range all {
		ids[client.expectPrefix(`40{"sid":"`)] = true
	}
	t.Logf("%d clients opened in %v, and connected %v later", clients, opened.Sub(begin).Round(time.Millisecond), time.Since(opened).Round(time.Millisecond))
	if n := channels(); n != baseline+clients || len(ids) != clients {
		t.Errorf("Redis has %d channels, %d before the %d clients", n, baseline, len(ids))
	}
	if n, err := c.PubSubNumPat(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("%d patterns, %v", n, err)
	}
	for _, client := range all {
		_ = client.conn.Close()
	}
	eventually(t, patience, "the subscriptions of before", func() error {
		if has, wants := channels(), s.metrics().sum("gateway_adapter_subscriptions"); has != baseline || wants != wanted {
			return fmt.Errorf("Redis has %d, the node wants %v; %d and %v before", has, wants, baseline, wanted)
		}
		return nil
	})
}
