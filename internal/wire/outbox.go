package wire

import (
	"encoding/base64"
	"strconv"
	"sync"
	"time"
)

// maxWaiting bounds what waits to be sent, in bytes. One packet is always taken by a
// queue that is not full, so a single one may be larger.
const maxWaiting = 1 << 20

// outbox is what a session sends. Packets are written by whoever sends them, as far as
// the kernel takes them at once; the rest waits for a goroutine that exists as long as
// something waits. With polling, everything waits for it.
type outbox struct {
	mu sync.Mutex
	// Guarded by mu, which is held while a system call that does not block writes.
	socket  *socket // nil: the session polls
	closed  bool
	held    bool // an upgrade is under way: nothing is sent
	busy    bool // a goroutine sends what waits
	waiting *buffer
}

// buffer holds frames, or, with polling, packets, each followed by a separator.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// maxPooled is the largest buffer that is kept for others, in bytes.
const maxPooled = 64 << 10

func (b *buffer) release() {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// separator is between the packets of a polling payload.
const separator = 0x1e

// message is a Socket.IO packet to be sent.
type message struct {
	kind        byte
	hasID       bool
	id          uint64
	payload     []byte
	attachments [][]byte
}

// append writes the packet, as an Engine.IO message, without its attachments.
func (m *message) append(dst []byte, namespace string) []byte {
	dst = append(dst, '4', m.kind)
	if len(m.attachments) > 0 {
		dst = strconv.AppendInt(dst, int64(len(m.attachments)), 10)
		dst = append(dst, '-')
	}
	dst = append(dst, namespace...)
	if m.hasID {
		dst = strconv.AppendUint(dst, m.id, 10)
	}
	return append(dst, m.payload...)
}

// send sends a message: at once, if the kernel takes it, or as soon as it does.
func (s *session) send(m message) error {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.begin(); err != nil {
		return err
	}
	w := o.waiting
	if o.socket == nil {
		w.b = append(m.append(w.b, s.client.target.prefix), separator)
		for _, a := range m.attachments {
			w.b = append(base64.StdEncoding.AppendEncode(append(w.b, 'b'), a), separator)
		}
		return s.transmit()
	}
	var start int
	w.b, start = beginFrame(w.b)
	w.b = endFrame(m.append(w.b, s.client.target.prefix), start, opText)
	for _, a := range m.attachments {
		w.b = appendFrame(w.b, opBinary, a)
	}
	return s.transmit()
}

// sendPacket sends an Engine.IO packet of text.
func (s *session) sendPacket(p string) error {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.begin(); err != nil {
		return err
	}
	o.appendPacket(p)
	return s.transmit()
}

func (o *outbox) appendPacket(p string) {
	w := o.waiting
	if o.socket == nil {
		w.b = append(append(w.b, p...), separator)
		return
	}
	var start int
	w.b, start = beginFrame(w.b)
	w.b = endFrame(append(w.b, p...), start, opText)
}

// sendControl sends a WebSocket control frame, if the session has got so far.
func (s *session) sendControl(opcode byte, payload []byte) error {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.begin(); err != nil || o.socket == nil {
		return err
	}
	o.waiting.b = appendFrame(o.waiting.b, opcode, payload)
	return s.transmit()
}

// sendGoodbye leaves the namespace and closes the session, as the official client's
// disconnect does.
func (s *session) sendGoodbye() error {
	o := &s.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.begin(); err != nil {
		return err
	}
	o.appendPacket("41" + s.client.target.prefix)
	if o.socket == nil {
		o.appendPacket("1")
	} else {
		o.waiting.b = appendClose(o.waiting.b, codeNormal)
	}
	return s.transmit()
}

// begin makes room for a packet. mu is held.
func (o *outbox) begin() error {
	if o.closed {
		return ErrNotConnected
	}
	if o.waiting == nil {
		o.waiting = buffers.Get().(*buffer)
	}
	if len(o.waiting.b) > maxWaiting {
		return ErrQueueFull
	}
	return nil
}

// transmit sends what waits, or sees to it that it is sent. mu is held.
func (s *session) transmit() error {
	o := &s.outbox
	if o.held || o.busy {
		return nil
	}
	if o.socket != nil && o.socket.link.raw != nil {
		n, err := o.socket.writeNow(o.waiting.b)
		if err != nil {
			return err
		}
		if n == len(o.waiting.b) {
			o.waiting.release()
			o.waiting = nil
			return nil
		}
		o.waiting.b = append(o.waiting.b[:0], o.waiting.b[n:]...)
	}
	o.busy = true
	s.workers.Go(s.flush)
	return nil
}

// flush is the goroutine that sends what waits until nothing does.
func (s *session) flush() {
	o := &s.outbox
	for {
		o.mu.Lock()
		batch, socket := o.waiting, o.socket
		if batch == nil || o.held {
			o.busy = false
			o.mu.Unlock()
			return
		}
		o.waiting = nil
		o.mu.Unlock()
		if err := s.flushBatch(socket, batch.b); err != nil {
			s.fail(err)
			return // and stay busy: what is sent from now on waits in vain
		}
		batch.release()
	}
}

func (s *session) flushBatch(socket *socket, batch []byte) error {
	if socket == nil {
		return s.poller.post(batch)
	}
	if _, err := socket.link.Write(batch); err != nil {
		return err
	}
	// What is written next without waiting would find the deadline passed.
	return s.lift(socket.link.tcp.SetWriteDeadline)
}

// lift takes a deadline away, unless the session ends.
func (s *session) lift(set func(time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		return set(time.Time{})
	}
	return s.cause
}

// close refuses what is sent from now on.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// idle says whether everything has been written. It is asked after close.
func (o *outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting == nil && !o.busy
}

func (s *session) transport() Transport {
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	if s.outbox.socket == nil {
		return Polling
	}
	return WebSocket
}
