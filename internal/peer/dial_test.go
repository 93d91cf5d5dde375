package peer

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A node that could not take part in the handshake until its time was over has not found
// the other one dead; one that gets no answer again has.
func TestDialTriesAgainAfterATimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, row := range map[string]struct {
		absent, attempts int64
		ok               bool
	}{
		"answered at once":       {0, 1, true},
		"answered at the second": {1, 2, true},
		"never answered":         {9, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			var attempts atomic.Int64
			f := &Forwarder{}
			f.dialer.Timeout = 20 * time.Millisecond
			if row.ok {
				f.dialer.Timeout = time.Second // enough for the attempt that is to succeed
			}
			f.dialer.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
				if attempts.Add(1) <= row.absent {
					<-ctx.Done()
				}
				return nil
			}
			conn, err := f.dial(t.Context(), "tcp", l.Addr().String())
			if (err == nil) != row.ok || err != nil && !timedOut(err) {
				t.Errorf("dial: %v", err)
			}
			if conn != nil {
				conn.Close()
			}
			if n := attempts.Load(); n != row.attempts {
				t.Errorf("%d attempts, want %d", n, row.attempts)
			}
		})
	}
}

func TestDialDoesNotTryAgainWhereNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	attempts := 0
	f := &Forwarder{}
	f.dialer.Timeout = dialTimeout / 2
	f.dialer.ControlContext = func(context.Context, string, string, syscall.RawConn) error { attempts++; return nil }
	if conn, err := f.dial(t.Context(), "tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("somebody listens")
	}
	if attempts != 1 {
		t.Errorf("%d attempts, want 1", attempts)
	}
}
