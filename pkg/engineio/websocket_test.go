package engineio

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWebSocketFramesThatEndASession(t *testing.T) {
	for name, row := range map[string]struct {
		raw    string
		reason Reason
		codes  []int
	}{
		"not masked":              {"\x81\x0240", ReasonTransportError, []int{1002, noClose}},
		"opcode 3":                {clientFrame(0x83, ""), ReasonTransportError, []int{1002}},
		"opcode 11":               {clientFrame(0x8b, ""), ReasonTransportError, []int{1002}},
		"reserved bit 1":          {clientFrame(0xc1, "40"), ReasonTransportError, []int{1002}},
		"reserved bit 2":          {clientFrame(0xa1, "40"), ReasonTransportError, []int{1002}},
		"reserved bit 3":          {clientFrame(0x91, "40"), ReasonTransportError, []int{1002}},
		"long ping":               {clientFrame(0x89, repeat("x", 126)), ReasonTransportError, []int{1002}},
		"fragmented ping":         {clientFrame(0x09, ""), ReasonTransportError, []int{1002}},
		"length with the top bit": {"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", ReasonTransportError, []int{1009, noClose}},
		"huge length":             {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00" + repeat("x", 2000), ReasonTransportError, []int{1009}},
		"stray continuation":      {clientFrame(0x80, "x"), ReasonTransportError, []int{1002}},
		"new message in another":  {clientFrame(0x01, "4") + clientFrame(0x81, "4"), ReasonTransportError, []int{1002}},
		"one byte over the limit": {clientFrame(0x81, "4"+repeat("x", 1000)), ReasonTransportError, []int{1009}},
		"fragments over it":       {clientFrame(0x01, repeat("4", 600)) + clientFrame(0x80, repeat("x", 401)), ReasonTransportError, []int{1009}},
		"text not UTF-8":          {clientFrame(0x81, "42[\"\xff\"]"), ReasonParseError, []int{1007}},
		"surrogate":               {clientFrame(0x81, "4\xed\xa0\x80"), ReasonParseError, []int{1007}},
		"close of one byte":       {clientFrame(0x88, "\x03"), ReasonTransportError, []int{1002}},
		"close with no such code": {clientFrame(0x88, "\x03\xed"), ReasonTransportError, []int{1002}},
		"empty packet":            {clientFrame(0x81, ""), ReasonParseError, []int{noCode}},
		"unknown packet":          {clientFrame(0x81, "7"), ReasonParseError, []int{noCode}},
		"no packet":               {clientFrame(0x81, "abc"), ReasonParseError, []int{noCode}},
		"bad base64":              {clientFrame(0x81, "b!!!!"), ReasonParseError, []int{noCode}},
		"close packet":            {clientFrame(0x81, "1"), ReasonTransportClose, []int{noCode, noClose}},
		"close without a code":    {clientFrame(0x88, ""), ReasonTransportClose, []int{noCode}},
		"close with 1000":         {clientFrame(0x88, "\x03\xe8bye"), ReasonTransportClose, []int{1000}},
		"close with 4999":         {clientFrame(0x88, "\x13\x87"), ReasonTransportClose, []int{4999}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newPipeWorld(t, Config{MaxPayload: 1000})
				other := w.openWebSocket()
				c := w.openWebSocket()
				go c.write(row.raw + clientFrame(0x81, "4late")) // a pipe has no buffer
				c.expectClose(row.codes...)
				c.peer.expectEnd(row.reason)
				if len(c.peer.messages) != 0 {
					t.Errorf("received %q", <-c.peer.messages)
				}
				other.text("4still here")
				if got := other.peer.next(); got != "still here" {
					t.Errorf("another session received %q", got)
				}
			})
		})
	}
}

func TestWebSocketMessagesAreDelivered(t *testing.T) {
	pongs := 100_000
	if raceDetector {
		pongs = 10_000 // it makes each cost 50 µs
	}
	for name, row := range map[string]struct{ raw, want string }{
		"text":                {clientFrame(0x81, "4a"), "a"},
		"empty":               {clientFrame(0x81, "4"), ""},
		"binary":              {clientFrame(0x82, "\x01\x02"), "b:\x01\x02"},
		"empty binary":        {clientFrame(0x82, ""), "b:"},
		"base64 in text":      {clientFrame(0x81, "bAQI"), "b:\x01\x02"},
		"fragments":           {clientFrame(0x01, "4a") + clientFrame(0x00, "b") + clientFrame(0x89, "ping") + clientFrame(0x80, "c"), "abc"},
		"split in a rune":     {clientFrame(0x01, "4\xc3") + clientFrame(0x80, "\xbc"), "ü"},
		"empty fragments":     {clientFrame(0x01, "4a") + repeat(clientFrame(0x00, ""), 10_000) + clientFrame(0x80, "b"), "ab"},
		"as long as allowed":  {clientFrame(0x81, "4"+repeat("x", 999_999)), repeat("x", 999_999)},
		"masked":              {"\x81\x82\x01\x02\x03\x04\x35\x63", "a"},
		"meaningless packets": {clientFrame(0x81, "0{}") + clientFrame(0x81, "5") + clientFrame(0x81, "6") + clientFrame(0x81, "4a"), "a"},
		"pongs nobody asked":  {repeat(clientFrame(0x8a, ""), pongs) + clientFrame(0x81, "4a"), "a"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTCPWorld(t, Config{}).openWebSocket()
			c.write(row.raw)
			if got := c.peer.next(); got != row.want {
				t.Errorf("received %.40q, want %.40q", got, row.want)
			}
			c.peer.expectOpen()
		})
	}
}

