package e2e

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// What 10,000 connections took is given back when they are gone.
func TestMemoryReturnsAfterTenThousandConnections(t *testing.T) {
	const connections, atOnce, slackPercent = 10_000, 1_000, 10
	s := start(t, plainProgram, "--dev")
	joinAndStopReading(t, s.public, "memory").Close() // the first of each kind of thing that stays
	s.expectNoConnections(t)
	before := s.residentKiB()
	peak := 0
	for range connections / atOnce {
		conns := make([]net.Conn, atOnce)
		var dials sync.WaitGroup
		for worker := range 8 {
			dials.Go(func() {
				for i := worker; i < atOnce; i += 8 {
					conns[i] = joinAndStopReading(t, s.public, fmt.Sprint("memory-", i%100))
				}
			})
		}
		dials.Wait()
		peak = max(peak, s.residentKiB())
		for _, conn := range conns {
			_ = conn.Close()
		}
		s.expectNoConnections(t)
	}
	t.Logf("before %d KiB, with %d connections %d KiB", before, atOnce, peak)
	eventually(t, time.Minute, "memory to return", func() error {
		if now := s.residentKiB(); now > before+before*slackPercent/100 {
			return fmt.Errorf("%d KiB, before %d KiB", now, before)
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
