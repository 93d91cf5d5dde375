package engineio

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test with a polling session in virtual time.
func inBubble(t *testing.T, cfg Config, test func(t *testing.T, p *poller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newPipeWorld(t, cfg).openPolling()) })
}

// gone checks that the session is unknown.
func (p *poller) gone() {
	p.t.Helper()
	p.poll().expect(p.t, http.StatusBadRequest, `{"code":1,"message":"Session ID unknown"}`)
	synctest.Wait() // Closed is called before the session leaves
	if n := p.server.count(); n != 0 {
		p.t.Errorf("%d sessions left", n)
	}
}

func TestPollTakesAllThatWaits(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		_ = p.peer.Send(NewText([]byte("a")), NewBinary([]byte{1, 2, 3}))
		_ = p.peer.Send(NewText([]byte("ü")))
		a := p.poll()
		a.expect(t, http.StatusOK, "4a\x1ebAQID\x1e4ü")
		if got := a.header.Get("Content-Type"); got != "text/plain; charset=UTF-8" {
			t.Errorf("Content-Type is %q", got)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control is %q", got)
		}
	})
}

func TestPendingPollIsAnsweredBySend(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		pending := p.later()
		synctest.Wait()
		_ = p.peer.Send() // nothing: must not answer the GET with nothing
		synctest.Wait()
		_ = p.peer.Send(NewText([]byte("a")))
		(<-pending).expect(t, http.StatusOK, "4a")
	})
}

func TestReleasedPollIsAnsweredWithANoop(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		p.server.ReleasePoll(p.peer.ID()) // nothing is held: nothing is said
		p.server.ReleasePoll("unknown")
		pending := p.later()
		synctest.Wait()
		p.server.ReleasePoll(p.peer.ID())
		(<-pending).expect(t, http.StatusOK, "6")
		pending = p.later()
		synctest.Wait()
		_ = p.peer.Send(NewText([]byte("a")))
		p.server.ReleasePoll(p.peer.ID()) // something waits for it already
		(<-pending).expect(t, http.StatusOK, "4a")
	})
}

func TestPostDeliversInOrderBeforeItIsAnswered(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		p.post("4a\x1ebAQID\x1e0{}\x1e5\x1e6\x1e4").expect(t, http.StatusOK, "ok")
		for _, want := range []string{"a", "b:\x01\x02\x03", ""} {
			if got := p.peer.next(); got != want {
				t.Errorf("received %q, want %q", got, want)
			}
		}
		p.peer.expectOpen()
	})
}

func TestBadPayloadEndsTheSession(t *testing.T) {
	for name, row := range map[string]struct {
		body      string
		delivered []string
		reason    Reason
	}{
		"empty":               {"", nil, ReasonParseError},
		"leading separator":   {"\x1e4a", nil, ReasonParseError},
		"trailing separator":  {"4a\x1e", []string{"a"}, ReasonParseError},
		"unknown type":        {"4a\x1e4b\x1eabc\x1e4c", []string{"a", "b"}, ReasonParseError},
		"byte order mark":     {"\xef\xbb\xbf40", nil, ReasonParseError},
		"form":                {"d=4a", nil, ReasonParseError},
		"bad base64":          {"b!!!!", nil, ReasonParseError},
		"not UTF-8":           {"4a\x1e4\xff", []string{"a"}, ReasonParseError},
		"client ping":         {"2", nil, ReasonTransportError},
		"too many packets":    {repeat("4a\x1e", 4) + "4a", []string{"a", "a", "a"}, ReasonParseError},
		"too many after ping": {repeat("6\x1e", 3) + "4a", nil, ReasonParseError},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{MaxPacketsPerPost: 3}, func(t *testing.T, p *poller) {
				pending := p.later()
				synctest.Wait()
				p.post(row.body).expect(t, http.StatusBadRequest, "")
				(<-pending).expect(t, http.StatusOK, "1")
				p.peer.expectEnd(row.reason)
				if len(p.peer.messages) != len(row.delivered) {
					t.Errorf("delivered %d messages, want %d", len(p.peer.messages), len(row.delivered))
				}
				p.gone()
			})
		})
	}
}

func TestTwoGetsEndTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		pending := p.later()
		synctest.Wait()
		p.poll().expect(t, http.StatusBadRequest, "")
		(<-pending).expect(t, http.StatusOK, "1")
		p.peer.expectEnd(ReasonTransportError)
		p.expectRejected(rejectOverlap, 1)
		p.gone()
	})
}

// slowPost sends the head of a POST and part of its body.
func (p *poller) slowPost(length int, part string) net.Conn {
	conn := p.dial()
	p.t.Cleanup(func() { _ = conn.Close() })
	_, err := fmt.Fprintf(conn, "POST /engine.io/?%s HTTP/1.1\r\nHost: server\r\nContent-Length: %d\r\n\r\n%s", p.query, length, part)
	if err != nil {
		p.t.Fatal(err)
	}
	synctest.Wait()
	return conn
}

func TestTwoPostsEndTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		first := p.slowPost(10, "4a")
		p.post("4b").expect(t, http.StatusBadRequest, "")
		p.peer.expectEnd(ReasonTransportError)
		if _, err := http.ReadResponse(bufio.NewReader(first), nil); err == nil {
			t.Error("the first POST was answered")
		}
		p.gone()
	})
}

// While a receiver blocks, one POST waits: a second would be a megabyte more each.
func TestPostOverlapsUntilItsPacketsAreHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		let := make(chan struct{})
		w.onMessage = func(*peer, string) { <-let }
		p := w.openPolling()
		first := make(chan answer, 1)
		go func() { first <- p.post("4a") }()
		synctest.Wait()
		p.post("4b").expect(t, http.StatusBadRequest, "")
		p.peer.expectEnd(ReasonTransportError)
		close(let)
		<-first
		if got := p.peer.next(); got != "a" || len(p.peer.messages) != 0 {
			t.Errorf("received %q and %d more", got, len(p.peer.messages))
		}
	})
}

