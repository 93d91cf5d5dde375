package wire

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// acks are the answers that a session waits for, in the order of their ids, which is
// that of their deadlines.
type acks struct {
	session *session
	due     atomic.Int64 // when one is overdue, at the earliest; Unix nanoseconds, 0: none waits

	mu sync.Mutex
	// Guarded by mu.
	next    uint64
	waiting []pendingAck // the first is never an answered one
}

type pendingAck struct {
	id     uint64
	due    int64
	answer func([]byte, error) // nil: answered
}

func (a *acks) add(answer func([]byte, error)) uint64 {
	due := time.Now().Add(a.session.client.cfg.AckTimeout).UnixNano()
	a.mu.Lock()
	defer a.mu.Unlock()
	id := a.next
	a.next++
	a.waiting = append(a.waiting, pendingAck{id: id, due: due, answer: answer})
	if len(a.waiting) == 1 {
		a.due.Store(due)
	}
	return id
}

// take returns what waits for an answer, and forgets it. nil: nothing does.
func (a *acks) take(id uint64) func([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := sort.Search(len(a.waiting), func(i int) bool { return a.waiting[i].id >= id })
	if i == len(a.waiting) || a.waiting[i].id != id {
		return nil
	}
	answer := a.waiting[i].answer
	a.waiting[i].answer = nil
	a.trim()
	return answer
}

// trim forgets what has been answered at the front. mu is held.
func (a *acks) trim() {
	n := 0
	for n < len(a.waiting) && a.waiting[n].answer == nil {
		n++
	}
	if n == len(a.waiting) {
		a.waiting = a.waiting[:0]
		a.due.Store(0)
		return
	}
	if n > 0 {
		a.waiting = append(a.waiting[:0], a.waiting[n:]...)
		a.due.Store(a.waiting[0].due)
	}
}

// expire tells those that have waited too long.
func (a *acks) expire(now time.Time) {
	if due := a.due.Load(); due == 0 || due > now.UnixNano() {
		return
	}
	a.drop(func(p pendingAck) bool { return p.due <= now.UnixNano() }, ErrAckTimeout)
}

// fail tells all that the session has ended.
func (a *acks) fail() {
	a.drop(func(pendingAck) bool { return true }, ErrDisconnected)
}

func (a *acks) drop(which func(pendingAck) bool, err error) {
	var dropped []func([]byte, error)
	a.mu.Lock()
	for i, p := range a.waiting {
		if p.answer != nil && which(p) {
			dropped = append(dropped, p.answer)
			a.waiting[i].answer = nil
		}
	}
	a.trim()
	a.mu.Unlock()
	for _, answer := range dropped {
		answer(nil, err)
	}
}
