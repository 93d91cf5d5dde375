package peer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// passage is a tunnel with both of its far ends in the test's hands.
type passage struct {
	relays        *relays
	client, owner *net.TCPConn
	gone          context.CancelFunc
}

// forEveryRelay runs a test with each way to carry a tunnel.
func forEveryRelay(t *testing.T, test func(t *testing.T, p *passage)) {
	t.Helper()
	for name, portable := range map[string]bool{"workers": false, "goroutines": true} {
		t.Run(name, func(t *testing.T) {
			rs, err := newRelays(time.Second, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(rs.close)
			rs.portable, rs.linger = portable, 500*time.Millisecond
			test(t, rs.passage(t))
		})
	}
}

func (rs *relays) passage(t *testing.T) *passage {
	t.Helper()
	client, near := tcpPair(t)
	far, owner := tcpPair(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	rs.start(ctx, near, far, nil)
	return &passage{rs, client, owner, cancel}
}

func tcpPair(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialled, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{dialled, accepted} {
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
	}
	return dialled.(*net.TCPConn), accepted.(*net.TCPConn)
}

func (p *passage) ends(t *testing.T) {
	t.Helper()
	until(t, "the tunnel's end", func() bool { return p.relays.count() == 0 })
}

func TestTunnelMovesBytesBothWays(t *testing.T) {
	forEveryRelay(t, func(t *testing.T, p *passage) {
		there, back := make([]byte, 5<<20), make([]byte, 5<<20)
		_, _ = rand.Read(there)
		_, _ = rand.Read(back)
		var all sync.WaitGroup
		for _, way := range []struct {
			from, to *net.TCPConn
			data     []byte
		}{{p.client, p.owner, there}, {p.owner, p.client, back}} {
			all.Go(func() { _, _ = way.from.Write(way.data) })
			all.Go(func() {
				got := make([]byte, len(way.data))
				if _, err := io.ReadFull(way.to, got); err != nil || !bytes.Equal(got, way.data) {
					t.Errorf("the bytes are not those that were sent: %v", err)
				}
			})
		}
		all.Wait()
	})
}

func TestTunnelPassesHalfCloseOn(t *testing.T) {
	forEveryRelay(t, func(t *testing.T, p *passage) {
		_, _ = p.client.Write([]byte("last words"))
		_ = p.client.CloseWrite()
		if got, err := io.ReadAll(p.owner); err != nil || string(got) != "last words" {
			t.Fatalf("%q, %v", got, err)
		}
		_, _ = p.owner.Write([]byte("goodbye"))
		_ = p.owner.CloseWrite()
		if got, err := io.ReadAll(p.client); err != nil || string(got) != "goodbye" {
			t.Fatalf("%q, %v", got, err)
		}
		p.ends(t)
	})
}

func TestTunnelWithOneSideGoneDoesNotLinger(t *testing.T) {
	forEveryRelay(t, func(t *testing.T, p *passage) {
		_ = p.owner.CloseWrite()
		if _, err := io.ReadAll(p.client); err != nil { // and the client says nothing
			t.Fatal(err)
		}
		p.ends(t)
		if n := p.relays.stats.cut.Load(); n != 1 {
			t.Errorf("%d were cut", n)
		}
	})
}

func TestTunnelPassesResetOn(t *testing.T) {
	forEveryRelay(t, func(t *testing.T, p *passage) {
		_, _ = p.owner.Write([]byte("x"))
		expect(t, p.client, "x")
		_ = p.client.SetLinger(0)
		p.client.Close()
		if _, err := io.ReadAll(p.owner); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the owner saw %v", err)
		}
		p.ends(t)
	})
}

func TestStalledTunnelEnds(t *testing.T) {
	forEveryRelay(t, func(t *testing.T, p *passage) {
		chunk := make([]byte, 1<<20)
		began := time.Now()
		var err error
		for err == nil { // the client reads nothing
			_, err = p.owner.Write(chunk)
		}
		if took := time.Since(began); took > patience/2 {
			t.Errorf("it took %v", took)
		}
		p.ends(t)
		if p.relays.stats.cut.Load() != 1 {
			t.Errorf("it ended for another reason: %v", err)
		}
	})
}

func TestStalledTunnelDelaysNoOther(t *testing.T) {
	rs, err := newRelays(time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rs.close)
	all := make([]*passage, 8) // more than there are workers
	for i := range all {
		all[i] = rs.passage(t)
	}
	stuck := all[:4]
	for _, p := range stuck {
		_ = p.owner.SetDeadline(time.Now().Add(300 * time.Millisecond))
		for err := error(nil); err == nil; {
			_, err = p.owner.Write(make([]byte, 1<<20))
		}
	}
	for _, p := range all[4:] {
		_, _ = p.owner.Write([]byte("hello"))
		expect(t, p.client, "hello")
	}
	for _, p := range stuck { // and the other way of the stuck ones is open
		_, _ = p.client.Write([]byte("hello"))
		_ = p.owner.SetDeadline(time.Now().Add(patience))
		expect(t, p.owner, "hello")
	}
}

func TestTunnelEndsWithItsOwnersNode(t *testing.T) {
	forEveryRelay(t, func(t *testing.T, p *passage) {
		p.gone()
		_, _ = io.ReadAll(p.client)
		p.ends(t)
	})
}

func TestClosedRelaysLeaveNothingOpen(t *testing.T) {
	forEveryRelay(t, func(t *testing.T, p *passage) {
		more := p.relays.passage(t)
		p.relays.close()
		late := p.relays.passage(t)
		for _, end := range []*net.TCPConn{p.client, p.owner, more.client, more.owner, late.client, late.owner} {
			if _, err := io.ReadAll(end); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("an end is open: %v", err)
			}
		}
	})
}
