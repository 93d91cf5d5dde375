//go:build !linux

package peer

import (
	"context"
	"net"
)

// workers are for Linux only.
type workers struct{}

func newWorkers(*relays) (workers, error) { return workers{}, nil }

func (workers) carry(*tunnel, net.Conn, net.Conn, *stream) bool { return false }

// stream is a tunnel's part of a trunk, which is for Linux only as well.
type stream struct{}

func (workers) reserve(context.Context, *known, func(context.Context, string) (net.Conn, error)) *stream {
	return nil
}

func (*stream) header() string { return "" }

func (*stream) cancel() {}

func (workers) close() {}
