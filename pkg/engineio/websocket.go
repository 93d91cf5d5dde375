package engineio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

const (
	// readBufferBytes is what an idle connection keeps for reading. Larger messages
	// are read past it, straight into a pooled buffer.
	readBufferBytes = 128
	// writeBufferBytes holds the largest control frame, so that the library hands it
	// over in one Write.
	writeBufferBytes = 136
	// framingAllowance is how many bytes more than MaxPayload one message may take on
	// the wire: headers of its fragments, and control frames between them.
	framingAllowance = 1 << 20
)

// conn is a WebSocket connection. The library does the handshake, reads, and answers
// control frames; data frames are made by Message and written by the flusher.
type conn struct {
	server *Server
	tcp    net.Conn
	raw    syscall.RawConn // nil if tcp has no descriptor that may be written directly (TLS)
	try    tryWriter       // nil if tcp is none
	ws     *websocket.Conn
	br     *bufio.Reader

	session  atomic.Pointer[Session] // nil while the connection is a probe
	parkSlot parkSlot

	// Owned by the reader.
	waiting  bool  // for the first byte of a message: a read deadline means silence
	budget   int   // bytes that the message may still take on the wire
	deadline int64 // of reads, in ns since the server's start
}

// tryWriter is a connection with a cheaper way than its descriptor, for as long as it
// lasts: TryWrite takes all of p without blocking, or nothing, and then never again.
type tryWriter interface {
	TryWrite(p []byte) bool
}

var errBudget = errors.New("engineio: message in too many fragments")

// accept makes a WebSocket connection of a request. Its goroutine ends; the
// connection lives on.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (*conn, error) {
	h := &hijacker{ResponseWriter: w, conn: &conn{server: s}}
	ws, err := websocket.Accept(h, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // origins are checked before
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(int64(s.cfg.MaxPayload))
	h.conn.ws = ws
	return h.conn, nil
}

// hijacker gives the library a connection with small buffers, so that those of
// net/http go back.
type hijacker struct {
	http.ResponseWriter
	conn *conn
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	tcp, brw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	c := h.conn
	c.tcp = tcp
	if t, ok := tcp.(syscall.Conn); ok {
		c.raw, _ = t.SyscallConn() // an error leaves nil: the blocking way
	}
	c.try, _ = tcp.(tryWriter)
	wire := &wire{conn: c}
	if n := brw.Reader.Buffered(); n > 0 { // sent together with the handshake
		early, _ := brw.Reader.Peek(n)
		wire.early = bytes.Clone(early)
	}
	c.br = bufio.NewReaderSize(wire, readBufferBytes)
	return wire, bufio.NewReadWriter(c.br, bufio.NewWriterSize(wire, writeBufferBytes)), nil
}

// wire is the connection as the library sees it.
type wire struct {
	*conn
	early []byte
}

// Read implements io.Reader. A deadline that passes in the middle of a message is no
// reason to fail: heartbeats find out whether the peer is alive.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(p, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	c := w.conn
	for {
		n, err := c.tcp.Read(p)
		if n == 0 && err != nil && !c.waiting && c.session.Load() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			if c.tcp.SetReadDeadline(time.Time{}) == nil {
				c.deadline = 0
				continue
			}
		}
		if c.budget -= n; c.budget < 0 {
			return n, errBudget
		}
		return n, err
	}
}

// Write implements io.Writer for the control frames of the library, one in each call.
func (w *wire) Write(frame []byte) (int, error) {
	out := bytes.Clone(frame)
	if len(out) > 4 && out[0] == 0x88 {
		out = out[:4] // a close frame: the code is enough, the text would be about our library
		out[1] = 2
	}
	s := w.conn.session.Load()
	if s == nil {
		_ = w.tcp.SetWriteDeadline(time.Now().Add(peerLinger))
		_, err := w.tcp.Write(out)
		return len(frame), err
	}
	err := s.sendControl(newRaw(out))
	if errors.Is(err, ErrSlow) { // it pings and does not read the pongs
		s.server.stats.slow.Add(1)
		s.fail(ReasonSlow)
	}
	return len(frame), err
}

// Close implements io.Closer for the library, which calls it while our queue may still
// hold its close frame: the session closes the connection.
func (w *wire) Close() error { return nil }

