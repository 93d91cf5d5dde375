package engineio

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/coder/websocket"
)

// mayPark reports whether the connection can park and nothing has arrived of it yet.
func (c *conn) mayPark() bool { return c.canPark() && c.br.Buffered() == 0 && len(c.early) == 0 }

// read hands on what the client sends until the connection ends or falls silent. ready
// says that bytes have arrived.
func (c *conn) read(ready bool) {
	s := c.session.Load()
	buf := getBuffer()
	for {
		if !ready && c.mayPark() && !c.awaitByte() {
			putBuffer(buf)
			if c.park() {
				return
			}
			buf = getBuffer()
			continue
		}
		ready = false
		p, err := c.readPacket(buf)
		if err != nil {
			c.readFailed(s, err)
			break
		}
		if !s.isOpen() {
			continue // discards what comes after the end, up to the peer's goodbye
		}
		s.server.stats.in(WebSocket, len(p.data))
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
