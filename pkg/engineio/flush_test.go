package engineio

import (
	"errors"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
)

// narrow is a session whose connection keeps little in the kernel. (Buffers much smaller
// than a segment of the loopback would make it crawl from one delayed ACK to the next.)
func narrow(t *testing.T, w *world) *socket {
	t.Helper()
	c := w.openWebSocket()
	if err := c.peer.conn.tcp.(*net.TCPConn).SetWriteBuffer(32 << 10); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSlowClientDoesNotDelayOthersAndIsClosed(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one worker for all
	w := newTCPWorld(t, Config{MaxQueueBytes: 256 << 10})
	slow, quick := narrow(t, w), w.openWebSocket()
	m := NewText([]byte(repeat("x", 10_000)))
	var err error
	for i := 0; err == nil; i++ {
		if i > 10_000 {
			t.Fatal("the slow client is still open")
		}
		err = slow.peer.Send(m)
		_ = quick.peer.Send(NewText([]byte(strconv.Itoa(i))))
		quick.expectText("4" + strconv.Itoa(i)) // before the slow one gets anywhere
	}
	if !errors.Is(err, ErrSlow) {
		t.Errorf("Send: %v", err)
	}
	slow.peer.expectEnd(ReasonSlow)
	if err = slow.peer.Send(m); !errors.Is(err, ErrClosed) {
		t.Errorf("Send after that: %v", err)
	}
	s := w.server.Stats()
	if s.SlowClosed != 1 || s.Closed[ReasonSlow] != 1 || s.Stalls == 0 || s.QueueBytes != 0 {
		t.Errorf("stats are %+v", s)
	}
	quick.peer.expectOpen()
	w.shut() // waits for the goroutine that wrote
}

func TestQueueOfMessagesIsBounded(t *testing.T) {
	inBubble(t, Config{MaxQueueMessages: 10}, func(t *testing.T, p *poller) {
		m := NewText(nil)
		for range 10 {
			if err := p.peer.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.peer.Send(m); !errors.Is(err, ErrSlow) {
			t.Errorf("Send: %v", err)
		}
		p.peer.expectEnd(ReasonSlow)
		p.gone()
	})
}

func TestBatchIsTakenWholeOrNotAtAll(t *testing.T) {
	inBubble(t, Config{MaxQueueBytes: 1000}, func(t *testing.T, p *poller) {
		part := NewText([]byte(repeat("x", 400)))
		whole := []*Message{part, part, part}
		if err := p.peer.Send(whole...); err != nil {
			t.Errorf("an empty queue refused a large batch: %v", err)
		}
		if got := p.poll().body; len(got) != 3*401+2 {
			t.Errorf("got %d bytes", len(got))
		}
		if err := p.peer.Send(part); err != nil {
			t.Fatal(err)
		}
		pending := p.peer.queueBytes
		p.peer.mu.Lock()
		err := p.peer.enqueue(whole)
		p.peer.mu.Unlock()
		if !errors.Is(err, ErrSlow) || len(p.peer.queue) != 1 || p.peer.queueBytes != pending {
			t.Errorf("enqueue: %v, with %d messages in the queue", err, len(p.peer.queue))
		}
	})
}

// A client that stops reading and goes on gets everything, in order.
func TestOrderHoldsOverStallAndRecovery(t *testing.T) {
	const n = 3000
	w := newTCPWorld(t, Config{MaxQueueBytes: 64 << 20})
	c := narrow(t, w)
	text := func(i int) string { return strconv.Itoa(i) + repeat("x", i%300) }
	for round := range 3 {
		for i := range n {
			if err := c.peer.Send(NewText([]byte(text(i))), NewBinary([]byte{byte(i)})); err != nil {
				t.Fatal(err)
			}
		}
		until(t, "the session stalls", func() bool { return w.server.Stats().Stalls > int64(round) })
		for i := range n {
			c.expectText("4" + text(i))
			if f, err := c.read(); err != nil || f != (frame{2, string([]byte{byte(i)})}) {
				t.Fatalf("message %d: %+v, %v", i, f, err)
			}
		}
		until(t, "the session has recovered", func() bool {
			c.peer.mu.Lock()
			defer c.peer.mu.Unlock()
			return !c.peer.stalled && c.peer.queueBytes == 0
		})
	}
}

func TestVolatileIsForWhoCanTakeItNow(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, p *poller) {
		v := NewText([]byte("v"))
		if p.peer.SendVolatile(v) {
			t.Error("taken without a pending GET")
		}
		pending := p.later()
		synctest.Wait()
		if !p.peer.SendVolatile(v, v) {
			t.Error("refused with a pending GET")
		}
		(<-pending).expect(t, http.StatusOK, "4v\x1e4v")
		_ = p.peer.Send(v)
		if p.peer.SendVolatile(v) {
			t.Error("taken behind what waits")
		}
		p.peer.Close(ReasonForcedClose)
		if p.peer.SendVolatile(v) {
			t.Error("taken after the end")
		}
		if got := p.server.Stats().VolatileDropped; got != 3 {
			t.Errorf("%d were counted, want 3", got)
		}
	})
}

func TestVolatileIsDroppedWhileAWebSocketStalls(t *testing.T) {
	w := newTCPWorld(t, Config{MaxQueueBytes: 64 << 20})
	c := narrow(t, w)
	if !c.peer.SendVolatile(NewText([]byte("first"))) {
		t.Error("refused by an idle connection")
	}
	c.expectText("4first")
	_ = c.peer.Send(NewText([]byte(repeat("x", 8<<20))))
	until(t, "the session stalls", func() bool { return w.server.Stats().Stalls == 1 })
	if c.peer.SendVolatile(NewText(nil)) {
		t.Error("taken by a stalled connection")
	}
	c.peer.expectOpen()
}

func TestUnreadPongsAreBounded(t *testing.T) {
	w := newTCPWorld(t, Config{MaxQueueBytes: 64 << 10})
	c := narrow(t, w)
	go c.write(repeat(clientFrame(0x89, repeat("p", 125)), 100_000)) // and reads no pong
	c.peer.expectEnd(ReasonSlow)
}