// The rest of net.Conn, which the library does not use.
func (w *wire) LocalAddr() net.Addr                { return w.tcp.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr               { return w.tcp.RemoteAddr() }
func (w *wire) SetDeadline(t time.Time) error      { return w.tcp.SetDeadline(t) }
func (w *wire) SetReadDeadline(t time.Time) error  { return w.tcp.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(t time.Time) error { return w.tcp.SetWriteDeadline(t) }

// sendControl queues a control frame behind the data that waits.
func (s *Session) sendControl(m *Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return ErrClosed
	}
	if s.queueBytes+m.size() > s.server.cfg.MaxQueueBytes || len(s.queue) >= s.server.cfg.MaxQueueMessages {
		return ErrSlow
	}
	s.queue = append(s.queue, m)
	s.queueBytes += m.size()
	s.kick()
	return nil
}

// close ends the connection at once. Its reader, or the parking, cleans up.
func (c *conn) close() {
	_ = c.tcp.Close()
	if c.unpark() {
		c.cleanUp()
	}
}

// farewell is called when the close frame has been written: the peer reads what was
// sent and answers, or its time runs out (waitPeer).
func (c *conn) farewell() {
	if t, ok := c.tcp.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite() // fails only if the connection is gone
	}
}

// cleanUp releases what the library holds, once nobody reads any more.
func (c *conn) cleanUp() {
	c.leaveParking()
	_ = c.ws.CloseNow()
}

// serveWebSocket opens a session on a WebSocket connection.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	hs := newHandshake(r, s.cfg.TrustedProxies)
	s.addHeaders(w, r, true)
	c, err := s.accept(w, r)
	if err != nil {
		s.stats.rejected(rejectBadRequest)
		return
	}
	s.open(hs, c)
	s.goroutines.Go(c.read)
}

// read hands on what the client sends until the connection ends or falls silent.
func (c *conn) read() {
	s := c.session.Load()
	buf := getBuffer()
	for {
		if c.canPark() && c.br.Buffered() == 0 && !c.awaitByte() {
			putBuffer(buf)
			if c.park() {
				return
			}
			buf = getBuffer()
			continue
		}
		p, err := c.readPacket(buf)
		if err != nil {
			c.readFailed(s, err)
			break
		}
		if !s.isOpen() {
			continue // discards what comes after the end, up to the peer's goodbye
		}
		s.server.stats.in(WebSocket, 1, len(p.data))
		if !s.receive(p) {
			break
		}
		if cap(*buf) > keepBuffer {
			buf = getBuffer()
		}
	}
	putBuffer(buf)
	_ = c.tcp.Close()
	c.cleanUp()
}

var (
	errText   = errors.New("engineio: text is not UTF-8")
	errPacket = errors.New("engineio: not a packet")
)

// readPacket reads one message into buf and decodes it.
func (c *conn) readPacket(buf *[]byte) (packet, error) {
	c.waiting, c.budget = false, c.server.cfg.MaxPayload+framingAllowance
	typ, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return packet{}, err
	}
	*buf, err = readAll(r, (*buf)[:0], c.server.cfg.MaxPayload+2) // the library's limit strikes first
	if err != nil {
		return packet{}, err
	}
	if typ == websocket.MessageBinary {
		return packet{kind: packetMessage, binary: true, data: *buf}, nil
	}
	if !validText(*buf) {
		return packet{}, errText
	}
	p, ok := decodeText(*buf)
	if !ok {
		return packet{}, errPacket
	}
	return p, nil
}

// readFailed ends the session for what ended its reading, and takes in what still comes
// of a peer that is told why.
func (c *conn) readFailed(s *Session, err error) {
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce): // the library has queued the answer
		s.close(ReasonTransportClose, nil)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		s.fail(ReasonTransportClose)
	case errors.Is(err, errPacket):
		s.close(ReasonParseError, closeFrame)
	case errors.Is(err, errText):
		s.close(ReasonParseError, statusFrame(websocket.StatusInvalidFramePayloadData))
	case errors.Is(err, errBudget):
		s.close(ReasonTransportError, statusFrame(websocket.StatusPolicyViolation))
	case isNetError(err):
		s.fail(ReasonTransportError)
	default: // a violation of the protocol: the library has queued its close frame
		s.close(ReasonTransportError, nil)
	}
	// Closing with unread bytes would reset the connection and take the close frame
	// with it. The clock ends this (waitPeer).
	_ = c.tcp.SetReadDeadline(time.Time{}) // fails only on a closed connection, as the read will
	_, _ = io.Copy(io.Discard, c.tcp)
	s.fail(ReasonTransportError)
}

func isNetError(err error) bool {
	var oe *net.OpError
	return errors.As(err, &oe) || errors.Is(err, net.ErrClosed)
}

func statusFrame(code websocket.StatusCode) *Message {
	return newRaw([]byte{0x88, 2, byte(code >> 8), byte(code)})
}
