package wire

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// patience bounds every wait of a test for what must happen.
const patience = 20 * time.Second

// recorder is a Handler that keeps what it is told.
type recorder struct {
	connected    chan Opened
	events       chan kept
	disconnected chan error
	failed       chan error
	upgraded     chan error
}

// kept is a copy of an event.
type kept struct {
	name, args  string
	attachments []string
	wantsAck    bool
	ackID       uint64
}

func newRecorder() *recorder {
	return &recorder{
		connected:    make(chan Opened, 100),
		events:       make(chan kept, 10_000),
		disconnected: make(chan error, 100),
		failed:       make(chan error, 100),
		upgraded:     make(chan error, 100),
	}
}

func (r *recorder) Connected(_ *Client, o Opened)                  { r.connected <- o }
func (r *recorder) Disconnected(_ *Client, err error)              { r.disconnected <- err }
func (r *recorder) Failed(_ *Client, err error)                    { r.failed <- err }
func (r *recorder) Upgraded(_ *Client, _ time.Duration, err error) { r.upgraded <- err }
func (r *recorder) Event(_ *Client, e *Event) {
	k := kept{name: string(e.Name), args: string(e.Args), wantsAck: e.WantsAck, ackID: e.AckID}
	for _, a := range e.Attachments {
		k.attachments = append(k.attachments, string(a))
	}
	r.events <- k
}

// wait returns what comes out of a channel, which must not take forever.
func wait[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s within %v", what, patience)
		panic("unreachable")
	}
}

// serve runs a Socket.IO server and returns its URL.
func serve(t *testing.T, cfg socketio.Config, set func(*socketio.Server)) string {
	t.Helper()
	s, err := socketio.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		set(s)
	}
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close server: %v", err)
		}
		web.Close()
	})
	return web.URL
}

// connect dials, and closes the client at the end of the test.
func connect(t *testing.T, cfg Config) (*Client, *recorder) {
	t.Helper()
	r := newRecorder()
	if cfg.Handler == nil {
		cfg.Handler = r
	}
	c, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, r
}

// pollingOnly is a server that offers WebSocket and refuses it.
func pollingOnly(t *testing.T) string {
	t.Helper()
	s, err := socketio.NewServer(socketio.Config{Engine: engineio.Config{PingInterval: 500 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	echo(s)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("transport") == "websocket" {
			http.Error(w, "no WebSockets here", http.StatusBadRequest)
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close server: %v", err)
		}
		web.Close()
	})
	return web.URL
}
