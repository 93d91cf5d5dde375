package wire

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

var soon = &Backoff{Delay: 10 * time.Millisecond, Max: 20 * time.Millisecond}

func TestCutClientComesBack(t *testing.T) {
	reasons := make(chan socketio.Reason, 10)
	url := serve(t, socketio.Config{}, func(s *socketio.Server) {
		echo(s)
		s.OnConnect(func(k *socketio.Socket) { k.OnDisconnect(func(r socketio.Reason) { reasons <- r }) })
	})
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport, Reconnect: soon})
		first := wait(t, r.connected, "Connected")
		c.Cut()
		if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrCut) {
			t.Errorf("disconnected: %v", err)
		}
		second := wait(t, r.connected, "second Connected")
		if second.Attempt != 1 || second.SID == first.SID || second.Took <= 0 {
			t.Errorf("opened %+v after %+v", second, first)
		}
		// That the server hears of it at once is what the reset is for.
		if reason := wait(t, reasons, "reason"); reason != "transport close" && reason != "transport error" {
			t.Errorf("the server says %q", reason)
		}
		if got, err := ask(t, c, `["echo",1]`); got != "1" || err != nil {
			t.Errorf("answer %q, %v", got, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if reason := wait(t, reasons, "reason"); reason != "client namespace disconnect" {
			t.Errorf("after Close, the server says %q", reason)
		}
	})
}

func TestCutFromAHandlerIsAllowed(t *testing.T) {
	// A polling client may be cut when no request is pending: then only the heartbeat tells.
	url := serve(t, socketio.Config{Engine: engineio.Config{PingInterval: 100 * time.Millisecond, PingTimeout: 100 * time.Millisecond}}, echo)
	everywhere(t, func(t *testing.T, transport Transport) {
		h := &cutter{recorder: newRecorder()}
		c, _ := connect(t, Config{URL: url, Transport: transport, Handler: h, Reconnect: soon})
		wait(t, h.connected, "Connected")
		if err := c.Emit([]byte(`["echo"]`)); err != nil {
			t.Fatal(err)
		}
		wait(t, h.connected, "second Connected")
	})
}

// cutter cuts its client at the first event.
type cutter struct{ *recorder }

func (h *cutter) Event(c *Client, _ *Event) { c.Cut() }

func TestHoldKeepsClientsAwayAndBackoffGrows(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	c, r := connect(t, Config{URL: url, Reconnect: &Backoff{Delay: 20 * time.Millisecond, Max: 60 * time.Millisecond, Factor: -1}})
	wait(t, r.connected, "Connected")
	began := time.Now()
	c.Hold(200 * time.Millisecond)
	c.Cut()
	o := wait(t, r.connected, "second Connected")
	// Attempts are made after 20, 60, 120 and 180 ms, without a network, and after 240 ms.
	if d := time.Since(began); d < 200*time.Millisecond || o.Attempt < 2 || o.Attempt > 5 {
		t.Errorf("came back after %v with attempt %d", d, o.Attempt)
	}
	if len(r.failed) > 0 {
		t.Errorf("Failed was called for an attempt that was not made: %v", <-r.failed)
	}
}

func TestFailedAttemptsAreToldAndGoOn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var admitted atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			br := bufio.NewReader(conn)
			if n := admitted.Add(1); n != 2 && n != 3 && acceptWebSocket(conn, br) == nil && admit(conn, br) == nil && n > 1 {
				_, _ = io.Copy(io.Discard, br)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	c, r := connect(t, Config{URL: "http://" + ln.Addr().String(), Reconnect: soon})
	for range 2 {
		if class := Class(wait(t, r.failed, "Failed")); class != "closed" && class != "reset" {
			t.Errorf("failed with %q", class)
		}
	}
	wait(t, r.connected, "Connected")
	if o := wait(t, r.connected, "second Connected"); o.Attempt != 3 {
		t.Errorf("attempt %d", o.Attempt)
	}
	if err := c.Close(); err != nil { // before the server's end, which waits for its client
		t.Error(err)
	}
}

