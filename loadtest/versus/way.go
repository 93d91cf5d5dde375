package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// way is what lies between clients and their node.
type way struct {
	listener net.Listener
	to       string         // host:port
	running  sync.WaitGroup // of accept, and of all passages

	mu       sync.Mutex
	passages []*passage // Guarded by mu.
	closed   bool       // Guarded by mu.
}

// passage is a connection of a client, and what leads on to the node.
type passage struct {
	client, node net.Conn
	lost         atomic.Bool // the client is gone, and the node is not to know
}

func openWay(to string) (*way, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &way{listener: listener, to: to}
	w.running.Go(w.accept)
	return w, nil
}

func (w *way) url() string { return "http://" + w.listener.Addr().String() }

func (w *way) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		node, err := net.Dial("tcp", w.to)
		if err != nil {
			client.Close()
			continue
		}
		p := &passage{client: client, node: node}
		w.mu.Lock()
		w.passages = append(w.passages, p)
		closed := w.closed
		w.mu.Unlock()
		if closed {
			p.close()
			return
		}
		w.running.Go(func() { p.carry(p.client, p.node) })
		w.running.Go(func() { p.carry(p.node, p.client) })
	}
}

// carry ends both ends with either, unless the client is lost.
func (p *passage) carry(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	switch {
	case !p.lost.Load():
		p.close()
	case from == p.node:
		_, _ = io.Copy(io.Discard, p.node)
		p.close()
	}
}

func (p *passage) close() {
	p.client.Close()
	p.node.Close()
}

// lose takes their connections from the clients and leaves the node its ends, as a change of
// the network does.
func (w *way) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.passages {
		p.lost.Store(true)
		p.client.Close()
	}
}

func (w *way) close() {
	w.listener.Close()
	w.mu.Lock()
	w.closed = true
	for _, p := range w.passages {
		p.close()
	}
	w.mu.Unlock()
	w.running.Wait()
}
