package e2e

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

const (
	pollingQuery   = "/socket.io/?EIO=4&transport=polling"
	webSocketQuery = "/socket.io/?EIO=4&transport=websocket"

	// patience bounds each wait of a raw client. Timeouts that a test is about are
	// an order of magnitude shorter.
	patience = 15 * time.Second
)

// The opcodes of RFC 6455 5.2, with FIN set.
const (
	textFrame   = 0x81
	binaryFrame = 0x82
	closeFrame  = 0x88
	pongFrame   = 0x8a
)

// dropped is the close code of a connection that ended without a close frame.
const dropped = 1006

// noCode is the close code of a close frame without one.
const noCode = 1005

// packet is one message that a raw client received.
type packet struct {
	data   string
	binary bool
}

// wsClient is a WebSocket client that sends exactly the bytes a test names. It
// answers pings of Engine.IO until a test stops it. Its methods may be called
// from one goroutine.
type wsClient struct {
	t    testing.TB
	conn *net.TCPConn
	open struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int      `json:"pingInterval"`
		PingTimeout  int      `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}
	packets chan packet   // closed at the end of the connection
	code    int           // valid once packets is closed
	done    chan struct{} // closed when the reader has ended
	over    chan struct{} // closed when the test is over
	nextAck int

	mu     sync.Mutex // one writer at a time
	silent bool       // Guarded by mu. Pings are not answered.
}

func dialTCP(t testing.TB, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// upgradeRequest is a WebSocket handshake for a path with its query.
func upgradeRequest(path string, headers ...string) string {
	lines := append([]string{
		"GET " + path + " HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// dialWS opens a WebSocket and starts to read it.
func dialWS(t testing.TB, address, path string) *wsClient {
	t.Helper()
	conn := dialTCP(t, address)
	return handshakeWS(t, conn, upgradeRequest(path))
}

// handshakeWS sends a handshake with whatever follows it, which must be accepted.
func handshakeWS(t testing.TB, conn *net.TCPConn, request string) *wsClient {
	t.Helper()
	write(t, conn, request)
	reader := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("handshake: %v", err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("handshake: %s: %s", response.Status, body)
	}
	_ = conn.SetReadDeadline(time.Time{})
	c := &wsClient{t: t, conn: conn, packets: make(chan packet, 1<<14), done: make(chan struct{}), over: make(chan struct{})}
	go c.read(reader)
	t.Cleanup(func() {
		close(c.over)
		_ = conn.Close()
		<-c.done
	})
	return c
}

func write(t testing.TB, conn net.Conn, data string) {
	t.Helper()
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, data); err != nil {
		t.Logf("write: %v", err) // the server may close before it has read all: the row judges by what follows
	}
}

// openWS opens a session that is born on WebSocket.
func openWS(t testing.TB, address string) *wsClient {
	t.Helper()
	c := dialWS(t, address, webSocketQuery)
	c.readOpen()
	return c
}

func (c *wsClient) readOpen() {
	c.t.Helper()
	first := c.next()
	if !strings.HasPrefix(first.data, "0") || json.Unmarshal([]byte(first.data[1:]), &c.open) != nil {
		c.t.Fatalf("first packet %q, expected an open packet", first.data)
	}
}

// joinedWS opens a session and connects it to the main namespace.
func joinedWS(t testing.TB, address string) *wsClient {
	t.Helper()
	c := openWS(t, address)
	c.send("40")
	c.expectPrefix(`40{"sid":"`)
	return c
}

// read takes frames until the connection ends.
func (c *wsClient) read(reader *bufio.Reader) {
	defer close(c.done)
	defer close(c.packets)
	c.code = dropped
	for {
		op, payload, err := readFrame(reader)
		if err != nil {
			return
		}
		switch {
		case op == closeFrame:
			c.code = noCode
			if len(payload) >= 2 {
				c.code = int(binary.BigEndian.Uint16(payload))
			}
			return
		case op == textFrame && !utf8.Valid(payload):
			c.t.Errorf("a text frame that is not UTF-8: %q", payload)
		case op == textFrame && string(payload) == "2" && !c.isSilent():
			c.send("3")
			continue
		}
		if op == textFrame || op == binaryFrame {
			select {
			case c.packets <- packet{string(payload), op == binaryFrame}:
			case <-c.over:
				return
			}
		}
	}
}

func readFrame(reader *bufio.Reader) (op byte, payload []byte, err error) {
	head := make([]byte, 2, 10)
	if _, err := io.ReadFull(reader, head); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1])
	if wide := map[uint64]int{126: 2, 127: 8}[length]; wide > 0 {
		extended := make([]byte, 8)
		if _, err := io.ReadFull(reader, extended[8-wide:]); err != nil {
			return 0, nil, err
		}
		length = binary.BigEndian.Uint64(extended)
	}
	if length > 64<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", length)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(reader, payload)
	return head[0], payload, err
}

