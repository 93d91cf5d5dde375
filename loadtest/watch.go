package main

import (
	"fmt"
	"io"
	"os"

	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/live"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/prom"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// watch is who is told of a run while it lasts.
type watch struct {
	view     *live.View    // nil: nobody looks
	exporter prom.Exporter // of server
	server   *prom.Server  // nil: nobody asks
}

// watch begins the view on w, and the metrics.
func (c *runCommand) watch(w io.Writer, p plan.Plan) (*watch, error) {
	quiet, err := c.Quiet.on("quiet")
	if err != nil {
		return nil, err
	}
	lines, err := c.NoLive.on("no-live")
	if err != nil {
		return nil, err
	}
	out := &watch{}
	if err := out.serve(c.PrometheusListen); err != nil {
		return nil, err
	}
	file, isFile := w.(*os.File)
	switch {
	case quiet:
	case isFile && !lines:
		out.view = live.New(file, p)
	default:
		out.view = live.Lines(w, p)
	}
	return out, nil
}

func (w *watch) serve(addresses []string) (err error) {
	if len(addresses) == 0 {
		return nil
	}
	if len(addresses) > 1 {
		return fmt.Errorf("--prometheus-listen=%q: want it once", addresses[1])
	}
	if w.server, err = prom.Serve(addresses[0], &w.exporter); err != nil {
		return fmt.Errorf("--prometheus-listen=%q: want an address such as :9101 that is free: %w", addresses[0], err)
	}
	return nil
}

func (w *watch) hooks() drive.Hooks {
	return drive.Hooks{
		Interval: func(iv result.Interval, _ *drive.Progress) {
			if w.server != nil {
				w.exporter.Interval(iv)
			}
			if w.view != nil {
				w.view.Interval(iv)
			}
		},
		Log: func(line string) {
			if w.view != nil {
				w.view.Say(line)
			}
		},
	}
}

func (w *watch) close() {
	if w.view != nil {
		w.view.Close()
	}
	if w.server != nil {
		w.server.Close()
	}
}