func TestRefusedReconnectionIsTheEnd(t *testing.T) {
	var closed atomic.Bool
	url := serve(t, socketio.Config{}, func(s *socketio.Server) {
		s.Use(func(*socketio.Socket) error {
			if closed.Load() {
				return errors.New("closed")
			}
			return nil
		})
	})
	c, r := connect(t, Config{URL: url, Reconnect: soon})
	closed.Store(true)
	c.Cut()
	if class := Class(wait(t, r.failed, "Failed")); class != "connect_error: closed" {
		t.Errorf("failed with %q", class)
	}
	wait(t, c.Done(), "end")
}

func TestCloseEndsAClientThatIsAway(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	c, r := connect(t, Config{URL: url, Reconnect: &Backoff{Delay: time.Hour, Max: time.Hour}})
	c.Cut()
	wait(t, r.disconnected, "Disconnected")
	began := time.Now()
	if err := c.Close(); err != nil || time.Since(began) > closeWait/2 {
		t.Errorf("closed with %v after %v", err, time.Since(began))
	}
	if err := c.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestCloseDoesNotWaitForASilentServer(t *testing.T) {
	over := make(chan struct{})
	url := webSocketServer(t, func(conn net.Conn, br *bufio.Reader) {
		if admit(conn, br) == nil {
			<-over
		}
	})
	defer close(over)
	c, r := connect(t, Config{URL: url})
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrClosed) {
		t.Errorf("disconnected: %v", err)
	}
}

func TestBackoffIsTheOfficialClients(t *testing.T) {
	for attempt, base := range []float64{1000, 2000, 4000, 8000, 16000} {
		low, high := math.Inf(1), 0.0
		for range 2000 {
			ms := float64(Backoff{}.delay(attempt)) / float64(time.Millisecond)
			low, high = min(low, ms), max(high, ms)
		}
		// The sign follows from the draw's first decimal place, so 0.9 is the largest draw
		// that makes a delay shorter.
		wantLow, wantHigh := min(0.55*base, 5000), min(1.5*base, 5000)
		if low < wantLow-1 || low > wantLow*1.1 || high > wantHigh || high < wantHigh*0.9 {
			t.Errorf("attempt %d: %.0f to %.0f ms, expected %.0f to %.0f", attempt, low, high, wantLow, wantHigh)
		}
	}
	if d := (Backoff{Delay: time.Second, Max: time.Minute, Factor: -1}).delay(3); d != 8*time.Second {
		t.Errorf("without randomness: %v", d)
	}
	if d := (Backoff{Max: time.Hour}).delay(1 << 40); d != time.Hour {
		t.Errorf("after many attempts: %v", d)
	}
}

func TestAcksTimeOutOnceEach(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	everywhere(t, func(t *testing.T, transport Transport) {
		c, _ := connect(t, Config{URL: url, Transport: transport, AckTimeout: 200 * time.Millisecond})
		began := time.Now()
		_, err := ask(t, c, `["nobody answers"]`)
		if d := time.Since(began); !errors.Is(err, ErrAckTimeout) || d < 200*time.Millisecond || d > patience/2 {
			t.Errorf("%v after %v", err, d)
		}
		if got, err := ask(t, c, `["echo",1]`); got != "1" || err != nil {
			t.Errorf("then: %q, %v", got, err)
		}
	})
}

func TestAcksOfALostSessionFail(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	c, _ := connect(t, Config{URL: url})
	errs := make(chan error, 10)
	for range 5 {
		if err := c.EmitAck([]byte(`["nobody answers"]`), func(_ []byte, err error) { errs <- err }); err != nil {
			t.Fatal(err)
		}
	}
	c.Cut()
	for range 5 {
		if err := wait(t, errs, "answer"); !errors.Is(err, ErrDisconnected) {
			t.Errorf("ack: %v", err)
		}
	}
	wait(t, c.Done(), "end")
	if err := c.EmitAck([]byte(`["x"]`), func([]byte, error) { t.Error("answered") }); !errors.Is(err, ErrNotConnected) {
		t.Errorf("EmitAck: %v", err)
	}
}

