package redis

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sparingLog writes at most one line per message text and interval, so that a peer's
// input can't fill a disk. A line says how many were left out before it.
type sparingLog struct {
	log      *slog.Logger
	interval time.Duration

	mu sync.Mutex
	// Guarded by mu. The keys are constants of this package.
	last map[string]time.Time
	left map[string]int
}

func newSparingLog(log *slog.Logger) *sparingLog {
	return &sparingLog{log: log, interval: 10 * time.Second, last: map[string]time.Time{}, left: map[string]int{}}
}

// warn writes a line, or counts it as left out. kind tells apart lines of one message.
func (l *sparingLog) warn(message, kind string, attrs ...slog.Attr) {
	left, ok := l.due(message + kind)
	if !ok {
		return
	}
	if left > 0 {
		attrs = append(attrs, slog.Int("left_out", left))
	}
	l.log.LogAttrs(context.Background(), slog.LevelWarn, message, attrs...) //nolint:sloglint // its callers give constants
}

func (l *sparingLog) due(key string) (left int, ok bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, seen := l.last[key]; seen && now.Sub(last) < l.interval {
		l.left[key]++
		return 0, false
	}
	l.last[key] = now
	left = l.left[key]
	delete(l.left, key)
	return left, true
}
