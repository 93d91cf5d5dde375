package redis

import (
	"context"
	"iter"
	"net"
	"slices"
	"strconv"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// lane is the way to one server of a sharded adapter: an Adapter that is told what to
// hear and what to publish there. In a cluster, what it leads to is a shard: a master,
// whose place a replica may take.
type lane struct {
	*Adapter
	stop context.CancelFunc // ends Run

	mu sync.Mutex
	// Guarded by mu.
	address string // "" without a cluster
	conns   map[*laneConn]struct{}
}

// newLane makes the way to a server of a cluster, or with an empty address to the only
// server.
func (s *Sharded) newLane(address string) (*lane, error) {
	l := &lane{address: address, conns: make(map[*laneConn]struct{})}
	cfg := s.cfg
	switch {
	case s.cluster != nil:
		o := *s.cluster.options
		o.Addr = address
		o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx, s.cluster) }
		cfg.Client = newClient(location{options: &o})
	case cfg.Client == nil:
		cfg.Client = newClient(s.location)
	}
	var err error
	if l.Adapter, err = New(cfg); err != nil {
		return nil, err
	}
	l.ownClient = s.cfg.Client == nil
	l.uid, l.sharded = s.uid, true
	s.made++
	l.probeChannel = s.names.probe(s.uid + "-" + strconv.Itoa(s.made)) // another lane's probes must not come here
	l.wants = func(namespace, room string) []want { return s.wantsOf(l, namespace, room) }
	l.handle, l.form = s.handle(l), s.form()
	if s.cluster != nil {
		l.groups = bySlot
		l.lost = s.lookAround
		l.publisher.moved = func(batch []publication) bool { return s.putBack(l, batch) }
		l.publisher.look = s.lookAgain
	} else {
		l.groups = func(channels []string) iter.Seq[[]string] { return slices.Chunk(channels, subscribeBatch) }
	}
	return l, nil
}

func (l *lane) server() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.address
}

// lead makes the lane lead to another server. The connections to the old one, which may
// still answer, are closed.
func (l *lane) lead(address string) {
	l.mu.Lock()
	l.address = address
	conns := l.conns
	l.conns = make(map[*laneConn]struct{})
	l.mu.Unlock()
	for c := range conns {
		_ = c.TCPConn.Close()
	}
	select {
	case l.retry <- struct{}{}:
	default:
	}
}

// dial connects to where the lane leads.
func (l *lane) dial(ctx context.Context, c *redisCluster) (net.Conn, error) {
	address := l.server()
	return c.dial(ctx, address, func(conn net.Conn) (net.Conn, error) {
		tcp, ok := conn.(*net.TCPConn)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.address != address || !ok {
			_ = conn.Close()
			return nil, goredis.ErrClosed
		}
		tracked := &laneConn{tcp, l}
		l.conns[tracked] = struct{}{}
		return tracked, nil
	})
}

// laneConn is a connection that its lane can close. It embeds the type, and not the
// interface, so that go-redis can look whether it has been closed by the server.
type laneConn struct {
	*net.TCPConn
	lane *lane
}

// Close implements net.Conn.
func (c *laneConn) Close() error {
	c.lane.mu.Lock()
	delete(c.lane.conns, c)
	c.lane.mu.Unlock()
	return c.TCPConn.Close()
}
