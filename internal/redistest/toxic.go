package redistest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Direction is where the bytes of a connection go.
type Direction string

// The directions.
const (
	ToRedis   Direction = "upstream"
	FromRedis Direction = "downstream"
)

// Toxic is a way to a server that can be made silent or slow, for connections that exist
// and for new ones. Unlike Faulty, what is sent while it is silent never arrives.
type Toxic struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
}

// StartToxic returns a new way to the server at url, redis://host:port.
func StartToxic(t testing.TB, url string) *Toxic {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	x := &Toxic{t: t, proxy: toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", strings.TrimPrefix(url, "redis://"))}
	if err := x.proxy.Start(); err != nil {
		t.Fatalf("start toxiproxy: %v", err)
	}
	t.Cleanup(func() {
		x.Heal()
		x.proxy.Stop()
	})
	return x
}

// Address returns where to connect: host:port.
func (x *Toxic) Address() string { return x.proxy.Listen }

// Silence lets nothing through in the given directions. Nothing is closed.
func (x *Toxic) Silence(directions ...Direction) {
	x.t.Helper()
	for _, d := range directions {
		x.add(d, "timeout", `{"timeout":0}`)
	}
}

// Delay makes everything from Redis that much later.
func (x *Toxic) Delay(d time.Duration) {
	x.t.Helper()
	x.add(FromRedis, "latency", fmt.Sprintf(`{"latency":%d}`, d.Milliseconds()))
}

func (x *Toxic) add(d Direction, kind, attributes string) {
	x.t.Helper()
	toxic := fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":%s}`, kind, d, attributes)
	if _, err := x.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		x.t.Fatalf("add toxic: %v", err)
	}
}

// Heal lets everything through again. Connections that were silent are closed.
func (x *Toxic) Heal() { x.proxy.Toxics.ResetToxics(context.Background()) }
