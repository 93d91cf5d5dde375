package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between clients and a server, so that a test can do what networks
// do: hold bytes back, or stop carrying them without closing anything.
type proxy struct {
	address string
	target  string
	ends    sync.WaitGroup // the goroutines of all connections

	mu       sync.Mutex
	conns    []net.Conn    // Guarded by mu.
	upgrades chan struct{} // Guarded by mu. WebSocket handshakes wait for it to be closed; nil: they don't.
	frozen   chan struct{} // closed by freeze
	closed   chan struct{}

	carrying atomic.Int64 // directions of connections that have not ended
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: listener.Addr().String(), target: target, frozen: make(chan struct{}), closed: make(chan struct{})}
	p.ends.Go(func() { p.accept(listener) })
	t.Cleanup(func() {
		close(p.closed)
		_ = listener.Close()
		p.mu.Lock()
		for _, conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.ends.Wait()
	})
	return p
}

// holdUpgrades keeps WebSocket handshakes from the server until releaseUpgrades.
func (p *proxy) holdUpgrades() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upgrades = make(chan struct{})
}

func (p *proxy) releaseUpgrades() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.upgrades)
}

// freeze stops carrying bytes, for ever and in both directions, and closes
// nothing: both ends keep a connection whose other end is gone.
func (p *proxy) freeze() { close(p.frozen) }

// switchNetwork takes all connections from their clients, and leaves the server its ends:
// they look as if nothing had happened.
func (p *proxy) switchNetwork() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		if c, ok := conn.(clientEnd); ok && c.lost.CompareAndSwap(false, true) {
			_ = conn.Close()
		}
	}
}

// clientEnd is the end of a connection at a client. When it is lost the server's end
// stays.
type clientEnd struct {
	*net.TCPConn
	lost *atomic.Bool
}

// expectConnections waits until all but n connections have ended.
func (p *proxy) expectConnections(t *testing.T, n int64) {
	t.Helper()
	eventually(t, patience, "connections to end", func() error {
		if got := p.carrying.Load(); got != 2*n {
			return fmt.Errorf("%d directions are open, expected %d", got, 2*n)
		}
		return nil
	})
}

func (p *proxy) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		client := clientEnd{conn.(*net.TCPConn), new(atomic.Bool)}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !p.keep(client, server) {
			return
		}
		p.carrying.Add(2)
		p.ends.Go(func() { p.carry(server, client, true, client.lost) })
		p.ends.Go(func() { p.carry(client, server, false, client.lost) })
	}
}

// keep remembers connections that the end of the test closes, or closes them if
// it has come.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		for _, conn := range conns {
			_ = conn.Close()
		}
		return false
	default:
		p.conns = append(p.conns, conns...)
		return true
	}
}

// carry copies from one end to the other until one closes or the proxy freezes.
// What is lost on the way to a client that has gone is lost: the server is not told.
func (p *proxy) carry(to, from net.Conn, fromClient bool, lost *atomic.Bool) {
	defer p.carrying.Add(-1)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-p.frozen:
			<-p.closed
			return
		default:
		}
		if fromClient && bytes.Contains(buf[:n], []byte("transport=websocket")) {
			p.waitForUpgrades()
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil && !lost.Load() {
				_ = from.Close()
				return
			}
		}
		if err != nil && fromClient && lost.Load() {
			return
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				_ = to.(interface{ CloseWrite() error }).CloseWrite()
			} else {
				_ = to.Close()
			}
			return
		}
	}
}

func (p *proxy) waitForUpgrades() {
	p.mu.Lock()
	hold := p.upgrades
	p.mu.Unlock()
	if hold == nil {
		return
	}
	select {
	case <-hold:
	case <-p.closed:
	}
}
