package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// readHeaderTimeout ends connections that send their request drop by drop.
	readHeaderTimeout = 10 * time.Second
	// idleTimeout is longer than the minute that balancers keep idle connections,
	// so that it is the balancer that closes them and no request meets a closed one.
	idleTimeout = 90 * time.Second
	// maxHeaderBytes is Node's limit. net/http's own is 1 MiB.
	maxHeaderBytes = 16 << 10
	// stopTimeout bounds how long a stopping listener waits for answers under way.
	stopTimeout = 2 * time.Second
)

// endpoint is a listener and what serves it.
type endpoint struct {
	ln  net.Listener
	srv *http.Server
}

// open listens on an address that a flag named.
func open(flag, address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("%s=%q: %w; want an address that is free here", flag, address, err)
	}
	return ln, nil
}

// newEndpoint has no ReadTimeout and no WriteTimeout: a long poll is open for as
// long as nothing happens. engineio bounds the time of a body and of a write.
func newEndpoint(ln net.Listener, h http.Handler, name string, log *slog.Logger) *endpoint {
	return &endpoint{ln, &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          httpErrors(log, name),
	}}
}

// serve returns when stop was called, with nil, or when accepting failed.
func (e *endpoint) serve() error {
	if err := e.srv.Serve(e.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", e.ln.Addr(), err)
	}
	return nil
}

// stop accepts nothing more, lets the answers under way end, and closes what is
// left after a moment or when ctx ends.
func (e *endpoint) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if e.srv.Shutdown(ctx) != nil {
		e.srv.Close()
	}
}

// urlOf is where a person or a program on this machine reaches a listener.
func urlOf(ln net.Listener) string {
	host, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return ln.Addr().String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
