package main

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

const patience = 10 * time.Second

// openTo returns a way to a listener whose connections come out of the channel.
func openTo(t *testing.T) (*way, <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w, err := openWay(func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	conns := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(conns)
				return
			}
			conns <- c
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		for c := range conns {
			_ = c.Close()
		}
	})
	return w, conns
}

// join returns both ends of a new connection over the way, on which a byte has passed.
func join(t *testing.T, w *way, conns <-chan net.Conn) (near, far net.Conn) {
	t.Helper()
	near, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	far = <-conns
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	pass(t, near, far)
	pass(t, far, near)
	return near, far
}

func pass(t *testing.T, from, to net.Conn) {
	t.Helper()
	if _, err := from.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := readOne(to, patience); err != nil {
		t.Fatal(err)
	}
}

func readOne(c net.Conn, within time.Duration) error {
	_ = c.SetReadDeadline(time.Now().Add(within))
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

// silent is how long nothing must come to be called silence.
const silent = 50 * time.Millisecond

func TestCutIsHeardAtBothEnds(t *testing.T) {
	w, conns := openTo(t)
	near, far := join(t, w, conns)
	w.cut(true)
	for _, c := range []net.Conn{near, far} {
		if err := readOne(c, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an end heard %v", err)
		}
	}
	join(t, w, conns)
}

func TestLostConnectionStaysOpenAtTheFarEnd(t *testing.T) {
	w, conns := openTo(t)
	near, far := join(t, w, conns)
	w.cut(false)
	if err := readOne(near, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the near end heard %v", err)
	}
	if _, err := far.Write([]byte("x")); err != nil {
		t.Errorf("write to nobody: %v", err)
	}
	if err := readOne(far, silent); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the far end heard %v", err)
	}
	join(t, w, conns)
}

func TestSilenceKeepsWhatIsSent(t *testing.T) {
	w, conns := openTo(t)
	near, far := join(t, w, conns)
	first, second := w.silence(), w.silence()
	for _, c := range []net.Conn{near, far} {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	first()
	for _, c := range []net.Conn{near, far} {
		if err := readOne(c, silent); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an end heard %v", err)
		}
	}
	second()
	for _, c := range []net.Conn{near, far} {
		if err := readOne(c, patience); err != nil {
			t.Error(err)
		}
	}
}

func TestRefusedConnectionsEnd(t *testing.T) {
	w, conns := openTo(t)
	accept := w.refuse()
	if c, err := net.Dial("tcp", w.address); err == nil { // otherwise the reset was faster
		defer c.Close()
		if err := readOne(c, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("heard %v", err)
		}
	}
	accept()
	join(t, w, conns)
}

func TestSlowWayIsLate(t *testing.T) {
	w, conns := openTo(t)
	near, far := join(t, w, conns)
	w.slow(silent)
	began := time.Now()
	pass(t, near, far)
	if d := time.Since(began); d < silent {
		t.Errorf("a byte took %v", d)
	}
}

func TestUpgradeIsNoticed(t *testing.T) {
	w, conns := openTo(t)
	near, far := join(t, w, conns)
	upgrades, stop := w.watchUpgrades()
	defer stop()
	pass(t, near, far)
	if _, err := near.Write([]byte("GET /socket.io/?EIO=4&transport=websocket&sid=abc HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-upgrades:
	case <-time.After(patience):
		t.Error("nobody was told")
	}
}
