package engineio

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/causeway-rt/causeway/internal/pace"
)

// Refuse makes the server answer new sessions with 503 from now on.
func (s *Server) Refuse() { s.draining.Store(true) }

// Drain refuses new sessions and closes the present ones evenly over window, with
// jitter, each after its queue is flushed. It returns when all have gone, or with
// ctx's error when that ends first.
func (s *Server) Drain(ctx context.Context, window time.Duration) error {
	s.Refuse()
	sessions := s.all()
	rand.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
	if err := pace.Each(ctx, window, len(sessions), func(i int) { sessions[i].Close(ReasonShutdown) }); err != nil {
		return err
	}
	for _, sess := range s.all() { // handshakes that were under way
		sess.Close(ReasonShutdown)
	}
	for s.count() > 0 {
		select {
		case <-s.emptied:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.signalEmptied() // another Drain, or Close, may wait as well
	return nil
}

func (s *Server) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.sessions)
}

// Close drains without a window, discards what is left when ctx ends, and waits for
// every goroutine of the server. Its error is ctx's, if sessions had to be discarded.
func (s *Server) Close(ctx context.Context) error {
	err := s.Drain(ctx, 0)
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	for _, sess := range s.all() {
		sess.Close(ReasonShutdown)
		sess.fail(ReasonShutdown)
	}
	s.stopOnce.Do(func() {
		close(s.stop)
		if s.parking != nil {
			s.parking.stop()
		}
	})
	s.goroutines.Wait()
	return err
}