func TestPostsFollowEachOther(t *testing.T) {
	p := newTCPWorld(t, Config{}).openPolling()
	for range 200 { // each on the heels of the answer to the one before
		p.post("4a").expect(t, http.StatusOK, "ok")
	}
	p.peer.expectOpen()
}

func TestAbortedGetEndsTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		conn := p.dial()
		_, _ = io.WriteString(conn, "GET /engine.io/?"+p.query+" HTTP/1.1\r\nHost: server\r\n\r\n")
		synctest.Wait()
		_ = conn.Close()
		p.peer.expectEnd(ReasonTransportError)
		p.gone()
	})
}

func TestAbortedPostEndsTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		_ = p.slowPost(10, "4a").Close()
		p.peer.expectEnd(ReasonTransportError)
		if len(p.peer.messages) != 0 {
			t.Error("half a body was delivered")
		}
		p.gone()
	})
}

// A body of one byte now and then must not keep the session longer than its pongs do.
func TestEndlessPostEndsWithTheHeartbeat(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		begin := time.Now()
		conn := p.slowPost(999_999, "4")
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for {
				select {
				case <-time.After(time.Second):
					_, _ = io.WriteString(conn, "x")
				case <-stop:
					return
				}
			}
		}()
		if got := <-p.peer.closed; got != ReasonPingTimeout || time.Since(begin) != 45*time.Second {
			t.Errorf("ended with %q after %v", got, time.Since(begin))
		}
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			t.Error("the POST was answered")
		}
	})
}

func TestClientCloseAnswersThePendingGet(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		pending := p.later()
		synctest.Wait()
		p.post("4a\x1e1\x1e4b").expect(t, http.StatusOK, "ok")
		(<-pending).expect(t, http.StatusOK, "6")
		p.peer.expectEnd(ReasonTransportClose)
		if got := p.peer.next(); got != "a" || len(p.peer.messages) != 0 {
			t.Errorf("received %q and %d more", got, len(p.peer.messages))
		}
		p.gone()
	})
}

func TestServerCloseAnswersThePendingGet(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		pending := p.later()
		synctest.Wait()
		p.peer.Close(ReasonForcedClose)
		(<-pending).expect(t, http.StatusOK, "1")
		p.peer.expectEnd(ReasonForcedClose)
		p.gone()
	})
}

func TestServerCloseTellsALateGet(t *testing.T) {
	for name, row := range map[string]struct {
		send string
		want []string // the official client must not see the end before a message
	}{"nothing waits": {"", []string{"6\x1e1"}}, "a message waits": {"a", []string{"4a", "6\x1e1"}}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, p *poller) {
				if row.send != "" {
					_ = p.peer.Send(NewText([]byte(row.send)))
				}
				p.peer.Close(ReasonForcedClose)
				p.peer.expectEnd(ReasonForcedClose)
				time.Sleep(pollLinger - time.Millisecond)
				p.post("4x").expect(t, http.StatusOK, "ok") // and ignored: a refusal would be a lost connection
				for _, want := range row.want {
					p.poll().expect(t, http.StatusOK, want)
				}
				p.gone()
				if len(p.peer.messages) != 0 || len(p.peer.closed) != 0 {
					t.Error("something was delivered after the end")
				}
			})
		})
	}
}

func TestOctetStreamIsRefused(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		a := p.do(http.MethodPost, p.query, strings.NewReader("4a"), "Content-Type: application/octet-stream")
		a.expect(t, http.StatusBadRequest, "")
		p.peer.expectEnd(ReasonTransportError)
		p.gone()
	})
}

func TestLargeBodyIsRefusedAndTheSessionLives(t *testing.T) {
	inBubble(t, Config{MaxPayload: 1000}, func(t *testing.T, p *poller) {
		large := "4" + repeat("x", 1000)
		p.post(large).expect(t, http.StatusRequestEntityTooLarge, "")
		chunked := struct{ io.Reader }{strings.NewReader(large)} // a length that net/http cannot know
		p.do(http.MethodPost, p.query, chunked).expect(t, http.StatusRequestEntityTooLarge, "")
		p.expectRejected(rejectTooLarge, 2)
		p.peer.expectOpen()
		p.post(large[:1000]).expect(t, http.StatusOK, "ok")
		if got := p.peer.next(); len(got) != 999 {
			t.Errorf("received %d bytes", len(got))
		}
	})
}

func TestOtherMethodsLeaveTheSessionAlone(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		for _, method := range []string{"PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"} {
			p.do(method, p.query, nil).expect(t, http.StatusInternalServerError, "")
		}
		p.peer.expectOpen()
	})
}

// A keep-alive connection outlives its answers: what is served on it next must not run
// into the deadline of a poll.
func TestAnswerLeavesNoDeadlineBehind(t *testing.T) {
	deadlines := &deadlineRecorder{header: http.Header{}}
	server := newPipeWorld(t, Config{}).server
	if err := server.reply(deadlines, http.StatusOK, "", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n := len(deadlines.set); n != 2 || deadlines.set[0].IsZero() || !deadlines.set[1].IsZero() {
		t.Errorf("write deadlines were %v; want one, and then none", deadlines.set)
	}
}

type deadlineRecorder struct {
	header http.Header
	set    []time.Time
}

func (d *deadlineRecorder) Header() http.Header         { return d.header }
func (d *deadlineRecorder) Write(p []byte) (int, error) { return len(p), nil }
func (d *deadlineRecorder) WriteHeader(int)             {}
func (d *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}
