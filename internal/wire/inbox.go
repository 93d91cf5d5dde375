package wire

import "sync"

// inbox is a buffer for what is read, with the event that is handed out of it: both are
// borrowed only while there are bytes.
type inbox struct {
	b          []byte
	start, end int // of the bytes not handled yet
	event      Event
}

// inboxSize is what is read at once. It holds a hundred small events of a burst.
const inboxSize = 16 << 10

var inboxes = sync.Pool{New: func() any { return &inbox{b: make([]byte, inboxSize)} }}

func (w *socket) borrow() *inbox {
	if w.in == nil {
		w.in = inboxes.Get().(*inbox)
	}
	return w.in
}

// giveBack returns the buffer if nothing is left in it.
func (w *socket) giveBack() {
	in := w.in
	if in == nil || in.start < in.end {
		return
	}
	w.in = nil
	in.release()
}

func (in *inbox) release() {
	if len(in.b) == inboxSize {
		in.start, in.end = 0, 0
		clear(in.event.Attachments)
		in.event = Event{Attachments: in.event.Attachments[:0]}
		inboxes.Put(in)
	}
}

// makeRoom sees to it that there is room after end, for a frame of need bytes that begins
// at start. It grows by doubling as bytes arrive, not to whatever size a header announces.
func (in *inbox) makeRoom(need int) {
	if in.start == in.end {
		in.start, in.end = 0, 0
	}
	if len(in.b)-in.start >= need && in.end < len(in.b) {
		return
	}
	in.end = copy(in.b, in.b[in.start:in.end])
	in.start = 0
	if in.end == len(in.b) {
		in.b = append(in.b, make([]byte, min(len(in.b), max(need-len(in.b), 1)))...)
	}
}
