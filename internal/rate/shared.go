package rate

import (
	"sync"
	"time"
)

// Shared is one bucket for everybody. Take may be called from any goroutine.
type Shared struct {
	// Immutable.
	limit Limit
	epoch time.Time

	mu     sync.Mutex
	bucket Bucket // Guarded by mu.
}

// NewShared returns a full bucket.
func NewShared(limit Limit) *Shared { return &Shared{limit: limit, epoch: time.Now()} }

// Take is Limit.Take, now.
func (s *Shared) Take() (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit.Take(&s.bucket, int64(time.Since(s.epoch)))
}
