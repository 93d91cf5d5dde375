package socketio

import "fmt"

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