// frame returns the bytes of one frame with a zero mask.
func frame(first byte, payload string) string {
	header := []byte{first}
	switch n := len(payload); {
	case n < 126:
		header = append(header, 0x80|byte(n))
	case n <= 0xffff:
		header = binary.BigEndian.AppendUint16(append(header, 0x80|126), uint16(n))
	default:
		header = binary.BigEndian.AppendUint64(append(header, 0x80|127), uint64(n))
	}
	return string(append(header, 0, 0, 0, 0)) + payload
}

// send writes each packet as a text frame.
func (c *wsClient) send(packets ...string) {
	var all strings.Builder
	for _, p := range packets {
		all.WriteString(frame(textFrame, p))
	}
	c.write(all.String())
}

func (c *wsClient) write(raw string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c.conn, raw) // a failed write shows as the end of the connection
}

func (c *wsClient) isSilent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silent
}

// ignorePings stops the answers to pings.
func (c *wsClient) ignorePings() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = true
}

// next returns the next packet that is not a ping, and fails at the end of the
// connection.
func (c *wsClient) next() packet {
	c.t.Helper()
	select {
	case p, open := <-c.packets:
		if !open {
			c.t.Fatalf("the connection ended with %d", c.code)
		}
		return p
	case <-time.After(patience):
		c.t.Fatal("nothing came")
		return packet{}
	}
}

func (c *wsClient) expect(want string) {
	c.t.Helper()
	if got := c.next(); got.data != want {
		c.t.Fatalf("received %.300q, expected %.300q", got.data, want)
	}
}

// expectPrefix skips what the test server says to newcomers.
func (c *wsClient) expectPrefix(want string) string {
	c.t.Helper()
	for {
		got := c.next().data
		if strings.HasPrefix(got, want) {
			return got
		}
		if !strings.HasPrefix(got, `42["auth"`) && got != "2" {
			c.t.Fatalf("received %.300q, expected %.300q…", got, want)
		}
	}
}

// expectClose waits for the end of the connection, with one of the codes.
func (c *wsClient) expectClose(codes ...int) {
	c.t.Helper()
	limit := time.After(patience)
	var last string
	for {
		select {
		case p, open := <-c.packets:
			if open {
				last = p.data
				continue
			}
			if !slices.Contains(codes, c.code) {
				c.t.Fatalf("closed with %d, expected %v", c.code, codes)
			}
			return
		case <-limit:
			c.t.Fatalf("still open; last received %.200q", last)
		}
	}
}

// untilEnd yields packets until the connection ends.
func (c *wsClient) untilEnd() iter.Seq[packet] {
	c.t.Helper()
	return func(yield func(packet) bool) {
		limit := time.After(patience)
		for {
			select {
			case p, open := <-c.packets:
				if !open || !yield(p) {
					return
				}
			case <-limit:
				c.t.Fatal("neither an answer nor the end of the connection")
			}
		}
	}
}

// ask sends an event that is acknowledged and returns the answer's arguments.
func (c *wsClient) ask(event string) string {
	c.t.Helper()
	c.nextAck++
	id := fmt.Sprint(700 + c.nextAck)
	c.send("42" + id + event)
	return strings.TrimPrefix(c.expectPrefix("43"+id), "43"+id)
}

// expectAlive checks that an event of this client is still answered.
func (c *wsClient) expectAlive() {
	c.t.Helper()
	if got := c.ask(`["leave","nowhere"]`); got != `[{"ok":true}]` {
		c.t.Fatalf("answered %q", got)
	}
}

func (c *wsClient) join(room string) {
	c.t.Helper()
	if got := c.ask(fmt.Sprintf(`["join",%q]`, room)); got != `[{"ok":true}]` {
		c.t.Fatalf("join answered %q", got)
	}
}

// reset ends the connection with RST.
func (c *wsClient) reset() {
	_ = c.conn.SetLinger(0)
	_ = c.conn.Close()
}
