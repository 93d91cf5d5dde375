package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/causeway-rt/causeway/internal/peer"
)

// Run serves until ctx ends, and then drains: it returns within DrainDelay and
// DrainWindow and a few seconds, with nil if everything went its way. It drains likewise when
// the API is asked to. One line on stdout says when it serves, and where. Run returns early, after
// a drain without delay, when a listener or the adapter fails for good, or another node has
// this one's tag. With Nodes there is a line for each of them, and they stop together.
func Run(ctx context.Context, cfg Config, stdout io.Writer) error {
	if cfg.Nodes > 1 {
		return runSeveral(ctx, cfg, stdout)
	}
	public, internal, err := listen(cfg)
	if err != nil {
		return err
	}
	g, err := newGateway(cfg)
	if err != nil {
		public.Close()
		internal.Close()
		return err
	}
	defer g.close()
	return g.run(ctx, public, internal, stdout)
}

func listen(cfg Config) (public, internal net.Listener, err error) {
	if public, err = open("--listen", cfg.Listen); err != nil {
		return nil, nil, err
	}
	if internal, err = open("--internal-listen", cfg.InternalListen); err != nil {
		public.Close()
		return nil, nil, err
	}
	return public, internal, nil
}

// run owns the listeners and every goroutine of the node: all have ended when it
// returns.
func (g *gateway) run(ctx context.Context, publicLn, internalLn net.Listener, stdout io.Writer) error {
	g.log.Info("configuration", "file", g.cfg.Sources.File, "settings", g.cfg.Sources.Names)
	for _, w := range g.cfg.Warnings {
		g.log.Warn("configuration", "warning", w)
	}
	public := newEndpoint(publicLn, g.handler(), "public", g.noisy)
	internal := newEndpoint(internalLn, internal(g.health, g.metrics, g.apiHandler(), debugHandler(g.cfg.DebugKey, g.noisy), g.cluster.behind()), "internal", g.noisy)
	internal.srv.MaxHeaderBytes = peer.MaxHeaderBytes

	// What runs beside the listeners outlives ctx: the drain needs it.
	beside, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	failed := make(chan error, 4) // one for each that can fail
	if g.access != nil {
		running.Go(func() { g.access.Run(beside) })
	}
	running.Go(func() { failed <- internal.serve() })
	// Who opens a session here may come back through any other node.
	g.cluster.announce(ctx, g.cfg, internalLn.Addr(), g.log)
	running.Go(func() { failed <- public.serve() })
	running.Go(func() {
		if err := g.cluster.run(beside); err != nil {
			failed <- fmt.Errorf("cluster: %w", err)
		}
	})
	running.Go(func() {
		if err := g.sockets.Run(beside); err != nil && beside.Err() == nil {
			failed <- fmt.Errorf("adapter: %w", err)
		}
	})
	running.Go(func() { g.trim.run(beside) })
	running.Go(func() { (&readiness{health: g.health, log: g.log}).run(beside) })

	fmt.Fprintln(stdout, g.line(publicLn, internalLn))
	g.log.Info("serving", "public", publicLn.Addr().String(), "internal", internalLn.Addr().String(),
		"node", g.sockets.Tag(), "adapter", g.bus.name(), "recovery", g.cfg.Recovery.Window, "version", g.cfg.Version)
	if g.api != nil {
		g.log.Info("server API is open", "keys", g.keyNames())
	}

	var failure error
	select {
	case <-ctx.Done():
	case <-g.leave:
	case failure = <-failed:
		g.log.Error("can't go on", "error", failure)
	}
	delay, window := g.cfg.DrainDelay, g.cfg.DrainWindow
	if failure != nil {
		delay = 0
	}
	if errors.Is(failure, peer.ErrTaken) {
		window = 0 // the sessions of a tag have one owner
	}
	err := g.drain(public, internal, delay, window)
	stop()
	running.Wait()
	return errors.Join(failure, err)
}
