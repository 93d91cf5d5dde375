package engineio

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"

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
	// Part of conn, since handshakes and tokens leave much garbage of their sizes behind: as
	// allocations of their own they would keep its pages.
	br bufio.Reader
	bw bufio.Writer // the library's, for control frames

	session  atomic.Pointer[Session] // nil while the connection is a probe
	parkSlot parkSlot

	// Owned by the reader.
	waiting  bool   // for the first byte of a message: a read deadline means silence
	failed   error  // what ended that wait; a socket says it once and then only EOF
	budget   int    // bytes that the message may still take on the wire
	early    []byte // arrived together with the handshake
	deadline int64  // of reads, Unix ns; 0: none
	waited   int64  // when the reader last waited for a message, Unix ns
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
	if t, ok := tcp.(syscall.Conn); ok && canWriteNow {
		c.raw, _ = t.SyscallConn() // an error leaves nil: the blocking way
	}
	c.try, _ = tcp.(tryWriter)
	wire := &wire{conn: c}
	if n := brw.Reader.Buffered(); n > 0 { // sent together with the handshake
		early, _ := brw.Reader.Peek(n)
		c.early = bytes.Clone(early)
	}
	c.br, c.bw = *bufio.NewReaderSize(wire, readBufferBytes), *bufio.NewWriterSize(wire, writeBufferBytes)
	return wire, bufio.NewReadWriter(&c.br, &c.bw), nil
}

// close ends the connection at once. Its reader, or the parking, cleans up.
func (c *conn) close() {
	if t, ok := c.tcp.(interface{ NetConn() net.Conn }); ok {
		_ = t.NetConn().Close() // TLS would wait for a full connection to take its goodbye
	}
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

// serveWebSocket opens a session on a WebSocket connection, and reports whether it has
// begun.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) bool {
	hs := newHandshake(r, s.cfg.TrustedProxies)
	s.addHeaders(w, r, true)
	c, err := s.accept(w, r)
	if err != nil {
		s.stats.rejected(rejectBadRequest)
		return false
	}
	if s.open(hs, c) == nil { // the server has ended
		c.close()
		c.cleanUp()
		return false
	}
	if !c.mayPark() || !c.park() {
		s.start(c, func() { c.read(false) })
	}
	return true
}
