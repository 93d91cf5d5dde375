package redis

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// pit is a way to Redis that can swallow its connections: neither bytes nor ends come
// through them any more, on either side, as when a network is cut. New ones are let pass.
type pit struct {
	t        testing.TB
	listener net.Listener
	target   string
	copying  sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	conns []net.Conn
	cut   *atomic.Bool // of the connections made since the last swallow
}

func startPit(t testing.TB, target string) *pit {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pit{t: t, listener: l, target: target, cut: new(atomic.Bool)}
	p.copying.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.copying.Wait()
	})
	return p
}

func (p *pit) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		cut := p.cut
		p.mu.Unlock()
		p.copying.Go(func() { carry(server, client, cut) })
		p.copying.Go(func() { carry(client, server, cut) })
	}
}

func carry(to, from net.Conn, cut *atomic.Bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if cut.Load() {
			if err != nil {
				return
			}
			continue
		}
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// swallow cuts the connections that exist.
func (p *pit) swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut.Store(true)
	p.cut = new(atomic.Bool)
}

// subscribingBy is a client whose listeners connect through p.
func subscribingBy(t testing.TB, p *pit, url string) goredis.UniversalClient {
	t.Helper()
	l, err := parseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(l)
	c.AddHook(detour{p.listener.Addr().String()})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

type detour struct{ address string }

func (d detour) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if ctx.Value(oneDialKey{}) != nil {
			address = d.address
		}
		return next(ctx, network, address)
	}
}

func (detour) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (detour) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

// A connection that Redis does not know to be dead is still subscribed to the request
// channel. Whoever counts the nodes would wait for it until its time is up.
func TestSwallowedConnectionIsCountedNoLonger(t *testing.T) {
	url, prefix := redistest.Start(t), redistest.Prefix(t)
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	p := startPit(t, o.Addr)
	cut := start(t, Config{Client: subscribingBy(t, p, url), Prefix: prefix, ProbeInterval: 50 * time.Millisecond, ProbeTimeout: 100 * time.Millisecond}, "tag1")
	other := start(t, Config{URL: url, Prefix: prefix}, "tag2")
	cut.node.infos = []socketio.SocketInfo{{ID: "s"}}
	cut.join("/")
	other.join("/")
	c := direct(t)
	requests := other.names.requests("/")
	for round := range uint64(3) {
		if n := subscribers(t, c, requests); n != 2 {
			t.Fatalf("%d nodes are counted", n)
		}
		p.swallow()
		eventually(t, "the former connection has been ended", func() bool {
			s := cut.Stats()
			return s.FormerEnded == round+1 && s.Connected
		})
		eventually(t, "both are counted once", func() bool { return subscribers(t, c, requests) == 2 })
		found, err := other.FetchSockets(t.Context(), socketio.Target{Namespace: "/"})
		if err != nil || len(found) != 1 {
			t.Errorf("found %v, %v", found, err)
		}
	}
}

// Where the number of a former connection is somebody else's, that one is left alone.
func TestOnlyOwnConnectionsAreEnded(t *testing.T) {
	members, _ := cluster(t, 1)
	m, c := members[0], direct(t)
	conn := c.Conn()
	defer func() { _ = conn.Close() }()
	id, err := conn.ClientID(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Adapter: m.Adapter}
	name := connName{strconv.FormatInt(id, 10), "causeway-other"}
	if err := l.end(t.Context(), name); err != nil {
		t.Error(err)
	}
	if err := conn.Ping(t.Context()).Err(); err != nil || m.Stats().FormerEnded != 0 {
		t.Errorf("ping: %v, %d ended", err, m.Stats().FormerEnded)
	}
}
