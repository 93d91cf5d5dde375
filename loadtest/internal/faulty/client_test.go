package faulty

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// patience bounds every wait of a test for something that must happen.
const patience = 20 * time.Second

// client is a plain Socket.IO client over WebSocket. It belongs to one goroutine.
type client struct {
	t    *testing.T
	ctx  context.Context
	conn *websocket.Conn
	// message is called with the payload of each "msg" event, a string or an attachment.
	message func(payload []byte)
	acks    int // asked for so far
}

func connect(t *testing.T, url string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(-1)
	c := &client{t: t, ctx: ctx, conn: conn, message: func([]byte) {}}
	c.send("40")
	for !strings.HasPrefix(c.read(), "40") {
		continue
	}
	return c
}

func (c *client) send(text string) {
	if err := c.conn.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Errorf("write: %v", err)
	}
}

// read returns the next text message, and gives events to c.message.
func (c *client) read() string {
	for {
		kind, b, err := c.conn.Read(c.ctx)
		if err != nil {
			c.t.Errorf("read: %v", err)
			return "40 43 gone"
		}
		var event []any
		switch {
		case kind == websocket.MessageBinary:
			c.message(b)
		case string(b) == "2":
			c.send("3")
		case strings.HasPrefix(string(b), `42["msg",`) && json.Unmarshal(b[2:], &event) == nil:
			c.message([]byte(event[1].(string)))
		default:
			return string(b)
		}
	}
}

// ask emits an event and waits for its ack, with everything that comes before.
func (c *client) ask(array string) string {
	c.acks++
	c.send(fmt.Sprintf("42%d%s", c.acks, array))
	prefix := fmt.Sprintf("43%d[", c.acks)
	for {
		if got := c.read(); strings.HasPrefix(got, prefix) || got == "40 43 gone" {
			return strings.TrimSuffix(strings.TrimPrefix(got, prefix), "]")
		}
	}
}

func (c *client) join(room string) {
	c.t.Helper()
	if got := c.ask(fmt.Sprintf(`["join",%q]`, room)); got != `{"ok":true}` {
		c.t.Errorf("join: %s", got)
	}
}

func (c *client) leave(room string) {
	c.t.Helper()
	if got := c.ask(fmt.Sprintf(`["leave",%q]`, room)); got != `{"ok":true}` {
		c.t.Errorf("leave: %s", got)
	}
}

func (c *client) publish(room, payload string) {
	c.send(fmt.Sprintf(`42["publish",%q,"msg",%q]`, room, payload))
}

// publishBinary sends a text message that names the attachment, and the attachment.
func (c *client) publishBinary(room string, payload []byte) {
	c.send(fmt.Sprintf(`451-["publish",%q,"msg",{"_placeholder":true,"num":0}]`, room))
	if err := c.conn.Write(c.ctx, websocket.MessageBinary, payload); err != nil {
		c.t.Errorf("write: %v", err)
	}
}

// settled waits until nothing is held to be swapped any more.
func (s *Server) settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		n := len(s.held)
		s.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d deliveries are held for ever", n)
		}
	}
}
