package e2e

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// What 10,000 connections took is given back when they are gone. It is compared
// with the state after the first thousand: those page in the program's code and
// leave the runtime's own tables at their size, once and for all, and what that
// is must be little.
func TestMemoryReturnsAfterTenThousandConnections(t *testing.T) {
	const slackPercent, onceKiB = 10, 8 << 10
	t.Parallel()
	s := start(t, plainProgram, "--dev")
	cold := s.residentKiB()
	s.comeAndGo(t, 1_000)
	s.expectTrims(t, 1)
	before := s.residentKiB()
	peak := s.comeAndGo(t, 10_000)
	t.Logf("cold %d KiB, after the first thousand %d KiB, at most %d KiB", cold, before, peak)
	if before > cold+onceKiB {
		t.Errorf("%d KiB after the first thousand, %d KiB before any", before, cold)
	}
	eventually(t, time.Minute, "memory to return", func() error {
		if now := s.residentKiB(); now > before+before*slackPercent/100 {
			return fmt.Errorf("%d KiB, before %d KiB", now, before)
		}
		return nil
	})
}

// comeAndGo opens and closes connections, a thousand at a time, and returns the
// most memory that the server had meanwhile.
func (s *server) comeAndGo(t *testing.T, connections int) (peakKiB int) {
	t.Helper()
	const atOnce, dialers = 1_000, 8
	for range connections / atOnce {
		conns := make([]net.Conn, atOnce)
		var dials sync.WaitGroup
		for dialer := range dialers {
			dials.Go(func() {
				for i := dialer; i < atOnce; i += dialers {
					conns[i] = joinAndStopReading(t, s.public, fmt.Sprint("memory-", i%100))
				}
			})
		}
		dials.Wait()
		peakKiB = max(peakKiB, s.residentKiB())
		for _, conn := range conns {
			_ = conn.Close()
		}
		s.expectNoConnections(t)
	}
	return peakKiB
}

// expectTrims waits until the gateway has handed memory back to the system.
func (s *server) expectTrims(t *testing.T, n float64) {
	t.Helper()
	eventually(t, time.Minute, "the gateway to hand memory back", func() error {
		if got := s.metrics().sum("gateway_memory_trims_total"); got < n {
			return fmt.Errorf("it has %v times", got)
		}
		return nil
	})
}

func (s *server) expectNoConnections(t *testing.T) {
	t.Helper()
	eventually(t, patience, "all connections to be gone", func() error {
		if n := s.metrics().sum("gateway_connections"); n != 0 {
			return fmt.Errorf("%v are left", n)
		}
		return nil
	})
}

// joinAndStopReading connects a client that joins a room, with a small receive
// buffer, and reads no more once the join is answered.
func joinAndStopReading(t testing.TB, address, room string) *net.TCPConn {
	t.Helper()
	conn := dialTCP(t, address)
	_ = conn.SetReadBuffer(4 << 10)
	write(t, conn, upgradeRequest(webSocketQuery)+frame(textFrame, "40")+frame(textFrame, fmt.Sprintf(`421["join",%q]`, room)))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	buf := make([]byte, 512)
	for !bytes.Contains(got, []byte(`431[{"ok":true}]`)) {
		n, err := conn.Read(buf)
		if err != nil {
			t.Errorf("join: %v after %q", err, got)
			return conn
		}
		got = append(got, buf[:n]...)
	}
	return conn
}
