package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// Polling payloads (hostile inputs 2.2).
func pollingRows() []hostileRow {
	return slices.Concat(
		each("P1 not a payload", closesPolling,
			"", "\x1e", "\x1e42[\"a\"]", "42[\"a\"]\x1e", "\xef\xbb\xbf40", "d=42%5B%22a%22%5D", "abc", "7", "\x00", "2", "b!!!!", "bAQID"),
		one("P2 content type of binary", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			if got, err := poll.post("40", "Content-Type: application/octet-stream"); err != nil || got.status != 400 {
				a.Errorf("POST: %v %v", got, err)
			}
			poll.expectGone()
		}),
		each("P6 body over the limit", func(a *attack, framing string) {
			poll := joinedPoll(a, a.server.public)
			got, err := exchange(a, a.server.public, fmt.Sprintf(
				"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n%s", poll.path(), framing))
			if err != nil || got.status != 413 {
				a.Errorf("POST: %v %v, expected 413", got, err)
			}
		}, fmt.Sprintf("Content-Length: %d\r\n\r\n4%s", maxPayload+1, strings.Repeat("x", maxPayload)),
			fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n4%s\r\n0\r\n\r\n", maxPayload+1, strings.Repeat("x", maxPayload))),
		one("P7 body that never ends", func(a *attack) {
			before := a.server.residentKiB()
			poll := joinedPoll(a, a.server.public)
			conn := dialTCP(a, a.server.public)
			write(a, conn, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 999999999\r\n\r\n4", poll.path()))
			if grown := a.server.residentKiB() - before; grown > 100<<10 {
				a.Errorf("memory grew by %d KiB for a body that was announced", grown)
			}
			expectEnd(a, conn)
			poll.expectGone()
		}),
		one("P8 body within the limit that never ends", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			conn := dialTCP(a, a.server.public)
			write(a, conn, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n4", poll.path()))
			expectEnd(a, conn)
			poll.expectGone()
		}),
		one("P10 two polls at once", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			poll.expectAlive()
			first := dialTCP(a, a.server.public)
			write(a, first, getRequest(poll.path()))
			a.untilHeld(first)
			if got, err := poll.get(); err != nil || (got.status != 400 && got.status != 500) {
				a.Errorf("second GET: %v %v", got, err)
			}
			if got, err := readAnswer(first); err != nil || got.status != 200 || got.body != "1" {
				a.Errorf("first GET: %v %v", got, err)
			}
			poll.expectGone()
		}),
		one("P11 two posts at once", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			first := dialTCP(a, a.server.public)
			write(a, first, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n42", poll.path()))
			eventually(a.T, patience, "the second POST to overlap", func() error {
				got, err := poll.post(`42["a"]`)
				if err == nil && got.status == 400 {
					return nil
				}
				return fmt.Errorf("%v %w", got, err)
			})
			poll.expectGone()
		}),
		one("P13 130,000 packets in one body", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			body := strings.TrimSuffix(strings.Repeat("42[\"a\"]\x1e", 120_000), "\x1e")
			got, err := poll.post(body)
			if err != nil || got.status != 200 {
				poll.expectGone() // a cap on packets
				return
			}
			poll.expectAlive()
		}),
		each("P16 packets that mean nothing", func(a *attack, input string) {
			poll := joinedPoll(a, a.server.public)
			poll.expectPost(input)
			poll.expectAlive()
		}, "0{}", "5", "6", "6hello", "3", "3\x1e3\x1e3"),
		one("P21 body that is not UTF-8", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			_, _ = poll.post("42[\"publish\",\"bystander\",\"news\",\"\xff\"]")
			// The bystander checks every frame that it receives. Text with the bad
			// byte replaced is the reference's way.
			if got, err := poll.get(); err == nil && got.status == 200 && !strings.Contains(got.body, "1") {
				a.bystander.expect("42[\"news\",\"\ufffd\"]")
			}
			a.hears()
		}),
		one("P23 aborted poll", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			poll.expectAlive()
			conn := dialTCP(a, a.server.public)
			write(a, conn, getRequest(poll.path()))
			a.untilHeld(conn)
			_ = conn.SetLinger(0)
			_ = conn.Close()
			eventually(a.T, patience, "the session to end", func() error {
				got, err := poll.get()
				if err == nil && got.status == 400 {
					return nil
				}
				return fmt.Errorf("%v %w", got, err)
			})
		}),
		one("P24 close packet", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			poll.expectAlive()
			conn := dialTCP(a, a.server.public)
			write(a, conn, getRequest(poll.path()))
			a.untilHeld(conn)
			poll.expectPost("1")
			if got, err := readAnswer(conn); err != nil || got.status != 200 || (got.body != "6" && got.body != "1") {
				a.Errorf("held GET: %v %v", got, err)
			}
			poll.expectGone()
		}),
		one("P25 post after the close packet", func(a *attack) {
			poll := joinedPoll(a, a.server.public)
			_, _ = poll.post("1\x1e42[\"publish\",\"bystander\",\"late\"]")
			if got, err := poll.post(`42["publish","bystander","later"]`); err == nil && got.status != 400 && got.status != 200 {
				a.Errorf("POST: %v", got)
			}
			a.hears()
		}),
		each("P26 method", func(a *attack, method string) {
			poll := joinedPoll(a, a.server.public)
			got, err := exchange(a, a.server.public, method+" "+poll.path()+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
			if err != nil || got.status < 400 {
				a.Errorf("answered %v %v", got, err)
			}
			poll.expectAlive()
		}, "PUT", "DELETE", "PATCH", "FOO"),
	)
}

// closesPolling: a body that is no payload, or holds a packet that no client may
// send, ends its session.
func closesPolling(a *attack, body string) {
	a.counted(func() {
		poll := joinedPoll(a, a.server.public)
		if got, err := poll.post(body); err == nil && got.status != 200 && got.status != 400 {
			a.Errorf("POST: %v", got)
		}
		poll.expectGone()
	})
}

// untilHeld waits until the server has read a poll that it has nothing to answer
// with yet: a second exchange on the same server has come back meanwhile.
func (a *attack) untilHeld(conn net.Conn) {
	a.Helper()
	a.bystander.expectAlive()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		a.Fatal("the poll was answered at once")
	}
	_ = conn.SetReadDeadline(time.Time{})
}

// expectEnd waits until the server ends the connection, after an answer or without one.
func expectEnd(a *attack, conn net.Conn) {
	a.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 4096)
	for {
		if _, err := conn.Read(buf); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				a.Error("the server still waits for the rest of the body")
			}
			return
		}
	}
}