func TestThrottledClientReadsAtItsRate(t *testing.T) {
	const rate, size, n = 200_000, 1000, 100
	url := serve(t, socketio.Config{}, func(s *socketio.Server) {
		s.OnConnect(func(k *socketio.Socket) {
			k.On("go", func(*socketio.Event) {
				for range n {
					_ = k.Emit("x", strings.Repeat("x", size))
				}
			})
		})
	})
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport, ReceiveBuffer: 4096})
		c.Throttle(rate)
		in, _ := c.Stats()
		began := time.Now()
		if err := c.Emit([]byte(`["go"]`)); err != nil {
			t.Fatal(err)
		}
		for range n {
			wait(t, r.events, "event")
		}
		took := time.Since(began)
		now, _ := c.Stats()
		if got := float64(now-in) / took.Seconds(); got > 1.3*rate {
			t.Errorf("read %.0f bytes/s", got)
		}
		c.Throttle(size) // what comes now would take n seconds
		if err := c.Emit([]byte(`["go"]`)); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		c.Throttle(-1)
		for range n {
			wait(t, r.events, "event")
		}
		if d := time.Since(began); d > n*time.Second/2 {
			t.Errorf("without a limit it took %v", d)
		}
	})
}

func TestClientThatReadsNothingIsClosedByTheServerAndNotByItself(t *testing.T) {
	reasons := make(chan socketio.Reason, 10)
	url := serve(t, socketio.Config{Engine: engineio.Config{PingInterval: 100 * time.Millisecond, PingTimeout: 100 * time.Millisecond}}, func(s *socketio.Server) {
		s.OnConnect(func(k *socketio.Socket) { k.OnDisconnect(func(r socketio.Reason) { reasons <- r }) })
	})
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport})
		if transport == Upgrade {
			wait(t, r.upgraded, "Upgraded")
		}
		c.Throttle(0)
		if reason := wait(t, reasons, "reason"); reason != "ping timeout" {
			t.Errorf("the server says %q", reason)
		}
		select {
		case err := <-r.disconnected:
			t.Errorf("gave up by itself: %v", err)
		default:
		}
		c.Throttle(-1)
		if class := Class(wait(t, r.disconnected, "Disconnected")); class != "closed" && class != "http 400" {
			t.Errorf("disconnected: %q", class)
		}
	})
}

func TestThrottledClientCanBeCutAndClosed(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	everywhere(t, func(t *testing.T, transport Transport) {
		c, r := connect(t, Config{URL: url, Transport: transport, Reconnect: soon})
		for _, rate := range []int{0, 1} {
			c.Throttle(rate)
			c.Cut()
			if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrCut) {
				t.Errorf("disconnected: %v", err)
			}
			c.Throttle(-1)
			wait(t, r.connected, "Connected")
			wait(t, r.connected, "second Connected")
			r.connected <- Opened{}
		}
		c.Throttle(0)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestSourceAddressIsTheOneAskedFor(t *testing.T) {
	peers := make(chan string, 10)
	url := serve(t, socketio.Config{}, func(s *socketio.Server) {
		s.OnConnect(func(k *socketio.Socket) { peers <- k.Handshake().Address() })
	})
	everywhere(t, func(t *testing.T, transport Transport) {
		connect(t, Config{URL: url, Transport: transport, LocalAddr: netip.MustParseAddr("127.9.8.7")})
		if got := wait(t, peers, "address"); !strings.HasPrefix(got, "127.9.8.7") {
			t.Errorf("came from %s", got)
		}
	})
}
