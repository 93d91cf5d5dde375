package faulty

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
)

// stream is a WebSocket connection of a bad server. Its functions return silently when
// the connection ends.
type stream struct {
	conn net.Conn
	in   *bufio.Reader
}

// upgrade reads a request and, if it asks for WebSocket, accepts. Without a stream the
// request is still to be answered; without a request there is nobody to answer.
func upgrade(c net.Conn) (*stream, *http.Request) {
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, nil
	}
	key := r.Header.Get("Sec-WebSocket-Key")
	if key == "" {
		return nil, r
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 4.2.2
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	return &stream{conn: c, in: in}, r
}

// open sends the Engine.IO open packet.
func (s *stream) open() {
	s.send(`0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)
}

// connect goes as far as a connected socket.
func (s *stream) connect() {
	s.open()
	s.drain(1)
	s.send(`40{"sid":"def"}`)
}

// send sends a text frame of less than 64 KiB.
func (s *stream) send(text string) {
	_, _ = s.conn.Write(frame(text)) // a client that has gone: drain says so
}

func frame(text string) []byte {
	if len(text) < 126 {
		return append([]byte{0x81, byte(len(text))}, text...)
	}
	f := binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(len(text)))
	return append(f, text...)
}

// flood sends the same message until the connection ends, many at a time. What the
// client sends is not read.
func (s *stream) flood(text string) {
	var burst []byte
	for range 64 {
		burst = append(burst, frame(text)...)
	}
	for {
		if _, err := s.conn.Write(burst); err != nil {
			return
		}
	}
}

// drain reads n frames of the client; negative: all that come.
func (s *stream) drain(n int) {
	for ; n != 0; n-- {
		head := make([]byte, 2)
		if _, err := io.ReadFull(s.in, head); err != nil {
			return
		}
		length := int64(head[1] & 0x7f)
		switch length {
		case 126:
			var b [2]byte
			if _, err := io.ReadFull(s.in, b[:]); err != nil {
				return
			}
			length = int64(binary.BigEndian.Uint16(b[:]))
		case 127:
			var b [8]byte
			if _, err := io.ReadFull(s.in, b[:]); err != nil {
				return
			}
			length = int64(binary.BigEndian.Uint64(b[:]) & (1<<40 - 1))
		}
		if head[1]&0x80 != 0 {
			length += 4
		}
		if _, err := io.CopyN(io.Discard, s.in, length); err != nil || head[0]&0x0f == 8 {
			return
		}
	}
}
