// Package devredis is a Redis inside this process, for trying a cluster without
// installing anything: `gateway --dev --nodes 3`. It keeps nothing on disk, knows no
// limits of memory, and is not for use by strangers: it listens on the loopback
// without a password. Messages to one channel arrive in order; of two, one of which is
// heard by a pattern, the later may overtake.
package devredis

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often keys are looked at that are to expire.
const tick = 250 * time.Millisecond

// Server is a running Redis. Close it when all its clients are gone.
type Server struct {
	redis  *miniredis.Miniredis
	stop   chan struct{}
	expire sync.WaitGroup
}

// Start listens on a free port of the loopback.
func Start() (*Server, error) {
	s := &Server{redis: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	if err := s.redis.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start embedded Redis: %w", err)
	}
	s.expire.Go(s.passTime)
	return s, nil
}

// URL is what clients connect to.
func (s *Server) URL() string { return "redis://" + s.redis.Addr() }

// passTime makes keys expire: miniredis leaves its clock to tests.
func (s *Server) passTime() {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			now := time.Now()
			s.redis.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Close cuts off whoever is connected, and returns when every goroutine has ended.
func (s *Server) Close() {
	close(s.stop)
	s.expire.Wait()
	s.redis.Close()
}
