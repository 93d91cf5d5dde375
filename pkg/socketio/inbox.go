package socketio

import "time"

// job is something for the inbox's goroutine: an event, or the beginning or the
// end of a socket.
type job struct {
	next   *job
	kind   jobKind
	since  clock // when it arrived, of a few events; 0 of the others
	size   int   // bytes of the event
	event  Event // of the other kinds only the socket
	reason Reason
	err    error
}

// clock is a time in microseconds that begins again at 0 every 71 minutes: it lies in what
// would be padding, where a longer one would make each job a larger piece of memory.
type clock uint32

func now() clock { return max(1, clock(time.Now().UnixMicro())) }

// until is how long it is from t to a later clock.
func (t clock) until(later clock) time.Duration { return time.Duration(later-t) * time.Microsecond }

type jobKind byte

const (
	jobOpen jobKind = iota
	jobEvent
	jobEnd
)

// push adds an event to the inbox. It waits while the inbox is full, so that the
// client is no longer read, and drops the event if the connection ends meanwhile.
func (c *conn) push(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.awaitSpace() {
		c.server.counters.eventsDropped.Add(1)
		return
	}
	c.enqueue(j)
}

// awaitSpace needs mu, and lets go of it while it waits. It reports whether the
// connection still takes something. Only the session's reader waits.
func (c *conn) awaitSpace() bool {
	for c.inboxFull() && !c.closing {
		c.server.counters.inboxFull.Add(1)
		space := make(chan struct{})
		c.space = space
		c.mu.Unlock()
		<-space
		c.mu.Lock()
	}
	return !c.closing
}

// inboxFull needs mu. Events as large as one message together fill the inbox,
// however few they are.
func (c *conn) inboxFull() bool {
	return int(c.queued) >= c.server.cfg.InboxSize || c.waiting >= c.server.cfg.Engine.MaxPayload
}

// wakeReader needs mu.
func (c *conn) wakeReader() {
	if c.space != nil {
		close(c.space)
		c.space = nil
	}
}

// enqueue adds a job in any case. It needs mu.
func (c *conn) enqueue(j *job) {
	if c.head == nil {
		c.head = j
	} else {
		c.tail.next = j
	}
	c.tail = j
	c.queued++
	c.waiting += j.size
	if !c.draining {
		c.draining = true
		go c.drain()
	}
}

// drain works the inbox off. The server waits for it by way of checkFinished.
func (c *conn) drain() {
	for j := c.take(); j != nil; j = c.take() {
		c.run(j)
	}
	c.checkFinished()
}

// take returns the next job, or nil when the goroutine must end.
func (c *conn) take() *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := c.head
	if j == nil {
		c.draining = false
		return nil
	}
	c.head = j.next
	if c.head == nil {
		c.tail = nil
	}
	j.next = nil
	c.queued--
	c.waiting -= j.size
	c.wakeReader()
	return j
}
