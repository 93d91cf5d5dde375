package socketio

import (
	"context"
	"errors"
	"fmt"
)

// PartialError says that a question was not answered by all nodes, or that an event
// was not acknowledged by all of their sockets. What has come is returned beside it.
type PartialError struct {
	// Answered and Expected count nodes, without the one that asks.
	Answered, Expected int
	// Err says what ended the wait, often context.DeadlineExceeded.
	Err error
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %d nodes answered: %v", e.Answered, e.Expected, e.Err)
}

// Unwrap returns Err.
func (e *PartialError) Unwrap() error { return e.Err }

// partialTimeout is ackTimeout, and says what is missing if that is known.
func (s *Server) partialTimeout(ctx context.Context, missing error) error {
	err := s.ackTimeout(ctx)
	var partial *PartialError
	if errors.As(missing, &partial) {
		return fmt.Errorf("%w: %w", err, partial)
	}
	return err
}
