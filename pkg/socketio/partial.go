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
	// MissingAcks counts the sockets of this node and of those that answered which got the
	// event and whose ack has not come, and those of this node that were left out with
	// ErrTooManyAcks. It is about EmitWithAck.
	MissingAcks int
	// Err says what ended the wait, often context.DeadlineExceeded.
	Err error
}

func (e *PartialError) Error() string {
	if e.Answered == e.Expected {
		return fmt.Sprintf("%d acks are missing: %v", e.MissingAcks, e.Err)
	}
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
