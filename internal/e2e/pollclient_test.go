package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// pollClient is a polling session whose requests a test sends one by one.
type pollClient struct {
	t       testing.TB
	address string
	sid     string
	nextAck int
}

// openPoll opens a polling session.
func openPoll(t testing.TB, address string) *pollClient {
	t.Helper()
	got, err := exchange(t, address, getRequest(pollingQuery))
	var open struct{ SID string }
	if err != nil || got.status != 200 || json.Unmarshal([]byte(strings.TrimPrefix(got.body, "0")), &open) != nil {
		t.Fatalf("handshake: %v %v", got, err)
	}
	c := &pollClient{t: t, address: address, sid: open.SID}
	t.Cleanup(c.end)
	return c
}

// joinedPoll opens a polling session and connects it to the main namespace.
func joinedPoll(t testing.TB, address string) *pollClient {
	t.Helper()
	c := openPoll(t, address)
	c.expectPost("40")
	c.until(`40{"sid":"`)
	return c
}

// end closes what is left now, and not by its ping timeout. Nobody waits for the
// answer: the test is over, and the network may be part of it.
func (c *pollClient) end() {
	conn, err := net.DialTimeout("tcp", c.address, patience)
	if err != nil {
		return
	}
	write(c.t, conn, postRequest(c.path(), "1"))
	_ = conn.Close()
}

func (c *pollClient) path() string { return pollingQuery + "&sid=" + c.sid }

func (c *pollClient) get() (answer, error) {
	c.t.Helper()
	return exchange(c.t, c.address, getRequest(c.path()))
}

func (c *pollClient) post(body string, headers ...string) (answer, error) {
	c.t.Helper()
	return exchange(c.t, c.address, postRequest(c.path(), body, headers...))
}

func (c *pollClient) expectPost(body string) {
	c.t.Helper()
	if got, err := c.post(body); err != nil || got.status != 200 || got.body != "ok" {
		c.t.Fatalf("POST %.100q: %v %v", body, got, err)
	}
}

// until polls until a packet begins with prefix, answering pings.
func (c *pollClient) until(prefix string) string {
	c.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		got, err := c.get()
		if err != nil || got.status != 200 {
			c.t.Fatalf("GET: %v %v, waiting for %q", got, err, prefix)
		}
		for p := range strings.SplitSeq(got.body, "\x1e") {
			if p == "2" {
				c.expectPost("3")
			}
			if strings.HasPrefix(p, prefix) {
				return p
			}
		}
	}
	c.t.Fatalf("%q did not come", prefix)
	return ""
}

func (c *pollClient) expectAlive() {
	c.t.Helper()
	c.nextAck++
	id := fmt.Sprint(800 + c.nextAck)
	c.expectPost("42" + id + `["leave","nowhere"]`)
	if got := c.until("43" + id); got != "43"+id+`[{"ok":true}]` {
		c.t.Fatalf("answered %q", got)
	}
}

// expectGoneWithin waits for a session that times out, answering its pings.
func (c *pollClient) expectGoneWithin(limit time.Duration) {
	c.t.Helper()
	for deadline := time.Now().Add(limit); ; {
		got, err := c.get()
		if err == nil && got.status == 400 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the session is still there: %v %v", got, err)
		}
		if strings.Contains(got.body, "2") {
			_, _ = c.post("3")
		}
	}
}

// expectGone polls until the session is unknown. Until then an answer may carry
// nothing but the end: close and noop packets, and pings.
func (c *pollClient) expectGone() {
	c.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		got, err := c.get()
		if err != nil {
			c.t.Fatal(err)
		}
		if got.status == 400 && got.body == `{"code":1,"message":"Session ID unknown"}` {
			return
		}
		for p := range strings.SplitSeq(got.body, "\x1e") {
			if got.status != 200 || (p != "1" && p != "2" && p != "6" && !strings.HasPrefix(p, `42["auth"`)) {
				c.t.Fatalf("GET: %v, expected the end of the session", got)
			}
		}
	}
	c.t.Fatal("the session is still known")
}
