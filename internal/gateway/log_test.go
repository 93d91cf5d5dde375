package gateway

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestFloodOfOneMessageIsCountedNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := limited(newLogger(Config{LogOutput: &out}), time.Second)
		for range 1000 {
			log.With("sid", "x").Warn("bad packet")
		}
		log.Warn("another message")
		time.Sleep(time.Second)
		log.Warn("bad packet")

		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 {
			t.Fatalf("want 3 lines, got %q", lines)
		}
		var last struct {
			Msg        string
			Suppressed int
		}
		if err := json.Unmarshal([]byte(lines[2]), &last); err != nil || last.Msg != "bad packet" || last.Suppressed != 999 {
			t.Errorf("%s: %+v, %v", lines[2], last, err)
		}
	})
}

func TestDebugRecordsAreNotLimited(t *testing.T) {
	var out bytes.Buffer
	log := limited(newLogger(Config{LogOutput: &out, LogLevel: slog.LevelDebug}), time.Hour)
	for range 10 {
		log.Debug("packet")
	}
	if n := strings.Count(out.String(), "\n"); n != 10 {
		t.Errorf("%d lines, want 10", n)
	}
}

func TestLogLinesCannotBeForged(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		log := newLogger(Config{LogOutput: &out, LogFormat: format})
		httpErrors(log, "public").Print("bad header \"a\x1b[2J\nlevel=ERROR msg=forged")
		if n := strings.Count(out.String(), "\n"); n != 1 || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s: %q", format, out.String())
		}
	}
}

func TestLevelIsRespected(t *testing.T) {
	var out bytes.Buffer
	log := limited(newLogger(Config{LogOutput: &out, LogLevel: slog.LevelWarn}), time.Second)
	log.Info("quiet")
	log.Warn("loud")
	if s := out.String(); strings.Contains(s, "quiet") || !strings.Contains(s, "loud") {
		t.Errorf("logged %q", s)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
