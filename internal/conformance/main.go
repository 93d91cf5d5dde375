// Command conformance serves what the public protocol test suites of Engine.IO
// and Socket.IO expect of a server: on port 3000, raw Engine.IO that sends each
// message back under /engine.io/, and under /socket.io/ two namespaces that echo
// events and acknowledgements.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		slog.Error("conformance server ended", "err", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ln, err := listen("3000")
	if err != nil {
		return err
	}
	fmt.Println("serving the protocol suites on", ln.Addr())
	return serve(ctx, ln)
}

// listen takes a port on every address, IPv4 and IPv6: the suites ask for
// "localhost", which may mean either.
func listen(port string) (net.Listener, error) { return net.Listen("tcp", ":"+port) }

// serve answers on ln until ctx ends, and then closes every session.
func serve(ctx context.Context, ln net.Listener) error {
	s, err := newSuites()
	if err != nil {
		_ = ln.Close()
		return err
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// First the sessions: Shutdown waits for the polls that they hold.
	err = errors.Join(s.close(fresh), srv.Shutdown(fresh))
	<-served // http.ErrServerClosed
	return err
}
