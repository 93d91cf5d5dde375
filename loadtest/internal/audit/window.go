package audit

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// Window bounds the messages of some publishers that are on their way: sent, and not
// yet with everybody who was in the room. A message is also done with a member when
// that has got a later one of the same stream, has left or lost its connection. A
// Window may be used from any goroutine.
type Window struct {
	size int
	free chan struct{}

	// Guarded by mu.
	mu      sync.Mutex
	streams []*Stream
}

// NewWindow returns a window for size messages, at least 1.
func NewWindow(size int) *Window {
	w := &Window{size: max(size, 1)}
	w.free = make(chan struct{}, w.size)
	for range w.size {
		w.free <- struct{}{}
	}
	return w
}

// Free yields a value for each message that may be sent. Who has taken one calls
// Stream.Next once, or Return.
func (w *Window) Free() <-chan struct{} { return w.free }

// Return gives back what was taken from Free for a message that was not made.
func (w *Window) Return() {
	select {
	case w.free <- struct{}{}:
	default: // more was given back than taken
	}
}

// Expire gives up waiting for messages that were sent before t, by Audit.Now, and
// returns how many. It is for servers that lose what nothing later overtakes.
func (w *Window) Expire(t int64) (n int) {
	w.mu.Lock()
	streams := slices.Clone(w.streams)
	w.mu.Unlock()
	for _, s := range streams {
		s.room.mu.Lock()
		old := s.log.from(t)
		s.room.mu.Unlock()
		n += s.flight.expire(old)
	}
	return n
}

func (w *Window) register(s *Stream) *flight {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.streams = append(w.streams, s)
	return &flight{window: w, slots: make([]atomic.Uint64, 1<<bits.Len(uint(w.size-1)))}
}

// unregister takes a stream out that sends nothing more. What it has on its way still
// comes back, but does not expire.
func (w *Window) unregister(s *Stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.streams, s); i >= 0 {
		w.streams = slices.Delete(w.streams, i, i+1)
	}
}

// flight is the messages of one stream that are on their way. Every member is done
// with them in the order of their numbers, so they follow each other, are not more
// than the window's size, and each has a slot by its number.
type flight struct {
	window *Window
	slots  []atomic.Uint64 // number << 32 | members that are not done with it
}

func (f *flight) sent(m Sent) {
	if m.Members == 0 {
		f.window.Return()
		return
	}
	old := f.slots[int(m.Seq)&(len(f.slots)-1)].Swap(uint64(m.Seq)<<32 | uint64(m.Members))
	if uint32(old) != 0 {
		f.window.Return() // somebody sent without a place in the window
	}
}

// done takes one member off messages from up to, not including, to.
func (f *flight) done(from, to uint32) {
	if n := uint32(len(f.slots)); to-from > n {
		from = to - n // older ones have no slot any more
	}
	for ; from < to; from++ {
		f.take(from, 1)
	}
}

// forget takes a message off whoever waits for it.
func (f *flight) forget(seq uint32) bool { return f.take(seq, 1<<31) }

func (f *flight) take(seq, members uint32) (landed bool) {
	slot := &f.slots[int(seq)&(len(f.slots)-1)]
	for {
		v := slot.Load()
		left := uint32(v)
		if uint32(v>>32) != seq || left == 0 {
			return false
		}
		if slot.CompareAndSwap(v, v-uint64(min(members, left))) {
			if left <= members {
				f.window.Return()
				return true
			}
			return false
		}
	}
}

// expire forgets messages before number old.
func (f *flight) expire(old uint32) (n int) {
	for i := range f.slots {
		v := f.slots[i].Load()
		if seq := uint32(v >> 32); uint32(v) != 0 && seq < old && f.forget(seq) {
			n++
		}
	}
	return n
}
