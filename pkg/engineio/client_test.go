package engineio

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	pollingQuery   = "EIO=4&transport=polling"
	webSocketQuery = "EIO=4&transport=websocket"
)

// answer is a whole HTTP answer. status is 0 if there was none.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) expect(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("answer is %d %q, want %d %q", a.status, a.body, status, body)
	}
}

// do makes a request with header lines such as "Origin: x".
func (w *world) do(method, query string, body io.Reader, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(method, "http://server/engine.io/?"+query, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (w *world) get(query string, headers ...string) answer {
	w.t.Helper()
	return w.do(http.MethodGet, query, nil, headers...)
}

// poller is a client on the polling transport.
type poller struct {
	*world
	query string
	peer  *peer
}

// openFields is the content of an open packet.
type openFields struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int64    `json:"pingInterval"`
	PingTimeout  int64    `json:"pingTimeout"`
	MaxPayload   int64    `json:"maxPayload"`
}

func parseOpen(t *testing.T, p string) (o openFields) {
	t.Helper()
	if !strings.HasPrefix(p, "0") {
		t.Fatalf("no open packet: %q", p)
	}
	d := json.NewDecoder(strings.NewReader(p[1:]))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		t.Fatalf("open packet %q: %v", p, err)
	}
	return o
}

func (w *world) openPolling() *poller {
	w.t.Helper()
	a := w.get(pollingQuery)
	if a.status != http.StatusOK {
		w.t.Fatalf("handshake answered with %d %q", a.status, a.body)
	}
	return &poller{world: w, query: pollingQuery + "&sid=" + parseOpen(w.t, a.body).SID, peer: w.session()}
}

func (p *poller) poll(headers ...string) answer {
	p.t.Helper()
	return p.get(p.query, headers...)
}

func (p *poller) post(body string) answer {
	p.t.Helper()
	return p.do(http.MethodPost, p.query, strings.NewReader(body), "Content-Type: text/plain;charset=UTF-8")
}

// later is poll, answered through a channel.
func (p *poller) later() <-chan answer {
	c := make(chan answer, 1)
	go func() { c <- p.poll() }()
	return c
}

// socket is a client on the WebSocket transport that can break the rules.
type socket struct {
	t    *testing.T
	conn net.Conn
	br   *bufio.Reader
	peer *peer
}

// frame is what the server sent.
type frame struct {
	opcode byte
	data   string
}

const webSocketHeaders = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

// handshake asks for a WebSocket, with early bytes in the same write.
func (w *world) handshake(query, headers, early string) (*socket, *http.Response) {
	w.t.Helper()
	conn := w.dial()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute)) // no test waits for ever
	w.t.Cleanup(func() { _ = conn.Close() })
	c := &socket{t: w.t, conn: conn, br: bufio.NewReader(conn)}
	// A pipe has no buffer: the server may answer before it has read all.
	wrote := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, "GET /engine.io/?"+query+" HTTP/1.1\r\nHost: server\r\n"+webSocketHeaders+headers+"\r\n"+early)
		wrote <- err
	}()
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		w.t.Fatalf("handshake: %v", err)
	}
	if err = <-wrote; err != nil && resp.StatusCode == http.StatusSwitchingProtocols {
		w.t.Fatalf("handshake: %v", err)
	}
	return c, resp
}

// dialWebSocket asks for a WebSocket and expects one.
func (w *world) dialWebSocket(query string) *socket {
	w.t.Helper()
	c, resp := w.handshake(query, "", "")
	if resp.StatusCode != http.StatusSwitchingProtocols {
		b, _ := io.ReadAll(resp.Body)
		w.t.Fatalf("WebSocket refused with %d %q", resp.StatusCode, b)
	}
	return c
}

// openWebSocket opens a session and takes its open packet.
func (w *world) openWebSocket() *socket {
	w.t.Helper()
	c := w.dialWebSocket(webSocketQuery)
	c.peer = w.session()
	parseOpen(w.t, c.readText())
	return c
}

// clientFrame is a frame with an empty mask, so that its payload is readable.
func clientFrame(first byte, data string) string {
	h := []byte{first}
	switch n := len(data); {
	case n < 126:
		h = append(h, 0x80|byte(n))
	case n <= 0xffff:
		h = binary.BigEndian.AppendUint16(append(h, 0x80|126), uint16(n))
	default:
		h = binary.BigEndian.AppendUint64(append(h, 0x80|127), uint64(n))
	}
	return string(h) + "\x00\x00\x00\x00" + data
}

// write sends raw bytes. The server may have closed the connection: what it answered
// is what matters.
func (c *socket) write(raw string) { _, _ = io.WriteString(c.conn, raw) }

func (c *socket) text(packet string) { c.write(clientFrame(0x81, packet)) }

// read returns the next frame, or what ended the connection.
func (c *socket) read() (frame, error) {
	var h [2]byte
	if _, err := io.ReadFull(c.br, h[:]); err != nil {
		return frame{}, err
	}
	if h[0]&0x70 != 0 || h[0]&0x80 == 0 || h[1]&0x80 != 0 {
		return frame{}, errors.New("the server's frame is fragmented, masked or has reserved bits")
	}
	n := uint64(h[1])
	switch n {
	case 126:
		var l [2]byte
		if _, err := io.ReadFull(c.br, l[:]); err != nil {
			return frame{}, err
		}
		n = uint64(binary.BigEndian.Uint16(l[:]))
	case 127:
		var l [8]byte
		if _, err := io.ReadFull(c.br, l[:]); err != nil {
			return frame{}, err
		}
		n = binary.BigEndian.Uint64(l[:])
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c.br, b)
	return frame{h[0] & 15, string(b)}, err
}

// readText returns the next frame, which must be text.
func (c *socket) readText() string {
	c.t.Helper()
	f, err := c.read()
	if err != nil || f.opcode != 1 {
		c.t.Fatalf("read %+v, %v; want a text frame", f, err)
	}
	return f.data
}

func (c *socket) expectText(want string) {
	c.t.Helper()
	if got := c.readText(); got != want {
		c.t.Fatalf("read %.80q, want %.80q", got, want)
	}
}

const (
	noCode  = 1005 // a close frame without a code
	noClose = 1006 // the connection ended without a close frame
)

// closeCode reads up to the end of the connection and returns how it ended.
func (c *socket) closeCode() int {
	c.t.Helper()
	code := noClose
	for {
		f, err := c.read()
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				c.t.Fatalf("the server has not closed the connection")
			}
			return code
		}
		if f.opcode == 8 && len(f.data) == 0 {
			code = noCode
		} else if f.opcode == 8 {
			code = int(binary.BigEndian.Uint16([]byte(f.data)))
			if len(f.data) > 2 {
				c.t.Errorf("close frame has the reason %q", f.data[2:])
			}
		}
	}
}

func (c *socket) expectClose(codes ...int) {
	c.t.Helper()
	got := c.closeCode()
	for _, want := range codes {
		if got == want {
			return
		}
	}
	c.t.Errorf("connection closed with %d, want one of %v", got, codes)
}