func TestWebSocketPingIsAnswered(t *testing.T) {
	c := newTCPWorld(t, Config{}).openWebSocket()
	payload := repeat("p", 125)
	c.write(clientFrame(0x89, payload))
	if f, err := c.read(); err != nil || f != (frame{10, payload}) {
		t.Errorf("answered with %+v, %v", f, err)
	}
}

// Fragments without end cost no more than framingAllowance.
func TestFragmentsHaveABudget(t *testing.T) {
	c := newTCPWorld(t, Config{MaxPayload: 1000}).openWebSocket()
	go c.write(clientFrame(0x01, "4") + repeat(clientFrame(0x00, ""), framingAllowance/6+200))
	c.expectClose(1008)
	c.peer.expectEnd(ReasonTransportError)
}

func TestFrameSentWithTheHandshakeIsRead(t *testing.T) {
	w := newTCPWorld(t, Config{})
	c, _ := w.handshake(webSocketQuery, "", clientFrame(0x81, "4early")+clientFrame(0x81, "4bird"))
	p := w.session()
	for _, want := range []string{"early", "bird"} {
		if got := p.next(); got != want {
			t.Errorf("received %q, want %q", got, want)
		}
	}
	parseOpen(t, c.readText())
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn.early != nil {
		t.Error("it is kept as long as the connection: what a client sends first may be a token")
	}
}

func TestRubbishSentWithTheHandshakeEndsTheSession(t *testing.T) {
	w := newTCPWorld(t, Config{})
	c, resp := w.handshake(webSocketQuery, "", "test")
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", resp.StatusCode)
	}
	c.expectClose(1002, noClose)
	w.session().expectEnd(ReasonTransportError)
}

func TestOddExtensionsAreNotNegotiated(t *testing.T) {
	for _, ext := range []string{"constructor", "permessage-deflate", "permessage-deflate; server_max_window_bits=99", repeat("x;", 4096)} {
		w := newTCPWorld(t, Config{})
		_, resp := w.handshake(webSocketQuery, "Sec-WebSocket-Extensions: "+ext+"\r\n", "")
		if got := resp.Header.Get("Sec-WebSocket-Extensions"); resp.StatusCode != http.StatusSwitchingProtocols || got != "" {
			t.Errorf("%.30s: status %d, extensions %q", ext, resp.StatusCode, got)
		}
	}
}

func TestResetFreesTheSessionAtOnce(t *testing.T) {
	c := newTCPWorld(t, Config{}).openWebSocket()
	_ = c.conn.(*net.TCPConn).SetLinger(0)
	_ = c.conn.Close()
	c.peer.expectEnd(ReasonTransportError)
}

func TestHalfCloseFreesTheSessionAtOnce(t *testing.T) {
	c := newTCPWorld(t, Config{}).openWebSocket()
	_ = c.conn.(*net.TCPConn).CloseWrite()
	c.peer.expectEnd(ReasonTransportClose)
	if _, err := c.read(); !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("read: %v", err)
	}
}

// A frame that comes in pieces, with silence in between that is longer than parkAfter.
func TestSlowFrameIsPutTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPipeWorld(t, Config{}).openWebSocket()
		for _, b := range []byte(clientFrame(0x81, "4slow")) {
			c.write(string([]byte{b}))
			time.Sleep(1500 * time.Millisecond)
		}
		if got := c.peer.next(); got != "slow" {
			t.Errorf("received %q", got)
		}
	})
}

// A receiver that blocks stops the reading of its own session only.
func TestBlockedReceiverStopsItsOwnSessionOnly(t *testing.T) {
	w := newTCPWorld(t, Config{})
	let := make(chan struct{})
	w.onMessage = func(_ *peer, data string) {
		if data == "block" {
			<-let
		}
	}
	blocked, other := w.openWebSocket(), w.openWebSocket()
	blocked.text("4block")
	blocked.text("4next")
	other.text("4free")
	if got := other.peer.next(); got != "free" {
		t.Errorf("received %q", got)
	}
	_ = blocked.peer.Send(NewText([]byte("down")))
	blocked.expectText("4down")
	if len(blocked.peer.messages) != 0 {
		t.Error("a message overtook the one that blocks")
	}
	close(let)
	for _, want := range []string{"block", "next"} {
		if got := blocked.peer.next(); got != want {
			t.Errorf("received %q, want %q", got, want)
		}
	}
}
