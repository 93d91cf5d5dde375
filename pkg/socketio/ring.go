package socketio

// Bounds of what a namespace keeps of its last events, for clients that come back while
// others are sent to.
const (
	ringEvents = 1024
	ringBytes  = 1 << 20
)

// ring holds the last recorded events that this node has delivered, oldest first.
// recoverable.order guards it.
type ring struct {
	events []*recorded
	bytes  int
	start  Offset // it holds what came behind
}

func (q *ring) add(e *recorded) {
	q.events = append(q.events, e)
	q.bytes += e.size()
	for len(q.events) > ringEvents || q.bytes > ringBytes && len(q.events) > 1 {
		oldest := q.events[0]
		q.events[0] = nil
		q.events = q.events[1:]
		q.bytes -= oldest.size()
		q.start = oldest.at
	}
}

// reset forgets all, and begins behind at.
func (q *ring) reset(at Offset) { *q = ring{start: at} }

// behind calls f for the events behind at, and reports whether it holds all of them.
func (q *ring) behind(at Offset, f func(e *recorded)) bool {
	if q.start.After(at) {
		return false
	}
	first := len(q.events)
	for first > 0 && q.events[first-1].at.After(at) {
		first--
	}
	for _, e := range q.events[first:] {
		f(e)
	}
	return true
}
