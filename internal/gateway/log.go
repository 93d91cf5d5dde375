package gateway

import (
	"context"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// newLogger returns the logger of a gateway. Both formats escape control
// characters, so what a client sends can't forge a line.
func newLogger(cfg Config) *slog.Logger {
	l := newNodeLogger(cfg)
	if cfg.port != "" { // one of several nodes in this process
		l = l.With("port", cfg.port)
	}
	return l
}

func newNodeLogger(cfg Config) *slog.Logger {
	var out io.Writer = os.Stderr
	if cfg.LogOutput != nil {
		out = cfg.LogOutput
	}
	if cfg.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: cfg.LogLevel, ReplaceAttr: shortTime}))
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: cfg.LogLevel, ReplaceAttr: readable}))
}

// shortTime leaves out the date, which a person at a terminal knows.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		a.Value = slog.StringValue(a.Value.Time().Format("15:04:05.000"))
	}
	return readable(groups, a)
}

// readable writes durations as the configuration does, 8.27s; JSON would have nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().Round(time.Millisecond).String())
	}
	return a
}

// limiter is a handler for what clients or Redis can cause in any number: of
// records with the same message it passes one in each interval, and says with
// the next one how many it left out. Messages are constants, so the map is
// small. Debug records pass: who asks for them wants all of them.
type limiter struct {
	next  slog.Handler
	every time.Duration
	seen  *seen // shared by the handlers that WithAttrs and WithGroup make
}

type seen struct {
	mu sync.Mutex
	// Guarded by mu.
	byMessage map[string]*sighting
}

type sighting struct {
	last    time.Time
	skipped int
}

func limited(l *slog.Logger, every time.Duration) *slog.Logger {
	return slog.New(limiter{l.Handler(), every, &seen{byMessage: map[string]*sighting{}}})
}

func (l limiter) Enabled(ctx context.Context, level slog.Level) bool {
	return l.next.Enabled(ctx, level)
}

func (l limiter) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		skipped, pass := l.seen.pass(r.Message, r.Time, l.every)
		if !pass {
			return nil
		}
		if skipped > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("suppressed", skipped))
		}
	}
	return l.next.Handle(ctx, r)
}

func (l limiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return limiter{l.next.WithAttrs(attrs), l.every, l.seen}
}

func (l limiter) WithGroup(name string) slog.Handler {
	return limiter{l.next.WithGroup(name), l.every, l.seen}
}

// pass reports whether a record may pass now, and how many did not since the last.
func (s *seen) pass(message string, now time.Time, every time.Duration) (skipped int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.byMessage[message]
	if m == nil {
		m = &sighting{}
		s.byMessage[message] = m
	} else if now.Sub(m.last) < every {
		m.skipped++
		return 0, false
	}
	skipped, m.skipped, m.last = m.skipped, 0, now
	return skipped, true
}

// httpErrors is where net/http complains about connections.
func httpErrors(l *slog.Logger, listener string) *log.Logger {
	return log.New(httpErrorWriter{l.With("listener", listener)}, "", 0)
}

type httpErrorWriter struct{ log *slog.Logger }

func (w httpErrorWriter) Write(p []byte) (int, error) {
	w.log.Warn("http server", "error", strings.TrimSpace(string(p)))
	return len(p), nil
}
