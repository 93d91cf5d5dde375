package socketio

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// leaveTimeout bounds the clean-up calls to the adapter, which must also be made
// while the server closes.
const leaveTimeout = 5 * time.Second

// closeGrace is what handlers get when the context of Close has ended.
const closeGrace = time.Second

var errHandlersRun = errors.New("socketio: handlers still run")

// Run connects the server with the other nodes, by its adapter, until ctx ends
// or the adapter gives up. Without an adapter it waits for ctx. Call it once,
// before clients connect; the first of them wait until the adapter is ready.
func (s *Server) Run(ctx context.Context) error {
	if s.cfg.Adapter == nil {
		<-ctx.Done()
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		s.openNamespaces(ctx)
	}()
	err := s.cfg.Adapter.Run(ctx, node{s})
	cancel()
	<-opened
	if err != nil {
		return fmt.Errorf("run adapter: %w", err)
	}
	return nil
}

// openNamespaces tells the adapter of the namespaces that the program has opened,
// so that other nodes can ask about them before a client has come.
func (s *Server) openNamespaces(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.added:
		}
		for _, n := range s.allNamespaces() {
			if err := s.openLink(ctx, n); err != nil && ctx.Err() == nil {
				s.cfg.Logger.Warn("adapter refused namespace", "namespace", n.name, "error", err)
			}
		}
	}
}

// Drain refuses new sessions with status 503 and closes the others evenly over
// window, each after its queue is flushed. It sends no DISCONNECT packet: the
// official client would not reconnect. It returns when all are gone, or ctx ends.
func (s *Server) Drain(ctx context.Context, window time.Duration) error {
	return s.engine.Drain(ctx, window)
}

// ReleasePoll is [engineio.Server.ReleasePoll].
func (s *Server) ReleasePoll(sid string) { s.engine.ReleasePoll(sid) }

// Close ends every socket with ReasonServerShutdown and without a DISCONNECT
// packet, so that clients reconnect elsewhere. It returns when every handler has
// returned and every goroutine of the server has ended, or ctx ends. End the
// context of Run afterwards, so that what handlers emit still reaches other nodes.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.refuse()
		s.checkIdle()
	}
	s.mu.Unlock()
	defer s.cancel()
	var err error
	if s.engine != nil {
		if err = s.engine.Close(ctx); err != nil {
			err = fmt.Errorf("close sessions: %w", err)
		}
	}
	select {
	case <-s.idle:
		return err
	case <-ctx.Done():
	}
	// Sessions that ctx has cut off have ended too: their handlers need a moment.
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select {
	case <-s.idle:
		return err
	case <-timer.C:
		return errors.Join(err, errHandlersRun)
	}
}
