package wire

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

// socket is a WebSocket of a session (RFC 6455).
type socket struct {
	session *session
	link    *link

	// Immutable: methods as values, so that using them allocates nothing.
	readable, writable func(fd uintptr) bool

	// Owned by the reading goroutine.
	in         *inbox // nil while no bytes are left over
	failed     error  // what readable ended with
	fragmented bool   // a message has begun, of which frames are to come
	fragmentOp byte
	fragments  []byte

	// Guarded by the outbox's mu.
	unwritten []byte
	written   int
	writeErr  error
}

func newSocket(s *session, l *link) *socket {
	w := &socket{session: s, link: l}
	w.readable, w.writable = w.onReadable, w.onWritable
	return w
}

// run reads until the session ends.
func (w *socket) run() error {
	if err := w.consume(); err != nil {
		return err
	}
	for {
		if w.link.raw == nil || w.session.client.rate.Load() >= 0 {
			if err := w.receive(); err != nil {
				return err
			}
			continue
		}
		err := w.link.raw.Read(w.readable)
		if w.failed != nil {
			return w.failed
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if err := w.session.attend(w.link); err != nil {
			return err
		}
		if w.session.rested.Swap(false) && w.in == nil {
			return errRested
		}
	}
}

// onReadable reads and handles what is there. It returns false to be called again when
// there is more, and true when the goroutine has to look up.
//
// Messages are handled within, so that a busy connection goes from one to the next with
// nothing but system calls in between. The buffer is borrowed meanwhile: a connection
// that waits has none.
func (w *socket) onReadable(fd uintptr) bool {
	for {
		if w.session.woken.Load() {
			return true
		}
		in := w.borrow()
		n, again, err := readNow(fd, in.b[in.end:])
		switch {
		case again:
			w.giveBack()
			return false
		case err != nil:
			w.failed = err
			return true
		case n == 0:
			w.failed = io.EOF
			return true
		}
		in.end += n
		in.event.At = time.Now()
		w.session.received(n)
		if w.failed = w.consume(); w.failed != nil {
			return true
		}
	}
}

// receive reads once and handles what has come.
func (w *socket) receive() error {
	in := w.borrow()
	n, err := w.link.Read(in.b[in.end:])
	in.end += n
	in.event.At = time.Now()
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	if n == 0 {
		return err
	}
	err = w.consume()
	w.giveBack()
	return err
}

// consume handles the frames that are complete, and makes room for what is to come.
func (w *socket) consume() error {
	in := w.in
	if in == nil {
		return nil
	}
	limit := w.session.client.cfg.MaxMessage
	need := 1
	for !w.session.halted {
		b := in.b[in.start:in.end]
		h, err := parseFrameHeader(b, limit)
		if err != nil {
			return err
		}
		if h.size == 0 || len(b) < h.size+h.length {
			need = h.size + h.length
			break
		}
		in.start += h.size + h.length
		if err := w.frame(h, b[h.size:h.size+h.length]); err != nil {
			return err
		}
	}
	in.makeRoom(need)
	return nil
}

// frame handles a frame.
func (w *socket) frame(h frameHeader, payload []byte) error {
	switch h.opcode {
	case opText, opBinary:
		if w.fragmented {
			return fmt.Errorf("%w: a message within another", ErrBadFrame)
		}
		if h.fin {
			return w.message(h.opcode, payload)
		}
		w.fragmented, w.fragmentOp = true, h.opcode
		w.fragments = append(w.fragments[:0], payload...)
		return nil
	case opContinuation:
		return w.continuation(h, payload)
	case opPing:
		return w.session.sendControl(opPong, payload)
	case opClose:
		closing, err := parseClose(payload)
		if err != nil {
			return err
		}
		return closing
	}
	return nil // a pong
}

func (w *socket) continuation(h frameHeader, payload []byte) error {
	if !w.fragmented {
		return fmt.Errorf("%w: continuation of nothing", ErrBadFrame)
	}
	if len(w.fragments)+len(payload) > w.session.client.cfg.MaxMessage {
		return fmt.Errorf("%w: fragments of %d bytes", ErrTooBig, len(w.fragments)+len(payload))
	}
	w.fragments = append(w.fragments, payload...)
	if !h.fin {
		return nil
	}
	whole := w.fragments
	w.fragmented, w.fragments = false, nil
	return w.message(w.fragmentOp, whole)
}

func (w *socket) message(opcode byte, payload []byte) error {
	if opcode == opBinary {
		return w.session.binary(payload, &w.in.event)
	}
	if !utf8.Valid(payload) {
		return errInvalidText
	}
	return w.session.packet(payload, &w.in.event)
}

// errInvalidText is a text message that is not UTF-8.
var errInvalidText = fmt.Errorf("%w: text is not UTF-8", ErrBadFrame)

// writeNow writes what the kernel takes. The outbox's mu is held.
func (w *socket) writeNow(b []byte) (int, error) {
	w.unwritten, w.written, w.writeErr = b, 0, nil
	err := w.link.raw.Write(w.writable)
	w.unwritten = nil
	if w.writeErr != nil {
		err = w.writeErr
	}
	w.session.client.out.Add(int64(w.written))
	return w.written, err
}

func (w *socket) onWritable(fd uintptr) bool {
	w.written, w.writeErr = writeNow(fd, w.unwritten)
	return true
}

// farewellWait bounds the write of a last frame.
const farewellWait = 100 * time.Millisecond

// farewell tells the server why the client goes, if that is worth a close frame and no
// other frame is half written. The outbox is closed.
func (w *socket) farewell() {
	if w.in != nil {
		w.in.start = w.in.end
		w.giveBack()
	}
	code, ok := closeCode(w.session.because(nil))
	if !ok || w.session.leaving.Load() || !w.session.outbox.idle() {
		return
	}
	_ = w.link.tcp.SetWriteDeadline(time.Now().Add(farewellWait))
	if n, err := w.link.conn.Write(appendClose(nil, code)); err == nil {
		w.session.client.out.Add(int64(n))
	}
}

// closeCode returns the code to close with after an error; ok is false if the connection
// has failed, so that nothing can be said.
func closeCode(err error) (code int, ok bool) {
	var closing *CloseError
	switch {
	case errors.As(err, &closing):
		return closing.Code, true // the echo that ends the handshake
	case errors.Is(err, errInvalidText):
		return codeInvalidText, true
	case errors.Is(err, ErrBadFrame):
		return codeProtocol, true
	case errors.Is(err, ErrTooBig):
		return codeTooBig, true
	case errors.Is(err, ErrBadPacket), errors.Is(err, ErrPingTimeout), errors.Is(err, ErrServerDisconnect),
		errors.Is(err, ErrNotSocketIO), errors.As(err, new(*ConnectError)):
		return codeNone, true // as the official client, which gives no code
	}
	return 0, false
}
