package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxFiguresBytes bounds what is read of /metrics, which has a fixed size of some 30 KiB.
const maxFiguresBytes = 1 << 20

// figures are what the command drain reads of a node's /metrics, for which it needs no key.
type figures struct {
	sessions int
	draining bool
	started  string // when the process began, to tell it from the next; empty where that is not known
}

func (d drainOrder) look(ctx context.Context) (figures, error) {
	resp, err := d.do(ctx, http.MethodGet, "/metrics")
	if err != nil {
		return figures{}, err
	}
	defer resp.Body.Close()
	f, ok, err := readFigures(io.LimitReader(resp.Body, maxFiguresBytes))
	switch {
	case err != nil:
		return f, err
	case resp.StatusCode != http.StatusOK || !ok:
		return f, fmt.Errorf("%s: %s: want a gateway's internal listener", resp.Request.URL, resp.Status)
	}
	return f, nil
}

// readFigures also reports whether it is a gateway that says so.
func readFigures(r io.Reader) (f figures, ok bool, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		series, value, _ := strings.Cut(lines.Text(), " ") // none of these has a label with a space
		name, _, _ := strings.Cut(series, "{")
		switch name {
		case "gateway_connections":
			n, _ := strconv.Atoi(value) // what is none adds none
			f.sessions += n
		case "gateway_draining":
			ok, f.draining = true, value == "1"
		case "process_start_time_seconds":
			f.started = value
		}
	}
	return f, ok, lines.Err()
}
