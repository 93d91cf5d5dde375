package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// webSocketServer accepts one connection after the other, answers the handshake of
// WebSocket, opens a session, and lets each go on with script.
func webSocketServer(t testing.TB, script func(conn net.Conn, br *bufio.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			br := bufio.NewReader(conn)
			if err := acceptWebSocket(conn, br); err == nil {
				script(conn, br)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return "http://" + ln.Addr().String()
}

func acceptWebSocket(conn net.Conn, br *bufio.Reader) error {
	req, err := http.ReadRequest(br)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		acceptKey(req.Header.Get("Sec-Websocket-Key")))
	return err
}

// serverFrame makes an unmasked frame.
func serverFrame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = append(b, 126, byte(n>>8), byte(n))
	default:
		b = append(b, 127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, payload...)
}

const openPacket = `0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`

// admit opens a session and lets the client into its namespace.
func admit(conn net.Conn, br *bufio.Reader) error {
	if _, err := conn.Write(serverFrame(0x81, openPacket)); err != nil {
		return err
	}
	if _, _, err := readClientFrame(br); err != nil {
		return err
	}
	_, err := conn.Write(serverFrame(0x81, `40{"sid":"a"}`))
	return err
}

// readClientFrame reads a short frame and takes its mask off.
func readClientFrame(br *bufio.Reader) (opcode byte, payload string, err error) {
	var h [2]byte
	if _, err = io.ReadFull(br, h[:]); err != nil {
		return 0, "", err
	}
	n := int(h[1] & 0x7f)
	if h[1]&0x80 == 0 || n == 127 {
		return 0, "", fmt.Errorf("frame header %x", h)
	}
	if n == 126 {
		var long [2]byte
		if _, err = io.ReadFull(br, long[:]); err != nil {
			return 0, "", err
		}
		n = int(long[0])<<8 | int(long[1])
	}
	b := make([]byte, 4+n)
	if _, err = io.ReadFull(br, b); err != nil {
		return 0, "", err
	}
	for i := range b[4:] {
		b[4+i] ^= b[i%4]
	}
	return h[0] & 0x0f, string(b[4:]), nil
}

// counter is a Handler that counts.
type counter struct {
	events atomic.Int64
	want   int64
	all    chan struct{}
}

func (h *counter) Connected(*Client, Opened)   {}
func (h *counter) Disconnected(*Client, error) {}
func (h *counter) Failed(*Client, error)       {}
func (h *counter) Event(*Client, *Event) {
	if h.events.Add(1) == h.want {
		close(h.all)
	}
}

// burst is a number of events as a server sends them, one frame each.
func burst(n, size int) []byte {
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = 'x'
	}
	frame := serverFrame(0x81, fmt.Sprintf(`42["msg","%s"]`, payload))
	var b []byte
	for range n {
		b = append(b, frame...)
	}
	return b
}
