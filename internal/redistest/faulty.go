package redistest

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// Faulty is a way to a server that can break: a proxy. Its address stays the
// same as long as the test runs.
type Faulty struct {
	// Immutable.
	t       testing.TB
	address string
	target  string

	mu sync.Mutex
	// Guarded by mu.
	listener net.Listener // nil while stopped
	conns    map[net.Conn]struct{}
	frozen   chan struct{} // closed on Resume; nil while not paused
	running  sync.WaitGroup
}

// StartFaulty returns a new way to the shared server.
func StartFaulty(t testing.TB) *Faulty {
	t.Helper()
	return StartFaultyTo(t, acquire(t).address)
}

// StartFaultyTo returns a new way to the server at address, host:port.
func StartFaultyTo(t testing.TB, address string) *Faulty {
	t.Helper()
	f := &Faulty{t: t, target: address, address: "127.0.0.1:0", conns: map[net.Conn]struct{}{}}
	f.Restart()
	t.Cleanup(func() {
		f.Resume()
		f.Stop()
		f.running.Wait()
	})
	return f
}

// URL returns where to connect: redis://host:port.
func (f *Faulty) URL() string { return "redis://" + f.address }

// Stop refuses connections and breaks the ones that exist.
func (f *Faulty) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != nil {
		_ = f.listener.Close()
		f.listener = nil
	}
	f.breakAll()
}

// Break breaks the connections that exist; new ones are accepted.
func (f *Faulty) Break() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.breakAll()
}

// breakAll needs mu.
func (f *Faulty) breakAll() {
	for c := range f.conns {
		_ = c.Close()
	}
}

// Restart accepts connections again, at the same address.
func (f *Faulty) Restart() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != nil {
		return
	}
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		f.t.Fatalf("listen: %v", err)
	}
	f.listener, f.address = l, l.Addr().String()
	f.running.Go(func() { f.accept(l) })
}

// Pause stops forwarding in both directions, as a frozen server or a lost network does:
// connections are still accepted and nothing is closed.
func (f *Faulty) Pause() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen == nil {
		f.frozen = make(chan struct{})
	}
}

// Resume forwards again, also what has been written meanwhile.
func (f *Faulty) Resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen != nil {
		close(f.frozen)
		f.frozen = nil
	}
}

func (f *Faulty) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.DialTimeout("tcp", f.target, time.Second)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !f.add(l, client, server) {
			_ = errors.Join(client.Close(), server.Close())
			return
		}
		f.running.Go(func() { f.forward(server, client) })
		f.running.Go(func() { f.forward(client, server) })
	}
}

// add remembers the two halves of a connection, unless it came too late.
func (f *Faulty) add(l net.Listener, halves ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != l {
		return false
	}
	for _, c := range halves {
		f.conns[c] = struct{}{}
	}
	return true
}

// forward copies until one side ends, and then ends both.
func (f *Faulty) forward(to, from net.Conn) {
	defer func() {
		_ = errors.Join(to.Close(), from.Close())
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.conns, from)
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		f.mu.Lock()
		frozen := f.frozen
		f.mu.Unlock()
		if frozen != nil {
			<-frozen
		}
		if _, writeErr := to.Write(buf[:n]); writeErr != nil || err != nil {
			return
		}
	}
}
