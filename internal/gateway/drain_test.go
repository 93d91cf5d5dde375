package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestDrainGoesStepByStep(t *testing.T) {
	delay := make(chan struct{})
	asked := make(chan time.Duration, 1)
	w := start(t, Config{Dev: true, DrainDelay: 5 * time.Second, DrainWindow: 200 * time.Millisecond}, func(g *gateway) {
		g.sleep = func(ctx context.Context, d time.Duration) {
			asked <- d
			select {
			case <-delay:
			case <-ctx.Done():
			}
		}
	})
	w.until(w.internal+"/readyz", 200, `"drain":"ok"`)
	clients := make([]*client, 20)
	for i := range clients {
		clients[i] = w.join("r")
	}

	w.stop()
	if d := <-asked; d != 5*time.Second {
		t.Errorf("delay of %v, want 5s", d)
	}
	// Not ready, but alive and serving.
	w.until(w.internal+"/readyz", 503, `"drain":"draining"`)
	w.until(w.internal+"/livez", 200, "ok")
	if code, _ := w.get(w.handshake()); code != 200 {
		t.Errorf("handshake during the delay: %d, want 200", code)
	}
	// The last thing that is said reaches everybody.
	clients[0].send(`42["publish","r","bye"]`)
	for _, c := range clients[1:] {
		c.expect(`42["bye"]`)
	}

	close(delay)
	for _, c := range clients {
		// No DISCONNECT packet, nor anything else: the official client would stay away.
		if frame, err := c.next(); err == nil {
			t.Errorf("got %q instead of the end", frame)
		} else if status := websocket.CloseStatus(err); status != websocket.StatusNoStatusRcvd {
			t.Errorf("ended by %v, want a close frame without a status", err)
		}
	}
	select {
	case err := <-w.done:
		if err != nil {
			t.Errorf("run returned %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the drain does not end")
	}
	for _, url := range []string{w.public, w.internal} {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
			conn.Close()
			t.Errorf("%s still listens", url)
		}
	}
}

// TestDrainRefusesNewSessions needs a client that does not go within its window:
// one that polls and never asks again.
func TestDrainRefusesNewSessions(t *testing.T) {
	w := start(t, Config{Dev: true, DrainWindow: 300 * time.Millisecond}, nil)
	if code, body := w.get(w.handshake()); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	began := time.Now()
	w.stop()
	refused := false
	for !refused {
		resp, err := http.Get(w.handshake())
		if err != nil {
			break // the listener has gone
		}
		resp.Body.Close()
		refused = resp.StatusCode == http.StatusServiceUnavailable
	}
	if !refused {
		t.Error("no handshake was refused with 503")
	}
	select {
	case err := <-w.done:
		if err != nil {
			t.Errorf("run returned %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the drain does not end")
	}
	if took := time.Since(began); took > 300*time.Millisecond+DrainSlack {
		t.Errorf("the drain took %v", took)
	}
}

func TestFailedListenerEndsTheNode(t *testing.T) {
	g, err := newGateway(Config{DrainDelay: time.Hour, LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ln := failingListener{errors.New("out of descriptors")}
	if err := g.run(t.Context(), ln, loopback(t), io.Discard); err == nil || !strings.Contains(err.Error(), "out of descriptors") {
		t.Errorf("run returned %v", err)
	}
}

type failingListener struct{ err error }

func (l failingListener) Accept() (net.Conn, error) { return nil, l.err }
func (l failingListener) Close() error              { return nil }
func (l failingListener) Addr() net.Addr            { return &net.TCPAddr{} }
