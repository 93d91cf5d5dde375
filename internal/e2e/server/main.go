package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func main() {
	if err := run(); err != nil {
		slog.Error("server ended", "error", err)
		os.Exit(1)
	}
}

type settings struct {
	listen, internalListen string
	redisURL, redisPrefix  string
	socketio               socketio.Config
}

func flags() *settings {
	s := &settings{}
	flag.StringVar(&s.listen, "listen", "127.0.0.1:3000", "address of the Socket.IO listener")
	flag.StringVar(&s.internalListen, "internal-listen", "127.0.0.1:9090", "address for health and metrics")
	flag.StringVar(&s.redisURL, "redis-url", "", "Redis that connects several of these")
	flag.StringVar(&s.redisPrefix, "redis-prefix", "", "empty: the default")
	engine := &s.socketio.Engine
	flag.DurationVar(&engine.PingInterval, "ping-interval", 0, "0: the default")
	flag.DurationVar(&engine.PingTimeout, "ping-timeout", 0, "0: the default")
	flag.DurationVar(&engine.UpgradeTimeout, "upgrade-timeout", 0, "0: the default")
	flag.DurationVar(&s.socketio.ConnectTimeout, "connect-timeout", 0, "0: the default")
	flag.IntVar(&engine.MaxPayload, "max-payload", 0, "0: the default")
	flag.IntVar(&engine.MaxQueueBytes, "max-queue", 0, "0: the default")
	flag.Parse()
	return s
}

// run serves until SIGTERM or SIGINT.
func run() error {
	s := flags()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	adapter, closeAdapter, err := openAdapter(s)
	if err != nil {
		return err
	}
	defer func() { _ = closeAdapter() }()
	s.socketio.Adapter = adapter
	io, err := socketio.NewServer(s.socketio)
	if err != nil {
		return err
	}
	newEvents(io)

	internal := http.NewServeMux()
	internal.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	internal.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { writeMetrics(w, io.Stats()) })
	public := &http.Server{Addr: s.listen, Handler: io, ReadHeaderTimeout: 5 * time.Second}
	private := &http.Server{Addr: s.internalListen, Handler: internal, ReadHeaderTimeout: 5 * time.Second}

	ended := make(chan error, 3)
	parts := []func() error{public.ListenAndServe, private.ListenAndServe}
	if adapter != nil {
		parts = append(parts, func() error { return io.Run(ctx) })
	}
	for _, part := range parts {
		go func() { ended <- part() }()
	}
	var failed error
	left := len(parts)
	select {
	case <-ctx.Done():
	case failed = <-ended:
		left--
	}
	stop()
	// A polling client that has gone never fetches its last packet: its time is
	// bounded, and no failure.
	grace, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := io.Close(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("close: %w", err)
	}
	_, _ = public.Close(), private.Close()
	for range left {
		if err := <-ended; failed == nil {
			failed = err
		}
	}
	if errors.Is(failed, http.ErrServerClosed) || errors.Is(failed, context.Canceled) {
		return nil
	}
	return failed
}
