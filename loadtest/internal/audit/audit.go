package audit

import (
	"sync"
	"sync/atomic"
	"time"
)

// Config says what an audit is of. The zero value works.
type Config struct {
	// Settle is how long a message that was overtaken may still come: when the client
	// leaves or loses its connection sooner than that after the overtaking, the
	// message may have gone with it, else it was lost. Also how long before the loss of
	// a publisher's connection what it sent may not have reached the server. 0 means
	// 1 s; negative means none at all.
	Settle time.Duration
	// Echo: the server sends a message to its publisher too, if that is in the room.
	// Without it a publisher's own messages are due to everybody else only.
	Echo bool
	// Run tells the messages of this run from those of others; its lower 18 bits are
	// used. All workers of a run have the same.
	Run uint32
	// Worker is this process's number among those of the run, from 0 to 255.
	Worker int
	// Remote: other workers publish to this one's subscribers. Then it is kept what
	// those received, and when they were in their rooms, to be judged by Judge.
	Remote bool
	// Clock is what Now and Nanos tell; other workers know it by their Skew. nil is one
	// that begins at New.
	Clock *Clock
	// Now replaces Clock.Now, for tests in which time stands still.
	Now func() int64
}

// Audit is the audit of one process's clients. Its methods may be called from any
// goroutine.
type Audit struct {
	// Immutable.
	mark   mark
	settle int64
	echo   bool
	worker uint32
	remote bool
	now    func() int64
	clock  *Clock

	tallies [shards]tally
	windows atomic.Bool               // some stream is in a window
	streams atomic.Pointer[[]*Stream] // by number; grows under mu

	// Guarded by mu.
	mu       sync.Mutex
	rooms    map[string]*Room
	finished []evidence // with Config.Remote
}

// New returns an audit of nothing yet.
func New(c Config) *Audit {
	a := &Audit{
		mark:   newMark(c.Run),
		settle: int64(c.Settle),
		echo:   c.Echo,
		worker: uint32(c.Worker) & (MaxWorkers - 1),
		remote: c.Remote,
		now:    c.Now,
		clock:  c.Clock,
		rooms:  make(map[string]*Room),
	}
	if c.Settle == 0 {
		a.settle = int64(time.Second)
	}
	if a.clock == nil {
		a.clock = NewClock()
	}
	if a.now == nil {
		a.now = a.clock.Now
	}
	a.streams.Store(new([]*Stream))
	return a
}

// Now returns the time of the audit's clock, in nanoseconds: what Stamp.Due is in.
func (a *Audit) Now() int64 { return a.now() }

// Nanos returns t, a time of this process with its monotonic part, in nanoseconds of
// the audit's clock. It is of no use with a Config.Now.
func (a *Audit) Nanos(t time.Time) int64 { return a.clock.Nanos(t) }

// Sums returns what has been found so far; it takes microseconds. While messages are
// on their way each field is right by itself and Due may run ahead of its parts; when
// every subscriber has finished, the balance is exact, apart from streams of other
// workers, whose deliveries are counted as they come and judged by Judge.
func (a *Audit) Sums() Sums {
	s := a.judged()
	remote := a.total(remoteDue)
	s.Due += remote
	s.Delivered += remote
	return s
}

// judged is the sums without what came from other workers' streams.
func (a *Audit) judged() Sums {
	return Sums{
		Published:    a.total(published),
		Due:          a.total(due),
		Delivered:    a.total(delivered),
		Lost:         a.total(lost),
		Gap:          a.total(gap),
		Absent:       a.total(absent),
		Unjudged:     a.total(unjudged),
		Duplicated:   a.total(duplicated),
		Reordered:    a.total(reordered),
		Corrupted:    a.total(corrupted),
		AfterLeaving: a.total(afterLeaving),
		Unknown:      a.total(unknown),
	}
}

// Missing returns how many deliveries have been overtaken by later ones and have not
// come yet. They become Reordered, or what did not arrive.
func (a *Audit) Missing() int64 { return a.total(missing) }

// Outstanding returns how many deliveries to connected members are on their way: not
// arrived, not overtaken, not given up. At the end of a run 0 means that waiting
// longer brings nothing, or only what Missing counts.
func (a *Audit) Outstanding() int64 {
	// What is done is read before what is promised: it is never more.
	done := a.total(due) - a.total(owedOutside)
	return a.total(promised) - done
}

// stream returns the stream of that number, or nil.
func (a *Audit) stream(id uint32) *Stream {
	all := *a.streams.Load()
	if n := id % maxStreams; id/maxStreams == a.worker && int(n) < len(all) {
		return all[n]
	}
	return nil
}
