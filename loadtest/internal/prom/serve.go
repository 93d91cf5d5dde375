package prom

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server answers on /metrics until it is closed.
type Server struct {
	http     *http.Server
	listener net.Listener
	done     chan error
}

// Serve listens on address, as :9100, and shows e there. The error of an address that
// cannot be listened on names it.
func Serve(address string, e *Exporter) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics of the load tool: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", e.Handler())
	s := &Server{
		http:     &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10},
		listener: l,
		done:     make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close ends it, and requests under way with it. It returns when nothing is left.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
